//! What the service counts of its own.

use platform::Metrics;
use prometheus_client::{
    metrics::{counter::Counter, gauge::Gauge, histogram::Histogram},
    registry::Unit,
};

/// What is counted on the way from a request to its commit.
#[derive(Clone, Debug)]
pub(crate) struct IntakeMetrics {
    pub(crate) queued: Gauge,
    pub(crate) refused: Counter,
    pub(crate) isolated: Counter,
    pub(crate) batch: Histogram,
    pub(crate) commit: Histogram,
}

impl IntakeMetrics {
    pub(crate) fn register(metrics: &Metrics) -> Self {
        Self {
            queued: metrics.register(
                "intake_queued_reports",
                "Reports that wait for a commit",
                Gauge::default(),
            ),
            refused: metrics.register(
                "intake_refused_reports",
                "Reports refused because the queue was full",
                Counter::default(),
            ),
            isolated: metrics.register(
                "intake_isolated_reports",
                "Reports that the database refused and that were kept from their batch",
                Counter::default(),
            ),
            batch: metrics.register(
                "intake_batch_reports",
                "Reports in one commit",
                Histogram::new([1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0]),
            ),
            commit: metrics.register_with_unit(
                "intake_commit_duration",
                "From the begin to the commit of a batch",
                Unit::Seconds,
                Histogram::new([
                    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0,
                ]),
            ),
        }
    }
}

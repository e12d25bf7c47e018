//! What the log tells about itself.

use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{counter::Counter, family::Family, gauge::Gauge},
};

/// The metrics of a service's log and of its consumers; registered once.
#[derive(Clone, Debug, Default)]
pub struct LogMetrics {
    pub(crate) lag: Family<ShardLabels, Gauge>,
    pub(crate) last_applied: Family<ShardLabels, Gauge>,
    pub(crate) applied: Family<ShardLabels, Counter>,
    pub(crate) parked: Family<ConsumerLabels, Gauge>,
    pub(crate) stopped: Family<ConsumerLabels, Gauge>,
    pub(crate) gaps: Family<ConsumerLabels, Counter>,
    pub(crate) skipped_locked: Family<ConsumerLabels, Counter>,
    pub(crate) failures: Family<ConsumerLabels, Counter>,
    pub(crate) read: Family<SourceLabels, Counter>,
    pub(crate) publish_errors: Counter,
    pub(crate) published: Counter,
    pub(crate) unpublished: Gauge,
}

/// A consumer and the producer whose log it reads.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(crate) struct ConsumerLabels {
    pub(crate) consumer: &'static str,
    pub(crate) producer: &'static str,
}

/// One shard of what a consumer reads.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(crate) struct ShardLabels {
    pub(crate) consumer: &'static str,
    pub(crate) producer: &'static str,
    pub(crate) shard: u16,
}

/// The way by which events came.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(crate) struct SourceLabels {
    pub(crate) consumer: &'static str,
    pub(crate) producer: &'static str,
    pub(crate) source: &'static str,
}

impl LogMetrics {
    /// Registers the metrics with those of the service.
    pub fn register(metrics: &platform::Metrics) -> Self {
        let this = Self::default();
        metrics.register(
            "eventlog_consumer_lag_events",
            "Events of a shard that are not applied yet",
            this.lag.clone(),
        );
        metrics.register(
            "eventlog_consumer_last_applied_timestamp_seconds",
            "When the event last applied was recorded",
            this.last_applied.clone(),
        );
        metrics.register(
            "eventlog_consumer_applied",
            "Events applied",
            this.applied.clone(),
        );
        metrics.register(
            "eventlog_consumer_parked_events",
            "Events kept aside because they could not be applied: someone must retry or skip them",
            this.parked.clone(),
        );
        metrics.register(
            "eventlog_consumer_stopped",
            "1 when a consumer stopped because the log is not the one it knew",
            this.stopped.clone(),
        );
        metrics.register(
            "eventlog_consumer_gaps",
            "Streams found with a gap",
            this.gaps.clone(),
        );
        metrics.register(
            "eventlog_consumer_skipped_locked",
            "Batches left to another replica",
            this.skipped_locked.clone(),
        );
        metrics.register(
            "eventlog_consumer_failures",
            "Batches that failed for a passing reason",
            this.failures.clone(),
        );
        metrics.register(
            "eventlog_consumer_read_events",
            "Events read, by source",
            this.read.clone(),
        );
        metrics.register(
            "eventlog_publisher_errors",
            "Failed rounds of the publisher",
            this.publish_errors.clone(),
        );
        metrics.register(
            "eventlog_publisher_published",
            "Events published",
            this.published.clone(),
        );
        metrics.register(
            "eventlog_publisher_behind_events",
            "Events committed and not published yet",
            this.unpublished.clone(),
        );
        this
    }
}

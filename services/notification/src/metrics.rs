//! What this service tells about itself.

use std::sync::atomic::AtomicU64;

use platform::Metrics;
use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{counter::Counter, family::Family, gauge::Gauge},
};

use crate::notices::{Recipient, Rule};

/// The metrics of notifications.
#[derive(Clone, Debug, Default)]
pub(crate) struct ServiceMetrics {
    raised: Family<RuleLabel, Counter>,
    no_address: Family<RecipientLabel, Counter>,
    /// For how long from now on somebody is on call whenever the cell does not work.
    pub(crate) on_call_covered: Gauge<f64, AtomicU64>,
    /// Streams that are open.
    pub(crate) streams: Gauge,
    /// Gaps that slow readers were told of.
    pub(crate) gaps: Counter,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RuleLabel {
    rule: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RecipientLabel {
    recipient: &'static str,
}

impl ServiceMetrics {
    /// Registers the metrics with those of the process.
    pub(crate) fn register(metrics: &Metrics) -> Self {
        let this = Self::default();
        metrics.register(
            "vigie_notification_raised",
            "Notifications raised, by rule",
            this.raised.clone(),
        );
        metrics.register(
            "vigie_notification_without_address",
            "Messages that a rule asks for and nobody can be sent, by recipient",
            this.no_address.clone(),
        );
        metrics.register(
            "vigie_on_call_covered_seconds",
            "For how long from now on somebody is on call whenever the cell does not work",
            this.on_call_covered.clone(),
        );
        metrics.register(
            "vigie_notification_open_streams",
            "Streams of notifications that are open",
            this.streams.clone(),
        );
        metrics.register(
            "vigie_notification_gaps",
            "Gaps that readers who were too slow were told of",
            this.gaps.clone(),
        );
        this
    }

    /// Counts a notification.
    pub(crate) fn raised(&self, rule: Rule) {
        self.raised
            .get_or_create(&RuleLabel { rule: rule.name() })
            .inc();
    }

    /// Counts a message that could not be addressed.
    pub(crate) fn no_address(&self, recipient: Recipient) {
        let recipient = match recipient {
            Recipient::Declarant => "declarant",
            Recipient::Agency(_) => "agency",
            Recipient::SecurityOfficer => "fssi",
            Recipient::Cell => "cell",
            Recipient::HealthAuthority => "dgs",
            Recipient::OnCall => "on_call",
            Recipient::Later(_) => "later",
        };
        self.no_address
            .get_or_create(&RecipientLabel { recipient })
            .inc();
    }
}

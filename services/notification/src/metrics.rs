//! What this service tells about itself.

use std::sync::atomic::AtomicU64;

use platform::Metrics;
use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{counter::Counter, family::Family, gauge::Gauge},
};

use crate::domain::{mail_draft::Recipient, rule::Rule};

/// The metrics of notifications and deliveries.
#[derive(Clone, Debug, Default)]
pub(crate) struct ServiceMetrics {
    raised: Family<RuleLabel, Counter>,
    no_address: Family<RecipientLabel, Counter>,
    attempts: Family<OutcomeLabel, Counter>,
    /// Claims that ended without a record: the message may go out twice.
    pub(crate) expired_claims: Counter,
    /// Deliveries that wait, counted up to 10,000.
    pub(crate) pending: Gauge,
    /// Deliveries that were given up, counted up to 10,000: somebody must act.
    pub(crate) dead: Gauge,
    /// For how long the oldest undelivered message has waited.
    pub(crate) oldest_age: Gauge<f64, AtomicU64>,
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

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OutcomeLabel {
    outcome: &'static str,
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
            "vigie_delivery_attempts",
            "Attempts to deliver a message, by outcome",
            this.attempts.clone(),
        );
        metrics.register(
            "vigie_delivery_expired_claims",
            "Deliveries claimed again because an earlier claim ended without a record",
            this.expired_claims.clone(),
        );
        metrics.register(
            "vigie_delivery_pending",
            "Deliveries that wait",
            this.pending.clone(),
        );
        metrics.register(
            "vigie_delivery_dead",
            "Deliveries that were given up: an operator must look at them",
            this.dead.clone(),
        );
        metrics.register(
            "vigie_delivery_oldest_age_seconds",
            "For how long the oldest undelivered message has waited",
            this.oldest_age.clone(),
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

    /// Counts an attempt to deliver.
    pub(crate) fn attempted(&self, outcome: &'static str) {
        self.attempts.get_or_create(&OutcomeLabel { outcome }).inc();
    }
}

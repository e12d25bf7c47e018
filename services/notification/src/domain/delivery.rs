//! The health of a delivery, as an operator sees it.

use time::OffsetDateTime;
use uuid::Uuid;

/// A delivery without its address and contents.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Delivery {
    /// Derived from the event, the rule and the recipient.
    pub(crate) id: Uuid,
    /// The report it is about; nil for a digest.
    pub(crate) report_id: Uuid,
    /// The rule that asks for it.
    pub(crate) rule: String,
    /// Who it goes to.
    pub(crate) recipient: String,
    /// Where it stands.
    pub(crate) state: DeliveryState,
    /// Attempts made.
    pub(crate) attempts: u32,
    /// When it was created.
    pub(crate) created_at: OffsetDateTime,
    /// When it is due; absent when done.
    pub(crate) due_at: Option<OffsetDateTime>,
    /// When the receiver's server took it.
    pub(crate) sent_at: Option<OffsetDateTime>,
    /// The class of the last error.
    pub(crate) last_error: Option<String>,
}

/// Where a delivery stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum DeliveryState {
    /// To be done, now or later (en attente).
    Pending,
    /// The receiver's server took it (remis).
    Sent,
    /// Given up (abandonné).
    Dead,
}

impl DeliveryState {
    /// The slug under which it is stored.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Sent => "sent",
            Self::Dead => "dead",
        }
    }

    /// Reads a stored slug.
    pub(crate) fn from_slug(slug: &str) -> Option<Self> {
        [Self::Pending, Self::Sent, Self::Dead]
            .into_iter()
            .find(|state| state.as_str() == slug)
    }
}

/// Which deliveries are asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct DeliveryFilter {
    /// Only this state.
    pub(crate) state: Option<DeliveryState>,
    /// Only those of this report.
    pub(crate) report_id: Option<Uuid>,
}

//! Which reports are asked for, and what other services tell of them.

use time::OffsetDateTime;
use uuid::Uuid;
use vocabulary::{Reference, ReportKind, RoutingRegion};

use super::{CaseProgress, ReportState};

/// Which report is wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Wanted {
    /// The one with this id.
    Id(Uuid),
    /// The one with this reference.
    Reference(Reference),
}

/// Which reports are wanted; what is absent excludes nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Filter {
    /// Routed there.
    pub(crate) routing_region: Option<RoutingRegion>,
    /// Of this kind.
    pub(crate) kind: Option<ReportKind>,
    /// In this state.
    pub(crate) state: Option<ReportState>,
    /// Declared at or after.
    pub(crate) declared_after: Option<OffsetDateTime>,
    /// Declared before.
    pub(crate) declared_before: Option<OffsetDateTime>,
}

/// What the log of cases tells of a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct CaseChange {
    /// Of which report.
    pub(crate) report_id: Uuid,
    /// Where its treatment stands.
    pub(crate) progress: CaseProgress,
    /// When it came there.
    pub(crate) at: OffsetDateTime,
}

impl Wanted {
    /// What an audit entry calls it.
    pub(crate) fn subject(&self) -> String {
        match self {
            Self::Id(id) => format!("report/{id}"),
            Self::Reference(reference) => format!("report/{reference}"),
        }
    }
}

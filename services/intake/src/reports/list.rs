//! How people look for reports.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use time::OffsetDateTime;
use uuid::Uuid;
use vocabulary::{Reference, RoutingRegion};

use super::{Report, ReportState};

/// How a person names a report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ReportName {
    /// By its id.
    Id(Uuid),
    /// By its reference.
    Reference(Reference),
}

/// Which reports are wanted; what is absent excludes nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct ListFilter {
    /// Routed there.
    pub(super) routing_region: Option<RoutingRegion>,
    /// In this state.
    pub(super) state: Option<ReportState>,
    /// Declared at or after.
    pub(super) declared_after: Option<OffsetDateTime>,
    /// Declared before.
    pub(super) declared_before: Option<OffsetDateTime>,
    /// With these values in these fields of [`super::Facts`].
    pub(super) facts: BTreeMap<&'static str, Value>,
}

/// A place in the list of reports.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Position {
    /// When the last one was declared.
    #[serde(with = "time::serde::rfc3339")]
    pub(super) declared_at: OffsetDateTime,
    /// Its id.
    pub(super) report_id: Uuid,
}

impl Position {
    /// The place of a report.
    pub(super) fn of(report: &Report) -> Self {
        Self {
            declared_at: report.declared_at,
            report_id: report.id,
        }
    }
}

impl ReportName {
    /// What an audit entry calls it.
    pub(crate) fn subject(&self) -> String {
        match self {
            Self::Id(id) => format!("report/{id}"),
            Self::Reference(reference) => format!("report/{reference}"),
        }
    }
}

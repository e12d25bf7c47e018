//! How people look for cases.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use uuid::Uuid;
use vocabulary::{CaseState, RoutingRegion};

/// How a person names a case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Key {
    /// By its id.
    Id(Uuid),
    /// By the reference of its report.
    Reference(String),
}

/// What a list is restricted to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct ListFilter {
    /// Only these states, each once however often it is asked for; all when empty.
    pub(crate) states: BTreeSet<CaseState>,
    /// Only what is routed here.
    pub(crate) routing_region: Option<RoutingRegion>,
    /// Only those with a confirmed major severity.
    pub(crate) major_only: bool,
    /// Only those that this subject has in charge.
    pub(crate) assignee: Option<String>,
    /// Declared at or after.
    pub(crate) declared_after: Option<OffsetDateTime>,
    /// Declared before.
    pub(crate) declared_before: Option<OffsetDateTime>,
}

impl ListFilter {
    /// A text that tells this filter from every other, for page tokens and the
    /// audit trail.
    pub(crate) fn describe(&self) -> String {
        let mut parts: Vec<String> = self.states.iter().map(|s| format!("state={s}")).collect();
        parts.extend(self.routing_region.map(|region| format!("region={region}")));
        parts.extend(self.major_only.then(|| "major".to_owned()));
        parts.extend(
            self.assignee
                .iter()
                .map(|subject| format!("assignee={subject}")),
        );
        parts.extend(
            self.declared_after
                .map(|at| format!("from={}", at.unix_timestamp_nanos())),
        );
        parts.extend(
            self.declared_before
                .map(|at| format!("before={}", at.unix_timestamp_nanos())),
        );
        if parts.is_empty() {
            "all".to_owned()
        } else {
            parts.join(" ")
        }
    }
}

/// Where a page of a list ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Place {
    /// When the last one was declared.
    pub(crate) declared_at: OffsetDateTime,
    /// Its id.
    pub(crate) case_id: Uuid,
}

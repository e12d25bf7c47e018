//! How people look for cases.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use uuid::Uuid;
use vocabulary::{CaseState, RoutingRegion};

/// How a person names a case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum CaseName {
    /// By its id.
    Id(Uuid),
    /// By the reference of its report.
    Reference(String),
}

/// What a list is restricted to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct ListFilter {
    /// Only these states, each once however often it is asked for; all when empty.
    pub(super) states: BTreeSet<CaseState>,
    /// Only what is routed here.
    pub(super) routing_region: Option<RoutingRegion>,
    /// Only those with a confirmed major severity.
    pub(super) major_only: bool,
    /// Only those that this subject has in charge.
    pub(super) assignee: Option<String>,
    /// Only those on which an answer was to come by this moment, or a report by
    /// [`Self::report_overdue_at`].
    pub(super) overdue_at: Option<OffsetDateTime>,
    /// Where the installation has deadlines, the moment by which reports were to come.
    pub(super) report_overdue_at: Option<OffsetDateTime>,
    /// Declared at or after.
    pub(super) declared_after: Option<OffsetDateTime>,
    /// Declared before.
    pub(super) declared_before: Option<OffsetDateTime>,
}

/// Where a page of a list ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Position {
    /// When the last one was declared.
    pub(super) declared_at: OffsetDateTime,
    /// Its id.
    pub(super) case_id: Uuid,
}

impl ListFilter {
    /// A text that tells this filter from every other, for page tokens and the audit
    /// trail.
    pub(super) fn describe(&self) -> String {
        let bound = |name, at: OffsetDateTime| format!("{name}={}", at.unix_timestamp_nanos());
        let mut parts: Vec<String> = self.states.iter().map(|s| format!("state={s}")).collect();
        parts.extend(self.routing_region.map(|region| format!("region={region}")));
        parts.extend(self.major_only.then(|| "major".to_owned()));
        // Whatever the moment: the pages of a list are asked for one after the other.
        parts.extend(self.overdue_at.map(|_| "overdue".to_owned()));
        parts.extend(
            self.assignee
                .iter()
                .map(|subject| format!("assignee={subject}")),
        );
        parts.extend(self.declared_after.map(|at| bound("from", at)));
        parts.extend(self.declared_before.map(|at| bound("before", at)));
        if parts.is_empty() {
            "all".to_owned()
        } else {
            parts.join(" ")
        }
    }
}

//! How people look for cases.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use uuid::Uuid;
use vocabulary::{
    CaseState, Origin, Party, ReportKind, RoutingRegion, SearchWords, SeverityLevel, WaitingFor,
    Word,
};

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
    /// Only these severities, of the judgement that holds; all when empty.
    pub(super) severities: BTreeSet<SeverityLevel>,
    /// Only reports of these kinds; all when empty.
    pub(super) kinds: BTreeSet<ReportKind>,
    /// Only these origins, of the judgement that holds; all when empty.
    pub(super) origins: BTreeSet<Origin>,
    /// Only what waits for one of these; all when empty.
    pub(super) waiting_for: BTreeSet<WaitingFor>,
    /// Only that in which all of these are found.
    pub(super) words: Option<SearchWords>,
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
    /// A text that tells this filter from every other, for page tokens.
    pub(super) fn describe(&self) -> String {
        let mut parts = self.parts();
        parts.extend(self.text().map(|words| format!("query={words}")));
        joined(&parts)
    }

    /// The filter for the audit trail: what is searched for may name a person.
    pub(super) fn audited(&self) -> String {
        let mut parts = self.parts();
        parts.extend(self.words.iter().map(|_| "query".to_owned()));
        joined(&parts)
    }

    /// The words that are searched for.
    pub(super) fn text(&self) -> Option<String> {
        let words = self.words.as_ref()?;
        Some(words.iter().collect::<Vec<_>>().join(" "))
    }

    /// Whether cases are looked up by their words and tags, for these parties. Otherwise they
    /// are walked through in their order: what is asked for is frequent, or has an index.
    pub(super) fn searches(&self, parties: &[String]) -> bool {
        let national = |slug: &String| {
            use Party::{Cell, HealthAuthority, SecurityOfficer};
            matches!(
                Party::stored(slug),
                Cell | SecurityOfficer | HealthAuthority
            )
        };
        self.words.is_some()
            || !self.severities.is_empty()
            || !self.kinds.is_empty()
            || !self.origins.is_empty()
            || !self.waiting_for.is_empty()
            // Of all that they see, few may be of the region.
            || self.routing_region.is_some() && parties.iter().any(national)
    }

    fn parts(&self) -> Vec<String> {
        fn each<W: Word>(name: &'static str, words: &BTreeSet<W>) -> impl Iterator<Item = String> {
            words.iter().map(move |word| format!("{name}={word}"))
        }
        let bound = |name, at: OffsetDateTime| format!("{name}={}", at.unix_timestamp_nanos());
        let mut parts: Vec<String> = each("state", &self.states).collect();
        parts.extend(self.routing_region.map(|region| format!("region={region}")));
        parts.extend(self.major_only.then(|| "major".to_owned()));
        parts.extend(each("severity", &self.severities));
        parts.extend(each("kind", &self.kinds));
        parts.extend(each("origin", &self.origins));
        parts.extend(each("waiting", &self.waiting_for));
        // Whatever the moment: the pages of a list are asked for one after the other.
        parts.extend(self.overdue_at.map(|_| "overdue".to_owned()));
        parts.extend(
            self.assignee
                .iter()
                .map(|subject| format!("assignee={subject}")),
        );
        parts.extend(self.declared_after.map(|at| bound("from", at)));
        parts.extend(self.declared_before.map(|at| bound("before", at)));
        parts
    }
}

fn joined(parts: &[String]) -> String {
    if parts.is_empty() {
        "all".to_owned()
    } else {
        parts.join(" ")
    }
}

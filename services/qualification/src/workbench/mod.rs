//! The live workbench: what changes among the cases that somebody sees.
//!
//! The service's own log tells which cases changed, in the order of commits and without gaps;
//! the rows of the cases tell what they are now. One [`reader`] of a process reads both for all
//! of its streams. A [`watcher`](watcher::Watcher) subscribes to what the reader broadcasts
//! before it reads the log itself, and follows each shard position by position.

mod cursor;
mod log;
mod reader;
mod request;
mod rpc;
mod watcher;

use std::collections::BTreeSet;

use vocabulary::{CaseState, RoutingRegion};

pub(crate) use self::{log::CaseLog, reader::CaseReader, rpc::WorkbenchRpc};
use crate::cases::Case;

/// Which cases somebody follows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Filter {
    /// Only these states; all when empty.
    states: BTreeSet<CaseState>,
    /// Only what is routed here.
    routing_region: Option<RoutingRegion>,
    /// Only those with a confirmed major severity.
    major_only: bool,
    /// Only those that this subject has in charge.
    assignee: Option<String>,
}

impl Filter {
    /// Whether a case is one of those.
    fn takes(&self, case: &Case) -> bool {
        let confirmed = case.confirmed.as_ref();
        let region = self.routing_region.map(|region| region.to_string());
        (self.states.is_empty() || self.states.contains(&case.state))
            && region.is_none_or(|region| region == case.report.routing_region)
            && (!self.major_only || confirmed.is_some_and(|triage| triage.severity.major))
            && (self.assignee.is_none() || self.assignee == case.assignee)
    }

    /// A text that tells this filter from every other, for the audit trail.
    fn describe(&self) -> String {
        let states = self.states.iter().map(|state| format!("state={state}"));
        let mut parts: Vec<String> = states.collect();
        parts.extend(self.routing_region.map(|region| format!("region={region}")));
        parts.extend(self.major_only.then(|| "major".to_owned()));
        let assignee = self.assignee.iter();
        parts.extend(assignee.map(|subject| format!("assignee={subject}")));
        if parts.is_empty() {
            "all".to_owned()
        } else {
            parts.join(" ")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cases::tests::opened;

    #[test]
    fn a_filter_takes_what_a_list_with_it_would() {
        let mut case = opened();
        assert!(Filter::default().takes(&case));
        let of_states = |states: &[CaseState]| Filter {
            states: states.iter().copied().collect(),
            ..Filter::default()
        };
        assert!(of_states(&[CaseState::Closed, CaseState::Submitted]).takes(&case));
        assert!(!of_states(&[CaseState::Closed]).takes(&case));
        for (region, taken) in [("76", true), ("75", false), ("national", false)] {
            let filter = Filter {
                routing_region: region.parse().ok(),
                ..Filter::default()
            };
            assert_eq!(filter.takes(&case), taken, "{region}");
        }
        let major = Filter {
            major_only: true,
            ..Filter::default()
        };
        // What the rules propose is not confirmed.
        case.proposed.severity.major = true;
        assert!(!major.takes(&case));
        case.confirmed = Some(case.proposed.clone());
        assert!(major.takes(&case));
        let mine = Filter {
            assignee: Some("ana".to_owned()),
            ..Filter::default()
        };
        assert!(!mine.takes(&case));
        case.assignee = Some("bo".to_owned());
        assert!(!mine.takes(&case));
        case.assignee = Some("ana".to_owned());
        assert!(mine.takes(&case));
    }
}

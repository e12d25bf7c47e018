//! When an incident may be declared resolved.

use time::OffsetDateTime;
use vocabulary::CaseState;

use crate::{
    cases::{CaseProgress, is_ended},
    reports::Report,
};

/// Why a declaration of resolution is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// The caller sees the report and is not among those who may speak for it.
    NotYours,
    /// The report was withdrawn as a false alarm.
    Withdrawn,
    /// The report changed since it was seen.
    EtagMismatch,
    /// It was declared before, and the cell has not opened the case again.
    AlreadyResolved,
    /// The incident had not begun.
    BeforeItBegan,
    /// The key under which texts are sealed is erased.
    Erased,
}

/// Decides on a declaration about a report that has `declared` of them; gives back the number
/// of the new one. An empty `etag` stands for any.
pub(super) fn declare(
    report: &Report,
    declared: u32,
    resolved_at: OffsetDateTime,
    etag: &str,
) -> Result<u32, Refusal> {
    if report.withdrawal.is_some() {
        return Err(Refusal::Withdrawn);
    }
    if !etag.is_empty() && etag != report.etag() {
        return Err(Refusal::EtagMismatch);
    }
    if declared > 0 && !is_opened_again(report.case, declared) {
        return Err(Refusal::AlreadyResolved);
    }
    let facts = &report.facts;
    if resolved_at < facts.started_at.unwrap_or(facts.found_at) {
        return Err(Refusal::BeforeItBegan);
    }
    Ok(declared + 1)
}

/// Whether the cell treats a case again after the latest declaration: a state from before the
/// case heard of that says nothing.
fn is_opened_again(case: Option<CaseProgress>, declared: u32) -> bool {
    let heard = case.filter(|case| case.resolutions >= declared);
    let state = heard.and_then(|case| case.state);
    state.is_some_and(|state| state != CaseState::Resolved && !is_ended(state))
}

#[cfg(test)]
mod tests {
    use time::Duration;
    use uuid::Uuid;

    use super::*;
    use crate::reports::{
        Withdrawal,
        samples::{NOW, report},
    };

    fn with_case(state: CaseState, resolutions: u32) -> Report {
        Report {
            case: Some(CaseProgress {
                case_id: Uuid::nil(),
                state: Some(state),
                revision: 3,
                resolutions,
            }),
            ..report()
        }
    }

    #[test]
    fn a_first_declaration_is_taken_whatever_is_known_of_the_case() {
        assert_eq!(declare(&report(), 0, NOW, ""), Ok(1));
        for &state in CaseState::ALL {
            assert_eq!(declare(&with_case(state, 0), 0, NOW, ""), Ok(1), "{state}");
        }
    }

    #[test]
    fn a_second_one_is_taken_when_the_case_heard_of_the_first_and_is_open_again() {
        assert_eq!(
            declare(&report(), 1, NOW, ""),
            Err(Refusal::AlreadyResolved)
        );
        for &state in CaseState::ALL {
            let is_open = state != CaseState::Resolved && !is_ended(state);
            let expected = if is_open {
                Ok(2)
            } else {
                Err(Refusal::AlreadyResolved)
            };
            assert_eq!(
                declare(&with_case(state, 1), 1, NOW, ""),
                expected,
                "{state}"
            );
            let unheard = declare(&with_case(state, 0), 1, NOW, "");
            assert_eq!(unheard, Err(Refusal::AlreadyResolved), "{state}");
        }
    }

    #[test]
    fn an_incident_is_over_after_it_began_or_was_noticed() {
        let found_at = report().facts.found_at;
        let tick = Duration::microseconds(1);
        let early = Err(Refusal::BeforeItBegan);
        assert_eq!(declare(&report(), 0, found_at, ""), Ok(1));
        assert_eq!(declare(&report(), 0, found_at - tick, ""), early);

        let mut found_late = report();
        let started_at = found_at - Duration::days(9);
        found_late.facts.started_at = Some(started_at);
        assert_eq!(declare(&found_late, 0, started_at, ""), Ok(1));
        assert_eq!(declare(&found_late, 0, started_at - tick, ""), early);
    }

    #[test]
    fn what_was_withdrawn_or_changed_since_it_was_seen_is_not_declared_resolved() {
        let seen = report().etag();
        assert_eq!(declare(&report(), 0, NOW, &seen), Ok(1));
        let changed = declare(&report(), 0, NOW, "never");
        assert_eq!(changed, Err(Refusal::EtagMismatch));
        let withdrawn = Report {
            withdrawal: Some(Withdrawal {
                at: NOW,
                reason: "Exercice".to_owned(),
            }),
            ..report()
        };
        assert_eq!(declare(&withdrawn, 0, NOW, ""), Err(Refusal::Withdrawn));
    }
}

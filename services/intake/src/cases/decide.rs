//! How changes of a case move where the treatment of its report stands.

use vocabulary::CaseState;

use super::{CaseChange, CaseStanding};

/// Where a case stands after these changes, in the order of their revisions; nothing
/// where none is new.
///
/// What changes in an ended case does not end it anew: contacts are kept from its first
/// end on, until it is opened again.
pub(super) fn follow(known: Option<CaseStanding>, changes: &[CaseChange]) -> Option<CaseStanding> {
    let mut changes: Vec<&CaseChange> = changes.iter().collect();
    changes.sort_by_key(|change| change.progress.revision);
    let mut standing = known;
    for change in changes {
        if standing.is_some_and(|known| known.progress.revision >= change.progress.revision) {
            continue;
        }
        let first_end = standing
            .filter(|known| known.progress.state.is_some_and(is_ended))
            .and_then(|known| known.ended_at);
        let is_ended = change.progress.state.is_some_and(is_ended);
        standing = Some(CaseStanding {
            progress: change.progress,
            ended_at: is_ended.then(|| first_end.unwrap_or(change.at)),
        });
    }
    standing.filter(|_| standing != known)
}

/// Whether a case in this state is treated no more.
pub(crate) fn is_ended(state: CaseState) -> bool {
    match state {
        CaseState::Closed | CaseState::OutOfScope | CaseState::Duplicate | CaseState::Withdrawn => {
            true
        }
        CaseState::Submitted
        | CaseState::InQualification
        | CaseState::AwaitingDeclarant
        | CaseState::Qualified
        | CaseState::InTreatment
        | CaseState::Resolved
        | CaseState::Later(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use proptest::{collection::vec, prelude::*};
    use time::{Duration, macros::datetime};
    use uuid::Uuid;

    use time::OffsetDateTime;

    use super::{super::CaseProgress, *};

    const RECEIVED: OffsetDateTime = datetime!(2026-11-23 09:00 UTC);

    fn change(revision: u64, state: CaseState) -> CaseChange {
        CaseChange {
            progress: CaseProgress {
                case_id: Uuid::nil(),
                state: Some(state),
                revision,
                resolutions: 0,
            },
            at: day(revision),
        }
    }

    fn day(number: u64) -> OffsetDateTime {
        RECEIVED + Duration::days(number.cast_signed())
    }

    fn ended_on(known: Option<CaseStanding>, states: &[CaseState]) -> Option<OffsetDateTime> {
        let first = known.map_or(1, |known| known.progress.revision + 1);
        let changes: Vec<_> = (first..).zip(states).map(|(n, &s)| change(n, s)).collect();
        follow(known, &changes).unwrap().ended_at
    }

    #[test]
    fn the_first_end_counts_until_the_case_is_open_again() {
        use CaseState::{Closed, InQualification, OutOfScope, Submitted, Withdrawn};

        assert_eq!(ended_on(None, &[Submitted, Closed]), Some(day(2)));
        assert_eq!(ended_on(None, &[Closed, Closed, Withdrawn]), Some(day(1)));
        assert_eq!(ended_on(None, &[Closed, InQualification]), None);
        let closed = follow(None, &[change(1, Closed)]);
        assert_eq!(ended_on(closed, &[Closed, OutOfScope]), Some(day(1)));
        assert_eq!(ended_on(closed, &[InQualification, Closed]), Some(day(3)));
    }

    #[test]
    fn an_end_that_an_earlier_release_did_not_date_counts_from_the_next_change() {
        let undated = CaseStanding {
            ended_at: None,
            ..follow(None, &[change(1, CaseState::Closed)]).unwrap()
        };
        assert_eq!(ended_on(Some(undated), &[CaseState::Closed]), Some(day(2)));
    }

    proptest! {
        #[test]
        fn changes_told_twice_late_or_in_parts_come_to_the_same(
            states in vec(proptest::sample::select(CaseState::ALL), 1..8),
            cut in 0_usize..8,
            again in 0_usize..8,
        ) {
            let changes: Vec<_> = (1..).zip(&states).map(|(n, &s)| change(n, s)).collect();
            let whole = follow(None, &changes);
            let cut = cut.min(changes.len());
            let first = follow(None, &changes[..cut]);
            let mut rest = changes[again.min(cut)..].to_vec();
            rest.reverse();
            prop_assert_eq!(follow(first, &rest).or(first), whole);
            prop_assert_eq!(follow(whole, &changes), None);
        }
    }
}

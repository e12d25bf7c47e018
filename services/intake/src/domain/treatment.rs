//! Whether a report is still treated, for contacts are needed as long.

use time::OffsetDateTime;
use uuid::Uuid;
use vocabulary::{CaseState, Channel};

use super::{CaseChange, CaseProgress};

/// A report whose contacts are kept, as far as it matters for how long.
#[derive(Clone, Debug)]
pub(crate) struct Treatment {
    /// The report.
    pub(crate) report_id: Uuid,
    /// Its reference for people.
    pub(crate) reference: String,
    /// By which way it came.
    pub(crate) channel: Channel,
    /// When the suite acknowledged it.
    pub(crate) received_at: OffsetDateTime,
    /// Where its case stands, as far as it is known here.
    pub(crate) state: Option<CaseState>,
    /// When the case ended, if it did and that was recorded.
    pub(crate) case_ended_at: Option<OffsetDateTime>,
}

/// Whether, and since when, nobody treats a report any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// It is treated, or nobody knows here that it is not.
    NotYet,
    /// Since this moment.
    At(OffsetDateTime),
    /// Since a moment that was not recorded.
    Unrecorded,
}

/// Where the case of a report stands, and since when it is treated no more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct CaseStanding {
    /// The case.
    pub(crate) progress: CaseProgress,
    /// The first end of its treatment since it was last open; absent while it goes on,
    /// or where an earlier release recorded the end alone.
    pub(crate) ended_at: Option<OffsetDateTime>,
}

impl Treatment {
    /// What the log says the report is about.
    pub(crate) fn subject(&self) -> String {
        format!("report/{}", self.report_id)
    }

    /// Whether it ended before a moment, as far as that was recorded.
    pub(crate) fn ended_before(&self, moment: OffsetDateTime) -> bool {
        matches!(self.end(), End::At(at) if at < moment)
    }

    /// Whether it ended. Nobody treats a test.
    pub(crate) fn end(&self) -> End {
        if self.channel == Channel::Probe {
            return End::At(self.received_at);
        }
        match (self.state.is_some_and(is_ended), self.case_ended_at) {
            (false, _) => End::NotYet,
            (true, Some(at)) => End::At(at),
            (true, None) => End::Unrecorded,
        }
    }
}

/// Where a case stands after these changes, in the order of their revisions; nothing
/// where none is new.
///
/// What changes in an ended case does not end it anew: contacts are kept from its first
/// end on, until it is opened again.
pub(crate) fn follow(known: Option<CaseStanding>, changes: &[CaseChange]) -> Option<CaseStanding> {
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
fn is_ended(state: CaseState) -> bool {
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
    use vocabulary::Word as _;

    use super::*;

    const RECEIVED: OffsetDateTime = datetime!(2026-11-23 09:00 UTC);
    const ENDED: OffsetDateTime = datetime!(2026-12-01 09:00 UTC);

    fn treatment(state: Option<CaseState>, case_ended_at: Option<OffsetDateTime>) -> Treatment {
        Treatment {
            report_id: Uuid::nil(),
            reference: String::new(),
            channel: Channel::Declarant,
            received_at: RECEIVED,
            state,
            case_ended_at,
        }
    }

    #[test]
    fn a_report_is_treated_until_its_case_has_ended() {
        assert_eq!(treatment(None, None).end(), End::NotYet);
        let ended = [
            CaseState::Closed,
            CaseState::OutOfScope,
            CaseState::Duplicate,
            CaseState::Withdrawn,
        ];
        for &state in CaseState::ALL {
            let (with, without) = if ended.contains(&state) {
                (End::At(ENDED), End::Unrecorded)
            } else {
                (End::NotYet, End::NotYet)
            };
            assert_eq!(treatment(Some(state), Some(ENDED)).end(), with);
            assert_eq!(treatment(Some(state), None).end(), without);
        }
        let later = Some(CaseState::stored("reopened"));
        assert_eq!(treatment(later, Some(ENDED)).end(), End::NotYet);
    }

    #[test]
    fn nobody_treats_a_test() {
        let test = Treatment {
            channel: Channel::Probe,
            ..treatment(Some(CaseState::Submitted), None)
        };
        assert_eq!(test.end(), End::At(RECEIVED));
    }

    fn change(revision: u64, state: CaseState) -> CaseChange {
        CaseChange {
            report_id: Uuid::nil(),
            progress: CaseProgress {
                case_id: Uuid::nil(),
                state: Some(state),
                revision,
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

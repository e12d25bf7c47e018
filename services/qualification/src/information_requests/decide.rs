//! What becomes of a request for information, and of the case that waits for it.

use time::OffsetDateTime;
use vocabulary::{CaseState, Role};

use super::{InformationRequest, Person, Settlement, State};

/// How many requests may be open on a case at once.
pub(super) const MOST_OPEN: usize = 100;

/// Why something is not done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// The request is answered or cancelled.
    NotOpen,
    /// It was made in another role.
    NotYours,
    /// As many are open as may be.
    TooMany,
}

/// Decides whether one more request may be made.
pub(super) fn ask(open: usize) -> Result<(), Refusal> {
    if open < MOST_OPEN {
        Ok(())
    } else {
        Err(Refusal::TooMany)
    }
}

/// Answers a request, whoever made it.
pub(super) fn answer(
    request: &InformationRequest,
    by: Person,
    sealed_answer: Vec<u8>,
    now: OffsetDateTime,
) -> Result<InformationRequest, Refusal> {
    settle(request, State::Answered, by, Some(sealed_answer), now)
}

/// Cancels a request: the cell, which leads the case, any; others their own.
pub(super) fn cancel(
    request: &InformationRequest,
    by: Person,
    sealed_reason: Option<Vec<u8>>,
    now: OffsetDateTime,
) -> Result<InformationRequest, Refusal> {
    if by.role != Role::Analyst && by.role != request.asked_by.role {
        return Err(Refusal::NotYours);
    }
    settle(request, State::Cancelled, by, sealed_reason, now)
}

fn settle(
    request: &InformationRequest,
    state: State,
    by: Person,
    sealed_answer: Option<Vec<u8>>,
    now: OffsetDateTime,
) -> Result<InformationRequest, Refusal> {
    if request.state != State::Open {
        return Err(Refusal::NotOpen);
    }
    let settled = Settlement {
        by,
        // A command that waited its turn may be older than what it waited for.
        at: now.max(request.asked_at),
        sealed_answer,
    };
    Ok(InformationRequest {
        state,
        settled: Some(settled),
        ..request.clone()
    })
}

/// Whether a case goes on once requests are settled: it waited for the cell's, and none of
/// those is open any more.
pub(super) fn goes_on(case: CaseState, open: &[InformationRequest]) -> bool {
    case == CaseState::AwaitingDeclarant
        && !open
            .iter()
            .any(|request| request.asked_by.role == Role::Analyst)
}

#[cfg(test)]
mod tests {
    use proptest::{prelude::*, sample::select};
    use time::{Duration, macros::datetime};
    use uuid::Uuid;

    use super::*;

    const ASKED: OffsetDateTime = datetime!(2026-11-23 09:00 UTC);

    fn person(role: Role) -> Person {
        Person {
            role,
            subject: "x".to_owned(),
        }
    }

    fn request(role: Role) -> InformationRequest {
        InformationRequest {
            id: Uuid::nil(),
            case_id: Uuid::nil(),
            number: 1,
            state: State::Open,
            asked_by: person(role),
            asked_at: ASKED,
            sealed_question: Vec::new(),
            due_at: Some(ASKED + Duration::DAY),
            settled: None,
        }
    }

    proptest! {
        #[test]
        fn what_is_settled_stays_as_it_is(
            state in select(vec![State::Answered, State::Cancelled, State::Later]),
            role in select(Role::ALL.to_vec()),
        ) {
            let settled = InformationRequest { state, ..request(role) };
            let answered = answer(&settled, person(role), Vec::new(), ASKED);
            prop_assert_eq!(answered, Err(Refusal::NotOpen));
            let cancelled = cancel(&settled, person(role), None, ASKED);
            prop_assert_eq!(cancelled, Err(Refusal::NotOpen));
        }

        #[test]
        fn an_analyst_cancels_any_request_and_others_those_of_their_role(
            asked in select(vec![Role::Analyst, Role::RegionalAgent, Role::SecurityOfficer]),
            by in select(Role::ALL.to_vec()),
        ) {
            let cancelled = cancel(&request(asked), person(by), None, ASKED);
            prop_assert_eq!(cancelled.is_ok(), by == Role::Analyst || by == asked);
        }

        #[test]
        fn a_case_waits_as_long_as_the_cell_does(
            state in select(CaseState::ALL.to_vec()),
            roles in proptest::collection::vec(
                select(vec![Role::Analyst, Role::RegionalAgent, Role::SecurityOfficer]), 0..5),
        ) {
            let open: Vec<_> = roles.iter().copied().map(request).collect();
            let expected =
                state == CaseState::AwaitingDeclarant && !roles.contains(&Role::Analyst);
            prop_assert_eq!(goes_on(state, &open), expected);
        }
    }

    #[test]
    fn an_answer_is_never_dated_before_its_question() {
        let before = ASKED - Duration::SECOND;
        let answered = answer(
            &request(Role::Analyst),
            person(Role::Declarant),
            vec![1],
            before,
        )
        .unwrap();
        assert_eq!(answered.state, State::Answered);
        let settled = answered.settled.unwrap();
        assert_eq!((settled.at, settled.sealed_answer), (ASKED, Some(vec![1])));
    }

    #[test]
    fn only_what_is_open_is_overdue_from_its_moment_on() {
        let open = request(Role::Analyst);
        let due = open.due_at.unwrap();
        assert!(!open.is_overdue(due - Duration::SECOND));
        assert!(open.is_overdue(due));
        let answered = answer(&open, person(Role::Declarant), vec![], ASKED).unwrap();
        assert!(!answered.is_overdue(due));
        let undated = InformationRequest {
            due_at: None,
            ..open
        };
        assert!(!undated.is_overdue(due + Duration::weeks(100)));
    }

    #[test]
    fn a_hundred_requests_may_be_open() {
        assert_eq!(ask(MOST_OPEN - 1), Ok(()));
        assert_eq!(ask(MOST_OPEN), Err(Refusal::TooMany));
    }
}

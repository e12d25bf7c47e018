//! When somebody is called, by every rule.

use proptest::{collection::vec, prelude::*, sample::select};
use time::macros::datetime;
use uuid::Uuid;
use vocabulary::CaseState;

use super::*;
use crate::escalation::Cause;

/// A Monday at eight in the evening in Paris.
const EVENING: OffsetDateTime = datetime!(2026-11-23 19:00 UTC);
/// The Tuesday after at nine.
const MORNING: OffsetDateTime = datetime!(2026-11-24 08:00 UTC);

fn case() -> Case {
    crate::cases::tests::opened()
}

fn seen_by(parties: &[&str]) -> Case {
    let parties = parties.iter().map(|slug| (*slug).to_owned());
    Case {
        visible_to: parties.collect(),
        ..case()
    }
}

fn running() -> Escalation {
    Escalation {
        id: Uuid::from_u128(3),
        case_id: Uuid::from_u128(5),
        number: 1,
        cause: Cause::Major,
        state: State::Running,
        begun_at: EVENING,
        lapses_at: MORNING,
        next_step: 1,
        ended_at: None,
        acknowledged_by: None,
    }
}

fn people(count: usize) -> Vec<Person> {
    let person = |place: usize| Person {
        name: format!("Personne {place}").try_into().unwrap(),
        email: format!("p{place}@example.org").parse().unwrap(),
        subject: None,
    };
    (0..count).map(person).collect()
}

fn officer() -> Acknowledger {
    Acknowledger::Person {
        role: vocabulary::Role::SecurityOfficer,
        subject: "fs".to_owned(),
    }
}

#[test]
fn what_comes_outside_working_hours_is_escalated_until_they_begin() {
    let hours = Hours::OutsideWorkingHours;
    assert_eq!(lapses_at(&case(), EVENING, hours, EVENING), Some(MORNING));
    // Over a weekend, until Monday.
    let friday = datetime!(2026-11-20 19:00 UTC);
    let monday = datetime!(2026-11-23 08:00 UTC);
    assert_eq!(lapses_at(&case(), friday, hours, friday), Some(monday));
    let working = datetime!(2026-11-23 10:00 UTC);
    assert_eq!(lapses_at(&case(), working, hours, working), None);
    // What the service hears of late is the cell's already.
    assert_eq!(lapses_at(&case(), friday, hours, EVENING), None);
    assert_eq!(lapses_at(&case(), working, hours, EVENING), None);
}

#[test]
fn day_and_night_somebody_is_called_at_every_hour_for_a_day() {
    let working = datetime!(2026-11-23 10:00 UTC);
    let day = working + Duration::DAY;
    assert_eq!(
        lapses_at(&case(), working, Hours::Always, working),
        Some(day)
    );
    assert_eq!(lapses_at(&case(), working, Hours::Always, day), None);
}

#[test]
fn neither_a_test_nor_an_ended_case_nor_what_stays_with_the_armed_forces_is_escalated() {
    let called = |case: &Case| lapses_at(case, EVENING, Hours::Always, EVENING).is_some();
    let mut test = case();
    test.report.test = true;
    assert!(!called(&test));
    let ended = Case {
        state: CaseState::Withdrawn,
        ..case()
    };
    assert!(!called(&ended));
    assert!(!called(&seen_by(&["army", "subject:decl"])));
    assert!(called(&seen_by(&["army", "fssi", "subject:decl"])));
    assert!(called(&seen_by(&["cell"])));
}

#[test]
fn a_chain_is_called_in_its_order_and_round_again() {
    let people = people(3);
    let called: Vec<_> = (0..7).map(|calls| called(&people, calls)).collect();
    let expected = [0_usize, 1, 2, 0, 1, 2, 0].map(|place| people.get(place));
    assert_eq!(called, expected);
    assert_eq!(super::called(&[], 4), None);
}

#[test]
fn the_next_step_is_due_after_the_delay_and_at_the_latest_when_work_begins() {
    let delay = Duration::minutes(15);
    assert_eq!(next_due_at(&running(), delay, EVENING), EVENING + delay);
    let late = MORNING - Duration::minutes(5);
    assert_eq!(next_due_at(&running(), delay, late), MORNING);
    assert_eq!(step(&running(), 1, &case(), late), Step::Call);
    assert_eq!(
        step(&running(), 1, &case(), MORNING),
        Step::End(State::Lapsed)
    );
}

#[test]
fn the_calling_ends_with_the_case() {
    let ended = Case {
        state: CaseState::Closed,
        ..case()
    };
    let end = Step::End(State::CaseEnded);
    assert_eq!(step(&running(), 1, &ended, EVENING), end);
}

#[test]
fn the_first_acknowledgement_holds_and_what_ended_without_takes_none() {
    let first = acknowledge(&running(), officer(), EVENING).unwrap();
    assert_eq!(first.state, State::Acknowledged);
    assert_eq!(first.ended_at, Some(EVENING));
    let again = acknowledge(&first, Acknowledger::Link(2), MORNING);
    assert_eq!(again, Ok(first));
    for state in [State::Lapsed, State::CaseEnded, State::Later] {
        let over = ended(&running(), state, EVENING);
        assert_eq!(acknowledge(&over, officer(), EVENING), Err(Over));
    }
    let before = EVENING - Duration::SECOND;
    let acknowledged = acknowledge(&running(), officer(), before).unwrap();
    assert_eq!(acknowledged.ended_at, Some(EVENING));
}

proptest! {
    /// However often and in whatever order jobs of steps come, each step is taken once, one
    /// after the other, and none after the end.
    #[test]
    fn a_step_is_taken_once_and_none_after_the_end(
        jobs in vec((1..6_i32, 0..900_i64), 0..60),
        acknowledged_after in 0..60_usize,
    ) {
        let mut escalation = running();
        let mut taken = Vec::new();
        for (index, (job, minutes)) in jobs.into_iter().enumerate() {
            if index == acknowledged_after
                && let Ok(acknowledged) = acknowledge(&escalation, officer(), EVENING)
            {
                escalation = acknowledged;
            }
            let now = EVENING + Duration::minutes(minutes);
            match step(&escalation, job, &case(), now) {
                Step::Nothing => {}
                Step::Call => {
                    prop_assert!(escalation.state == State::Running && now < MORNING);
                    taken.push(job);
                    escalation.next_step += 1;
                }
                Step::End(state) => {
                    prop_assert_eq!(escalation.state, State::Running);
                    escalation = ended(&escalation, state, now);
                }
            }
        }
        let expected: Vec<i32> = (1..).take(taken.len()).collect();
        prop_assert_eq!(taken, expected);
    }

    #[test]
    fn whatever_is_not_running_takes_no_step(
        state in select(vec![
            State::Acknowledged, State::Lapsed, State::CaseEnded, State::Later,
        ]),
        minutes in 0..2_000_i64,
    ) {
        let over = Escalation { state, ..running() };
        let now = EVENING + Duration::minutes(minutes);
        prop_assert_eq!(step(&over, 1, &case(), now), Step::Nothing);
    }

    #[test]
    fn spans_overlap_when_two_of_them_do(
        spans in vec((0..40_i64, 1..10_i64), 0..8),
    ) {
        let at = |minutes| EVENING + Duration::minutes(minutes);
        let spans: Vec<_> = spans
            .into_iter()
            .map(|(starts, lasts)| (at(starts), at(starts + lasts)))
            .collect();
        let any = (0..spans.len())
            .flat_map(|one| (0..one).map(move |other| (one, other)))
            .any(|(one, other)| spans[one].0 < spans[other].1 && spans[other].0 < spans[one].1);
        prop_assert_eq!(!overlapping(&spans).is_empty(), any);
    }
}

#[test]
fn an_operator_hears_once_an_escalation_that_nobody_is_on_call() {
    let mut heard = Vec::new();
    let mut calls = 0;
    for (step, somebody) in (1..).zip([true, true, false, false, true, false]) {
        if somebody {
            calls += 1;
        } else if is_first_gap(step, calls) {
            heard.push(step);
        }
    }
    assert_eq!(heard, [3]);
    assert!(is_first_gap(1, 0), "also where the first step finds nobody");
}

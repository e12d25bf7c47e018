//! Facts hold however the events came.

use std::collections::VecDeque;

use proptest::{collection::vec, prelude::*, sample::select};
use time::Duration;

use super::*;

fn assessment() -> impl Strategy<Value = Assessment> {
    let origins = select(vec![
        None,
        Some(Origin::Malicious),
        Some(Origin::NonMalicious),
    ]);
    let types = vec(select(OriginType::ALL), 0..3);
    (origins, types, any::<(bool, bool)>()).prop_map(|(origin, types, (serious, major))| {
        Assessment {
            origin,
            origin_types: types.into_iter().collect(),
            severity: Severity {
                serious,
                significant: false,
                major,
            },
            ..Assessment::default()
        }
    })
}

/// What intake tells, with its minutes: now and then a clock goes back.
fn of_intake() -> impl Strategy<Value = Vec<(i64, FactUpdate)>> {
    let times = vec(0..8_i64, 4);
    let amendments = vec(assessment(), 0..3);
    (times, any::<(bool, bool)>(), assessment(), amendments).prop_map(
        |(times, (requested, taken_back), declared, amendments)| {
            let asked = Submission {
                assistance_requested: requested,
                ..submission()
            };
            let mut updates = vec![FactUpdate::Declared(None, asked, declared)];
            let amended = (2..).zip(amendments);
            updates.extend(amended.map(|(revision, declared)| {
                FactUpdate::Declared(Some(revision), submission(), declared)
            }));
            updates.extend(taken_back.then_some(FactUpdate::Withdrawn));
            times.into_iter().zip(updates).collect()
        },
    )
}

/// The changes of a case; what was confirmed once is never merely proposed again.
fn of_qualification() -> impl Strategy<Value = Vec<(i64, FactUpdate)>> {
    vec((0..8_i64, select(CaseState::ALL), assessment()), 0..5).prop_map(|changes| {
        let mut confirmed = false;
        let updates = (1..)
            .zip(changes)
            .map(|(revision, (minute, state, assessment))| {
                let FactUpdate::Case(mut status, assessment) = case(revision, state, assessment)
                else {
                    unreachable!("it is of a case")
                };
                confirmed |= status.qualified;
                status.qualified = confirmed;
                (minute, FactUpdate::Case(status, assessment))
            });
        updates.collect()
    })
}

proptest! {
    #[test]
    fn neither_the_order_between_producers_nor_a_replay_leaves_a_trace(
        intake in of_intake(), qualification in of_qualification(),
        order in vec(any::<bool>(), 8), replayed_from in 0..8_usize,
    ) {
        let straight = history(&[intake.clone(), qualification.clone()].concat());
        let (mut intake, mut qualification) = (VecDeque::from(intake), VecDeque::from(qualification));
        let mut came = Vec::new();
        for first in order {
            let next = if first { &mut intake } else { &mut qualification };
            came.extend(next.pop_front());
        }
        came.extend(intake.into_iter().chain(qualification));
        let again: Vec<_> = came.iter().skip(replayed_from).cloned().collect();
        came.extend(again);
        prop_assert_eq!(history(&came), straight);
    }

    #[test]
    fn a_replay_fills_a_field_that_the_facts_lack(
        intake in of_intake(), qualification in of_qualification(),
    ) {
        let told = [intake, qualification].concat();
        let whole = history(&told);
        let mut lacking = whole.clone();
        lacking.forget_origins();
        lacking.take_in(&told);
        prop_assert_eq!(lacking, whole);
    }

    #[test]
    fn what_was_known_at_a_moment_is_what_the_events_up_to_then_tell(
        intake in of_intake(), qualification in of_qualification(), minute in 0..8_i64,
    ) {
        let all = [intake, qualification].concat();
        let until: Vec<_> = all.iter().filter(|(at, _)| *at <= minute).cloned().collect();
        prop_assert_eq!(history(&all).at(minute), history(&until).at(1_000));
    }

    #[test]
    fn no_fact_begins_without_a_change(intake in of_intake(), qualification in of_qualification()) {
        let FactHistory(facts) = history(&[qualification, intake].concat());
        let mut previous = Fact::default();
        for fact in facts.into_values() {
            prop_assert_ne!(&fact, &previous);
            previous = fact;
        }
    }

    #[test]
    fn no_moment_makes_the_day_panic(seconds in -377_705_116_800_i64..=253_402_300_799) {
        let moment = OffsetDateTime::from_unix_timestamp(seconds).unwrap();
        // Paris is at most two hours ahead.
        let later = moment.saturating_add(Duration::hours(2));
        let day = day_in_paris(moment);
        prop_assert!(day.is_none_or(|day| [moment.date(), later.date()].contains(&day)));
    }
}

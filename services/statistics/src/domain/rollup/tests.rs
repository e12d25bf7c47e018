//! Counters moved one by one hold what a recount finds.

use proptest::{collection::vec, prelude::*, sample::select};
use vocabulary::{CaseState, Origin, OriginType, Severity};

use super::{super::*, *};
use crate::domain::fact::tests::{case, of_origin, submission, unknown};

/// An event of a report: which report, which producer, what it tells.
type Told = (usize, Knowledge);

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

fn intake_events() -> impl Strategy<Value = Vec<Knowledge>> {
    let months = select(vec!["2025-12", "2026-01"]);
    (months, any::<(bool, bool)>(), assessment()).prop_map(
        |(month, (assistance_requested, withdrawn), declared)| {
            let submission = Submission {
                month: month.parse().unwrap(),
                assistance_requested,
                ..submission()
            };
            let mut events = vec![Knowledge::Submitted(submission, declared)];
            events.extend(withdrawn.then_some(Knowledge::Withdrawn));
            events
        },
    )
}

/// The changes of a case; what was confirmed once is never merely proposed again.
fn qualification_events() -> impl Strategy<Value = Vec<Knowledge>> {
    vec((select(CaseState::ALL), assessment()), 0..4).prop_map(|states| {
        let mut qualified = false;
        (1..)
            .zip(states)
            .map(|(revision, (state, assessment))| {
                let mut case = case(revision, state);
                qualified |= case.qualified;
                case.qualified = qualified;
                Knowledge::Case(case, assessment)
            })
            .collect()
    })
}

/// Any interleaving of the two producers over a few reports, each subject
/// in its order, cut anywhere and replayed from an earlier place.
fn history() -> impl Strategy<Value = Vec<Told>> {
    (
        vec((intake_events(), qualification_events()), 1..5),
        any::<u64>(),
        0..20_usize,
    )
        .prop_map(|(reports, seed, replayed_from)| {
            let mut streams: Vec<(usize, std::collections::VecDeque<Knowledge>)> = Vec::new();
            for (report, (intake, qualification)) in reports.into_iter().enumerate() {
                streams.push((report, intake.into()));
                streams.push((report, qualification.into()));
            }
            let mut told = Vec::new();
            let mut seed = seed;
            while streams.iter().any(|(_, events)| !events.is_empty()) {
                seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                let chosen = usize::try_from(seed >> 33).unwrap() % streams.len();
                let (report, events) = &mut streams[chosen];
                told.extend(events.pop_front().map(|knowledge| (*report, knowledge)));
            }
            let again: Vec<_> = told.iter().skip(replayed_from).cloned().collect();
            told.extend(again);
            told
        })
}

fn add(counts: &mut Counts, moved: Counts) {
    for (key, count) in moved {
        *counts.entry(key).or_default() += count;
    }
}

fn without_zeros(mut counts: Counts) -> Counts {
    counts.retain(|_, count| *count != 0);
    counts
}

proptest! {
    #[test]
    fn counters_moved_event_by_event_equal_a_recount(history in history()) {
        let mut facts = BTreeMap::new();
        let mut counters = Counts::new();
        for (report, knowledge) in history {
            let fact = facts.entry(report).or_insert_with(|| unknown(u128::try_from(report).unwrap()));
            let old = fact.clone();
            fact.learn(knowledge);
            add(&mut counters, difference(&old, fact));
        }
        let mut recount = Counts::new();
        for fact in facts.values() {
            add(&mut recount, contributions(fact));
        }
        prop_assert_eq!(without_zeros(counters), recount);
    }

    #[test]
    fn the_order_between_producers_leaves_no_trace(
        intake in intake_events(), qualification in qualification_events(), cut in 0..4_usize,
    ) {
        let fold = |events: Vec<Knowledge>| {
            let mut fact = unknown(1);
            for knowledge in events {
                fact.learn(knowledge);
            }
            fact
        };
        let intake_first = fold([intake.clone(), qualification.clone()].concat());
        let cut = cut.min(qualification.len());
        let (before, after) = qualification.split_at(cut);
        prop_assert_eq!(fold([before, &intake, after].concat()), intake_first);
    }
}

#[test]
fn a_report_that_was_withdrawn_is_in_one_counter_only() {
    let mut fact = unknown(1);
    fact.learn(Knowledge::Submitted(
        submission(),
        of_origin(Origin::Malicious),
    ));
    fact.learn(Knowledge::Withdrawn);
    let counts = contributions(&fact);
    let values: Vec<_> = counts
        .keys()
        .map(|key| (key.dimension, key.value.as_str()))
        .collect();
    assert_eq!(values, [(Dimension::Standing, "withdrawn")]);
}

#[test]
fn silence_is_counted_as_not_said() {
    let mut fact = unknown(1);
    fact.learn(Knowledge::Submitted(submission(), Assessment::default()));
    let counts = contributions(&fact);
    let silent = counts
        .keys()
        .filter(|key| key.value == NOT_SAID)
        .map(|key| key.dimension);
    assert_eq!(
        silent.collect::<Vec<_>>(),
        [
            Dimension::Origin,
            Dimension::OriginType,
            Dimension::DataImpact,
            Dimension::CareImpact,
            Dimension::PatientEndangerment
        ]
    );
}

#[test]
fn every_dimension_reads_back_as_itself() {
    for dimension in Dimension::ALL {
        assert_eq!(Dimension::from_slug(dimension.as_str()), Some(dimension));
    }
}

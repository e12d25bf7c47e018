//! What is known of a report at a moment.

mod orders;

use serde_json::json;
use time::{
    Duration,
    macros::{date, datetime},
};
use vocabulary::Word as _;

use super::*;

const BEGINNING: OffsetDateTime = datetime!(2026-11-10 08:00 UTC);

/// A declaration that says no more than it must.
fn submission() -> Submission {
    let said = json!({
        "declared_on": "2026-11-10",
        "region": "national",
        "structure_kind": "health_facility",
        "structure_id": Uuid::from_u128(7),
        "report_kind": "incident",
        "assistance_requested": false,
    });
    serde_json::from_value(said).unwrap()
}

fn of_origin(origin: Origin) -> Assessment {
    Assessment {
        origin: Some(origin),
        ..Assessment::default()
    }
}

fn declared() -> FactUpdate {
    FactUpdate::Declared(None, submission(), of_origin(Origin::Unknown))
}

fn amended(revision: u64, origin: Origin) -> FactUpdate {
    FactUpdate::Declared(Some(revision), submission(), of_origin(origin))
}

fn case(revision: u64, state: CaseState, assessment: Assessment) -> FactUpdate {
    let qualified = matches!(state, CaseState::Qualified | CaseState::Closed);
    let state = Some(state);
    let status = CaseStatus {
        revision,
        state,
        qualified,
        resolved_at: None,
    };
    FactUpdate::Case(status, assessment)
}

fn opened() -> FactUpdate {
    case(1, CaseState::Submitted, of_origin(Origin::Unknown))
}

fn qualified() -> FactUpdate {
    case(2, CaseState::Qualified, of_origin(Origin::Malicious))
}

/// The history that updates of these minutes leave in the order in which they are given.
fn history(updates: &[(i64, FactUpdate)]) -> FactHistory {
    let mut history = FactHistory::default();
    history.take_in(updates);
    history
}

/// What is known once all of these came, one a minute.
fn fact(updates: &[FactUpdate]) -> Fact {
    let updates: Vec<_> = (0..).zip(updates.iter().cloned()).collect();
    history(&updates).at(1_000)
}

impl FactHistory {
    fn take_in(&mut self, updates: &[(i64, FactUpdate)]) {
        for (minute, update) in updates {
            self.apply(BEGINNING + Duration::minutes(*minute), update);
        }
    }

    /// As a release kept it that had no column for the origin.
    fn forget_origins(&mut self) {
        for fact in self.0.values_mut() {
            fact.assessment.origin = None;
        }
    }

    fn at(&self, minute: i64) -> Fact {
        let until = ..=BEGINNING + Duration::minutes(minute);
        let valid = self.0.range(until).next_back();
        valid.map(|(_, fact)| fact.clone()).unwrap_or_default()
    }

    fn minutes(&self) -> Vec<i64> {
        let minute = |at: &OffsetDateTime| (*at - BEGINNING).whole_minutes();
        self.0.keys().map(minute).collect()
    }
}

#[test]
fn a_case_that_comes_before_its_report_keeps_what_it_knows() {
    assert_eq!(fact(&[qualified()]).standing(), None);
    assert_eq!(
        fact(&[qualified(), declared()]),
        fact(&[declared(), qualified()])
    );
}

#[test]
fn an_amendment_counts_from_its_moment_and_leaves_what_the_cell_confirmed() {
    let told = history(&[(0, declared()), (10, amended(2, Origin::NonMalicious))]);
    assert_eq!(told.minutes(), [0, 10]);
    assert_eq!(told.at(9).assessment, of_origin(Origin::Unknown));
    assert_eq!(told.at(10).assessment, of_origin(Origin::NonMalicious));
    let confirmed = fact(&[declared(), qualified(), amended(2, Origin::NonMalicious)]);
    assert_eq!(confirmed.assessment, of_origin(Origin::Malicious));
    assert_eq!(confirmed.report_revision, Some(2));
}

#[test]
fn the_greatest_revision_of_a_declaration_wins_whatever_comes_after_it() {
    let last = fact(&[declared(), amended(3, Origin::Malicious)]);
    for late in [declared(), amended(2, Origin::NonMalicious)] {
        let told = fact(&[declared(), amended(3, Origin::Malicious), late]);
        assert_eq!(told, last);
    }
    // Before its submission it tells the whole.
    let early = fact(&[amended(3, Origin::Malicious), declared()]);
    assert_eq!(early, last);
}

#[test]
fn a_declaration_that_a_restore_kept_replaces_the_amendments_that_it_lost() {
    let restored = FactUpdate::Declared(
        Some(1_796_079_600),
        submission(),
        of_origin(Origin::Unknown),
    );
    let lost = [
        (0, declared()),
        (10, amended(2, Origin::Malicious)),
        (20, amended(3, Origin::NonMalicious)),
    ];
    let mut told = history(&lost);
    told.take_in(&[(0, restored.clone())]);
    assert_eq!(told.minutes(), [0]);
    assert_eq!(told.at(30).assessment, of_origin(Origin::Unknown));
    // Nor is it amended again by what comes late of the history that was lost.
    told.take_in(&lost);
    assert_eq!(told.at(30).assessment, of_origin(Origin::Unknown));

    // Of one that goes on, what was amended before stays amended.
    let mut told = history(&lost);
    told.take_in(&[
        (0, declared()),
        (10, amended(1_796_079_601, Origin::Malicious)),
    ]);
    assert_eq!(told.minutes(), [0, 10]);
    assert_eq!(told.at(30).assessment, of_origin(Origin::Malicious));
}

#[test]
fn the_greatest_revision_of_a_case_wins() {
    assert_eq!(
        fact(&[declared(), qualified(), opened()]),
        fact(&[declared(), qualified()])
    );
}

#[test]
fn what_was_declared_stands_while_no_case_is_known() {
    assert_eq!(fact(&[declared()]).assessment, of_origin(Origin::Unknown));
}

#[test]
fn what_a_case_only_proposes_leaves_what_was_declared() {
    let later = Assessment {
        origin: Some(Origin::heard(77).unwrap()),
        ..Assessment::default()
    };
    let declared = FactUpdate::Declared(None, submission(), later.clone());
    let opened = case(1, CaseState::Submitted, Assessment::default());
    let first = fact(&[declared.clone(), opened.clone()]);
    assert_eq!(first.assessment, later);
    assert_eq!(fact(&[opened, declared]), first);
}

#[test]
fn a_withdrawal_counts_unless_the_cell_has_ended_the_case() {
    let standing = |state| {
        let case = case(3, state, Assessment::default());
        let first = fact(&[declared(), FactUpdate::Withdrawn, case.clone()]);
        assert_eq!(fact(&[case, FactUpdate::Withdrawn, declared()]), first);
        first.standing().unwrap()
    };
    assert_eq!(standing(CaseState::Submitted), Standing::Withdrawn);
    assert_eq!(standing(CaseState::Qualified), Standing::Withdrawn);
    assert_eq!(standing(CaseState::Withdrawn), Standing::Withdrawn);
    assert_eq!(standing(CaseState::OutOfScope), Standing::OutOfScope);
    assert_eq!(standing(CaseState::Closed), Standing::InScope);
    assert_eq!(standing(CaseState::Duplicate), Standing::InScope);
}

#[test]
fn a_case_that_was_withdrawn_tells_of_the_withdrawal() {
    let withdrawn = case(3, CaseState::Withdrawn, Assessment::default());
    assert_eq!(
        fact(&[declared(), withdrawn]).standing(),
        Some(Standing::Withdrawn)
    );
}

#[test]
fn a_duplicate_is_counted_like_any_report() {
    let duplicate = case(2, CaseState::Duplicate, Assessment::default());
    assert_eq!(
        fact(&[declared(), duplicate]).standing(),
        Some(Standing::InScope)
    );
}

#[test]
fn what_was_known_is_known_from_the_time_of_the_event_that_told_it() {
    let history = history(&[(0, declared()), (30, qualified())]);
    assert_eq!(history.minutes(), [0, 30]);
    assert_eq!(history.at(-1), Fact::default());
    assert_eq!(history.at(29).assessment, of_origin(Origin::Unknown));
    assert_eq!(history.at(30).assessment, of_origin(Origin::Malicious));
}

#[test]
fn an_event_that_comes_late_changes_what_was_known_from_its_time_on() {
    let late = [
        (30, qualified()),
        (60, FactUpdate::Withdrawn),
        (0, declared()),
    ];
    let history = history(&late);
    assert_eq!(history.minutes(), [0, 30, 60]);
    let standings = [-1, 0, 30, 60].map(|minute| history.at(minute).standing());
    let in_scope = Some(Standing::InScope);
    let expected = [None, in_scope, in_scope, Some(Standing::Withdrawn)];
    assert_eq!(standings, expected);
    assert_eq!(history.at(29).assessment, of_origin(Origin::Unknown));
}

#[test]
fn events_of_one_moment_change_one_fact() {
    let history = history(&[(0, qualified()), (0, declared())]);
    assert_eq!(history.minutes(), [0]);
    assert_eq!(history.at(0).assessment, of_origin(Origin::Malicious));
}

#[test]
fn the_history_that_a_restore_kept_replaces_the_one_that_it_lost() {
    let closed = case(3, CaseState::OutOfScope, of_origin(Origin::Malicious));
    let restored = case(
        1_796_079_600,
        CaseState::Qualified,
        of_origin(Origin::Malicious),
    );
    let history = history(&[
        (0, declared()),
        (20, qualified()),
        (40, closed),
        (20, restored),
    ]);
    assert_eq!(history.minutes(), [0, 20]);
    assert_eq!(history.at(50).standing(), Some(Standing::InScope));
}

/// A change of a case as a release writes it that does not know what agencies record of care.
fn merely_proposed(revision: u64) -> FactUpdate {
    case(
        revision,
        CaseState::InQualification,
        of_origin(Origin::Unknown),
    )
}

/// A change of a case of which an agency recorded consequences for care.
fn of_care(revision: u64) -> FactUpdate {
    let FactUpdate::Case(mut status, mut assessment) = merely_proposed(revision) else {
        unreachable!("it is of a case")
    };
    status.qualified = true;
    assessment.care = Some(CareImpact::Interruption);
    FactUpdate::Case(status, assessment)
}

#[test]
fn a_release_that_does_not_know_what_was_recorded_of_care_does_not_unsay_it() {
    let told = [
        (0, declared()),
        (10, of_care(2)),
        (20, merely_proposed(3)),
        (30, amended(2, Origin::NonMalicious)),
    ];
    let first = history(&told);
    for minute in [10, 20, 30] {
        let care = first.at(minute).assessment.care;
        assert_eq!(care, Some(CareImpact::Interruption), "{minute}");
    }
    assert_eq!(first.at(9).assessment.care, None);
    let mut backwards = told;
    backwards.reverse();
    assert_eq!(history(&backwards), first);
}

#[test]
fn what_was_recorded_of_care_in_a_history_that_a_restore_lost_goes_with_it() {
    let restored = merely_proposed(1_796_079_600);
    let history = history(&[
        (0, declared()),
        (10, merely_proposed(2)),
        (20, of_care(3)),
        (10, restored),
    ]);
    assert_eq!(history.minutes(), [0, 10]);
    assert_eq!(history.at(30).assessment, of_origin(Origin::Unknown));
}

#[test]
fn the_same_revision_fills_a_field_that_the_facts_lack_and_begins_no_period() {
    let told = [
        (0, declared()),
        (10, opened()),
        (20, qualified()),
        (30, FactUpdate::Withdrawn),
    ];
    let whole = history(&told);
    let mut lacking = whole.clone();
    lacking.forget_origins();
    assert_eq!(lacking.at(30).assessment, Assessment::default());
    lacking.take_in(&told);
    assert_eq!(lacking, whole);
    assert_eq!(lacking.minutes(), [0, 10, 20, 30]);
}

#[test]
fn a_day_begins_at_midnight_in_paris_in_winter_and_in_summer() {
    for (moment, day) in [
        (datetime!(2025-12-31 22:59:59 UTC), date!(2025 - 12 - 31)),
        (datetime!(2025-12-31 23:00 UTC), date!(2026 - 01 - 01)),
        (datetime!(2026-06-30 21:59:59 UTC), date!(2026 - 06 - 30)),
        (datetime!(2026-06-30 22:00 UTC), date!(2026 - 07 - 01)),
        (datetime!(2026-01-01 00:30 +2), date!(2025 - 12 - 31)),
    ] {
        assert_eq!(day_in_paris(moment), Some(day), "{moment}");
    }
}

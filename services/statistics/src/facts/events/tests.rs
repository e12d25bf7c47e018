//! What events tell of a report.

use time::macros::{date, datetime};
use vocabulary::CareImpact;

use super::*;
use crate::facts::FactHistory;

fn submitted() -> events::ReportSubmitted {
    events::ReportSubmitted {
        report_id: Uuid::from_u128(9).to_string(),
        kind: types::ReportKind::Incident.into(),
        // 2026-11-30 23:30 in Paris is still November in UTC too; an hour
        // later it is December in Paris only.
        declared_at: Some(prost_types::Timestamp {
            seconds: 1_796_079_600,
            nanos: 0,
        }),
        structure: Some(events::ReportedStructure {
            identifier: Some(types::StructureIdentifier {
                identifier: Some(types::structure_identifier::Identifier::Finess(
                    "010000024".to_owned(),
                )),
            }),
            routing_region: "84".to_owned(),
            ..events::ReportedStructure::default()
        }),
        origin: types::Origin::Malicious.into(),
        ..events::ReportSubmitted::default()
    }
}

fn submission(event: &events::ReportSubmitted) -> (Submission, Assessment) {
    match report_submitted(event).unwrap().unwrap().1 {
        FactUpdate::Declared(_, submission, assessment) => (submission, assessment),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_report_counts_on_the_day_of_its_declaration_in_paris() {
    let mut event = submitted();
    assert_eq!(submission(&event).0.declared_on, date!(2026 - 12 - 01));
    event.declared_at = Some(prost_types::Timestamp {
        seconds: 1_796_079_599,
        nanos: 0,
    });
    assert_eq!(submission(&event).0.declared_on, date!(2026 - 11 - 30));
}

#[test]
fn a_test_tells_nothing() {
    let marked = events::ReportSubmitted {
        test: true,
        ..submitted()
    };
    assert!(report_submitted(&marked).unwrap().is_none());
    let mut routed = submitted();
    routed.structure.as_mut().unwrap().routing_region = "synthetic".to_owned();
    assert!(report_submitted(&routed).unwrap().is_none());
    let withdrawn = events::ReportWithdrawn {
        test: true,
        ..Default::default()
    };
    assert!(report_withdrawn(&withdrawn).unwrap().is_none());
    let case = events::CaseChanged {
        test: true,
        ..Default::default()
    };
    assert!(case_changed(&case).unwrap().is_none());
}

#[test]
fn what_the_armed_forces_keep_to_themselves_is_not_counted() {
    let seen_by = |parties: &[&str]| {
        let event = events::ReportSubmitted {
            visible_to: parties.iter().map(|&party| party.to_owned()).collect(),
            ..submitted()
        };
        report_submitted(&event).unwrap().is_some()
    };
    assert!(!seen_by(&["army", "subject:medecin-chef"]));
    assert!(seen_by(&["army", "ars:93", "cell", "fssi"]));
    assert!(seen_by(&["ars:93", "cell", "fssi"]));
}

#[test]
fn a_site_counts_once_by_whichever_number_it_was_declared() {
    use types::structure_identifier::Identifier;

    let structure_id = |identifier, key: &str| {
        let mut event = submitted();
        let structure = event.structure.as_mut().unwrap();
        structure.identifier = Some(types::StructureIdentifier {
            identifier: Some(identifier),
        });
        structure.structure_key = key.to_owned();
        submission(&event).0.structure_id
    };
    let finess = || Identifier::Finess("010000024".into());
    let siret = || Identifier::Siret("26010004500012".into());
    let key = "finess:010000024";
    assert_eq!(structure_id(siret(), key), structure_id(finess(), key));
    assert_eq!(structure_id(siret(), key), structure_id(finess(), ""));
    assert_ne!(structure_id(siret(), key), structure_id(siret(), ""));
}

#[test]
fn the_number_of_a_structure_is_not_kept() {
    let (submission, _) = submission(&submitted());
    assert_ne!(submission.structure_id, Uuid::nil());
    assert!(!format!("{submission:?}").contains("010000024"));
}

#[test]
fn a_declaration_is_judged_by_the_rules_until_its_case_is_known() {
    let mut event = submitted();
    assert!(!submission(&event).1.severity.serious);
    event.impacts = Some(types::Impacts {
        care: types::CareImpact::Interruption.into(),
        ..types::Impacts::default()
    });
    assert!(submission(&event).1.severity.serious);
}

#[test]
fn words_of_a_newer_release_are_kept_by_their_number() {
    let event = events::ReportSubmitted {
        origin: 77,
        origin_types: vec![2, 88],
        ..submitted()
    };
    let (_, assessment) = submission(&event);
    assert_eq!(assessment.origin, Some(Origin::heard(77).unwrap()));
    let types: Vec<_> = assessment
        .origin_types
        .iter()
        .map(ToString::to_string)
        .collect();
    assert_eq!(types, ["ransomware", "number_88"]);
}

#[test]
fn what_an_agency_recorded_of_care_counts_before_the_cell_has_qualified() {
    let counted = |care_recorded| {
        let event = events::CaseChanged {
            report_id: Uuid::from_u128(9).to_string(),
            revision: 2,
            care_recorded,
            impacts: Some(types::Impacts {
                care: types::CareImpact::Interruption.into(),
                ..types::Impacts::default()
            }),
            ..events::CaseChanged::default()
        };
        let mut history = FactHistory::default();
        for told in [report_submitted(&submitted()), case_changed(&event)] {
            history.apply(datetime!(2026-11-30 23:00 UTC), &told.unwrap().unwrap().1);
        }
        let known = history.0.into_values().next_back();
        known.unwrap().assessment.care
    };
    assert_eq!(counted(true), Some(CareImpact::Interruption));
    assert_eq!(counted(false), None);
}

#[test]
fn what_is_attached_to_the_armed_forces_is_counted_no_more_until_it_leaves_them() {
    let attached = |revision, parties: &[&str]| {
        let mut report = submitted();
        report.visible_to = parties.iter().map(|&it| it.to_owned()).collect();
        let attached = events::ReportAttached {
            report: Some(report),
            revision,
            ..events::ReportAttached::default()
        };
        report_attached(&attached)
    };
    let mut history = FactHistory::default();
    let mut at = datetime!(2026-11-30 23:00 UTC);
    let mut counted = Vec::new();
    for told in [
        report_submitted(&submitted()),
        attached(2, &["army", "subject:d1"]),
        attached(3, &["army", "cell"]),
    ] {
        at += time::Duration::minutes(1);
        history.apply(at, &told.unwrap().unwrap().1);
        let known = history.0.values().next_back().unwrap();
        counted.push((known.standing().is_some(), known.report_revision));
    }
    assert_eq!(counted, [(true, None), (false, Some(2)), (true, Some(3))]);
    assert_eq!(attached(1, &["cell"]).err(), Some("bad_revision"));
    // A restore lost the attachment that took it out of their chain.
    let restored = events::ReportSubmitted {
        revision: 9,
        visible_to: vec!["army".to_owned()],
        ..submitted()
    };
    let told = report_submitted(&restored).unwrap().unwrap().1;
    history.apply(at + time::Duration::minutes(1), &told);
    let known = history.0.values().next_back().unwrap();
    assert_eq!(
        (known.standing().is_some(), known.report_revision),
        (false, Some(9))
    );
    // What was never counted leaves nothing behind.
    let mut never = FactHistory::default();
    never.apply(at, &told);
    assert!(never.0.is_empty());
}

#[test]
fn silence_stays_silence() {
    let (_, assessment) = submission(&events::ReportSubmitted {
        origin: 0,
        ..submitted()
    });
    assert_eq!(assessment, Assessment::default());
    let (_, said) = submission(&submitted());
    assert_eq!(said.origin, Some(Origin::Malicious));
}

#[test]
fn what_leaves_nothing_to_count_is_refused_with_its_class() {
    let broken = |change: fn(&mut events::ReportSubmitted)| {
        let mut event = submitted();
        change(&mut event);
        report_submitted(&event).err()
    };
    assert_eq!(
        broken(|e| e.report_id = "7".to_owned()),
        Some("bad_report_id")
    );
    assert_eq!(broken(|e| e.structure = None), Some("no_structure"));
    assert_eq!(broken(|e| e.declared_at = None), Some("bad_declared_at"));
    assert_eq!(
        broken(|e| e.declared_at = Some(prost_types::Timestamp {
            seconds: i64::MAX,
            nanos: 0
        })),
        Some("bad_declared_at")
    );
    let case = events::CaseChanged {
        report_id: Uuid::nil().to_string(),
        ..Default::default()
    };
    assert_eq!(case_changed(&case).err(), Some("bad_revision"));
}

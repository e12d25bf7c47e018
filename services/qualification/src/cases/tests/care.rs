//! What consequences for care make of a case.

use super::*;
use crate::cases::care::knows_of_care;

fn recorded(case: &Case, impact: CareImpact) -> Case {
    let agent = Actor::Person {
        role: Role::RegionalAgent,
        subject: "agent".to_owned(),
    };
    let record = Command::RecordCare { impact };
    decide(case, &record, agent, START).unwrap().0
}

#[test]
fn a_consequence_for_care_raises_what_is_proposed_with_its_severity_and_confirms_nothing() {
    let case = recorded(&opened(), CareImpact::DegradedMode);
    assert_eq!(case.triage().impacts.care, Some(CareImpact::DegradedMode));
    assert!(case.triage().severity.serious && case.confirmed.is_none());
    assert!(case.visible_to.contains(&Party::HealthAuthority));
    assert!(knows_of_care(&case, CareImpact::DegradedMode));
    assert!(!knows_of_care(&case, CareImpact::Interruption));
    let case = recorded(&case, CareImpact::Interruption);
    let case = recorded(&case, CareImpact::DegradedMode);
    assert_eq!(case.triage().impacts.care, Some(CareImpact::Interruption));
}

#[test]
fn a_first_consequence_for_care_is_news_whatever_was_declared() {
    let mut case = opened();
    case.proposed = triage(Some(CareImpact::Interruption));
    assert!(!knows_of_care(&case, CareImpact::DegradedMode));
}

#[test]
fn a_consequence_for_care_leaves_the_severity_that_the_cell_confirmed() {
    let confirmed = Triage {
        severity: Severity::default(),
        ..triage(None)
    };
    let qualify = Command::Qualify(Scope::In {
        triage: confirmed,
        note: None,
    });
    let (case, _) = decide(&opened(), &qualify, analyst("ana"), START).unwrap();
    let case = recorded(&case, CareImpact::Interruption);
    let confirmed = case.confirmed.unwrap();
    assert_eq!(confirmed.impacts.care, Some(CareImpact::Interruption));
    assert_eq!(confirmed.severity, Severity::default());
    assert_eq!(case.proposed.impacts.care, None);
}

#[test]
fn consequences_for_care_of_the_armed_forces_or_of_a_test_never_reach_the_health_authority() {
    let mut army = opened();
    army.visible_to.add(&Party::ArmedForces);
    let mut test = opened();
    test.report.test = true;
    for case in [army, test] {
        let case = recorded(&case, CareImpact::Interruption);
        assert!(!case.visible_to.contains(&Party::HealthAuthority));
        assert_eq!(case.triage().impacts.care, Some(CareImpact::Interruption));
    }
}

#[test]
fn an_amendment_never_says_less_of_care_than_an_agency_recorded() {
    let case = recorded(&opened(), CareImpact::DegradedMode);
    let announced = Announced {
        report: case.report.clone(),
        proposed: triage(Some(CareImpact::None)),
        visible_to: Parties::default(),
        changed_paths: Some(Vec::new()),
        sent_by_person_at: None,
        by: AnnouncedBy::Declarant,
        cause: None,
        tick: None,
    };
    let (amended, _) = amend(&case, announced.clone(), START).unwrap();
    assert_eq!(
        amended.proposed.impacts.care,
        Some(CareImpact::DegradedMode)
    );
    assert!(amended.proposed.severity.serious);
    let graver = Announced {
        proposed: triage(Some(CareImpact::Interruption)),
        ..announced
    };
    let (amended, _) = amend(&case, graver, START).unwrap();
    assert_eq!(
        amended.proposed.impacts.care,
        Some(CareImpact::Interruption)
    );
}

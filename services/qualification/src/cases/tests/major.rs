//! What is judged major, and who pilots it.

use super::*;

fn officer(subject: &str) -> Actor {
    Actor::Person {
        role: Role::SecurityOfficer,
        subject: subject.to_owned(),
    }
}

#[test]
fn what_is_declared_major_keeps_the_rest_of_the_judgement_that_holds() {
    let declare = Command::DeclareMajor { reason: note() };
    let proposed = Case {
        proposed: triage(Some(CareImpact::Interruption)),
        ..opened()
    };
    let (case, change) = decide(&proposed, &declare, officer("fs"), START).unwrap();
    assert_eq!(case.state, CaseState::Qualified);
    assert_eq!(
        (change.action, change.note.as_str()),
        (Action::Qualified, "mot")
    );
    let expected = Triage {
        severity: Severity {
            major: true,
            ..proposed.proposed.severity
        },
        ..proposed.proposed.clone()
    };
    assert_eq!(case.confirmed.as_ref(), Some(&expected));
    assert_eq!(change.triage, Some(expected));
    // The FSSI leads no case of the cell; a health impact that is confirmed is the DGS's too.
    assert_eq!(case.assignee, None);
    assert!(case.visible_to.contains(&Party::HealthAuthority));

    let (case, _) = decide(&opened(), &declare, analyst("ana"), START).unwrap();
    let severity = case.triage().severity;
    assert!(severity.serious && severity.major && !severity.significant);
    assert_eq!(case.assignee.as_deref(), Some("ana"));
    let treated = Case {
        state: CaseState::InTreatment,
        ..case
    };
    let (case, _) = decide(&treated, &declare, officer("fs"), START).unwrap();
    assert_eq!(case.state, CaseState::InTreatment);
}

#[test]
fn an_officer_pilots_in_any_open_state_and_a_colleague_takes_over() {
    let (case, change) = decide(&opened(), &Command::TakePilot, officer("fs"), START).unwrap();
    assert_eq!(case.pilot.as_deref(), Some("fs"));
    assert_eq!(change.action, Action::PilotTaken);
    assert_eq!(
        (case.state, case.assignee.as_deref()),
        (CaseState::Submitted, None)
    );
    let (case, _) = decide(&case, &Command::TakePilot, officer("gi"), START).unwrap();
    assert_eq!(case.pilot.as_deref(), Some("gi"));
    let refused = decide(&case, &Command::TakePilot, analyst("ana"), START);
    assert_eq!(refused, Err(Refusal::WrongRole(Role::Analyst)));
}

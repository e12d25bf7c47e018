//! How cases end, and are opened again.

use super::*;

#[test]
fn nothing_closes_before_it_was_qualified() {
    let close = Command::Close { lessons: None };
    let refused = decide(&opened(), &close, analyst("ana"), START);
    assert_eq!(refused, Err(Refusal::WrongState(CaseState::Submitted)));
}

#[test]
fn what_is_resolved_before_it_was_qualified_does_not_close() {
    let resolved = Case {
        state: CaseState::Resolved,
        ..opened()
    };
    let close = Command::Close { lessons: None };
    let refused = decide(&resolved, &close, analyst("ana"), START);
    assert_eq!(refused, Err(Refusal::WrongState(CaseState::Resolved)));
    let qualify = Command::Qualify(Scope::In {
        triage: triage(None),
        note: None,
    });
    let (case, _) = decide(&resolved, &qualify, analyst("ana"), START).unwrap();
    assert_eq!(case.state, CaseState::Resolved);
    let (case, _) = decide(&case, &close, analyst("ana"), START).unwrap();
    assert_eq!(case.state, CaseState::Closed);
}

#[test]
fn a_case_that_is_open_again_has_neither_its_end_nor_its_analyst_of_before() {
    let duplicate = Command::MarkDuplicate {
        of: Uuid::from_u128(23),
        note: None,
    };
    let (ended, change) = decide(&opened(), &duplicate, analyst("ana"), START).unwrap();
    assert_eq!(ended.duplicate_of, Some(Uuid::from_u128(23)));
    assert_eq!(change.state, CaseState::Duplicate);
    let reopen = Command::Reopen { note: note() };
    let (case, change) = decide(&ended, &reopen, analyst("bo"), START).unwrap();
    assert_eq!((case.duplicate_of, case.closure), (None, None));
    assert_eq!(case.assignee.as_deref(), Some("bo"));
    assert_eq!(case.state, CaseState::InQualification);
    assert_eq!(
        (change.action, change.note.as_str()),
        (Action::Reopened, "mot")
    );
}

#[test]
fn a_case_whose_contacts_are_erased_stays_ended() {
    let mut case = Case {
        state: CaseState::Closed,
        ..opened()
    };
    case.report.sealed = None;
    let reopen = Command::Reopen { note: note() };
    let refused = decide(&case, &reopen, analyst("ana"), START);
    assert_eq!(refused, Err(Refusal::Erased));
}

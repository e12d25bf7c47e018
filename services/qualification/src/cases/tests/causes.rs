//! Cases of one cause, and duplicates.

use super::*;

#[test]
fn a_case_is_no_duplicate_of_itself() {
    let case = opened();
    let duplicate = Command::MarkDuplicate {
        of: case.id,
        note: None,
    };
    let refused = decide(&case, &duplicate, analyst("ana"), START);
    assert_eq!(refused, Err(Refusal::OfItself));
}

#[test]
fn a_case_opens_attached_to_that_of_its_cause_where_this_may_lead_others() {
    let parent = Case {
        id: Uuid::from_u128(29),
        ..opened()
    };
    let opened_with = |cause: &Case| {
        let Case {
            report,
            proposed,
            visible_to,
            ..
        } = opened();
        open(report, proposed, visible_to, Some(cause), START)
    };
    let (case, change) = opened_with(&parent);
    assert_eq!(case.parent, Some(parent.id));
    assert_eq!(change.action, Action::Opened);
    assert_eq!(change.note, "Rattaché au dossier SIG-2026-000001X.");
    let mut test = parent.clone();
    test.report.test = true;
    let attached = Case {
        parent: Some(Uuid::from_u128(31)),
        ..parent.clone()
    };
    let duplicate = Case {
        state: CaseState::Duplicate,
        duplicate_of: Some(Uuid::from_u128(31)),
        ..parent.clone()
    };
    let closed = Case {
        state: CaseState::Closed,
        ..parent
    };
    for other in [test, attached, duplicate, closed] {
        let (case, change) = opened_with(&other);
        assert_eq!((case.parent, change.note.as_str()), (None, ""), "{other:?}");
    }
}

#[test]
fn a_case_that_is_attached_stays_where_it_is_until_it_is_detached() {
    let attach = Command::Attach {
        to: Uuid::from_u128(29),
        note: Some(note()),
    };
    let (case, change) = decide(&opened(), &attach, analyst("ana"), START).unwrap();
    assert_eq!(case.parent, Some(Uuid::from_u128(29)));
    assert_eq!((case.state, case.assignee.clone()), (opened().state, None));
    assert_eq!(
        (change.action, change.note.as_str()),
        (Action::Attached, "mot")
    );
    let detach = Command::Detach { note: None };
    let (case, change) = decide(&case, &detach, analyst("bo"), START).unwrap();
    assert_eq!((case.parent, change.action), (None, Action::Detached));
    let ended = Case {
        state: CaseState::Closed,
        ..case
    };
    let refused = decide(&ended, &attach, analyst("ana"), START);
    assert_eq!(refused, Err(Refusal::WrongState(CaseState::Closed)));
}

//! Who hears of a message on a case.

use super::{
    super::super::trigger::{Author, PostedMessage},
    *,
};

fn message(author: Author) -> PostedMessage {
    PostedMessage {
        report_id: Uuid::from_u128(9),
        case_id: Uuid::from_u128(10),
        reference: "SIG-2026-7K3M9Q4".to_owned(),
        region: Some(RoutingRegion::Region(normandy())),
        author: Some(author),
        to_structure: true,
        audience: audience(&everybody()),
        test: false,
    }
}

fn decided(message: PostedMessage, known: &ReportProjection) -> Decision {
    let decision = decide(CHANGED, &Trigger::MessagePosted(message), known);
    assert_eq!(decision.raised, [Rule::Message]);
    decision
}

fn known() -> ReportProjection {
    after(&Trigger::Submitted(submission(&everybody())))
}

const OTHERS: [Author; 3] = [Author::Cell, Author::Agency, Author::SecurityOfficer];

#[test]
fn what_others_write_to_the_structure_goes_to_the_declarant() {
    for author in OTHERS {
        let decision = decided(message(author), &known());
        assert_eq!(mails(&decision), ["message declarant"], "{author:?}");
        assert_eq!(decision.drafts[0].1.content.template, Template::Message);
    }
}

#[test]
fn what_the_agencies_write_among_themselves_goes_to_nobody_by_mail() {
    for author in OTHERS {
        let internal = PostedMessage {
            to_structure: false,
            ..message(author)
        };
        assert_eq!(mails(&decided(internal, &known())), [""; 0], "{author:?}");
    }
}

#[test]
fn what_the_structure_writes_goes_to_the_cell_if_it_may_read_it() {
    let decision = decided(message(Author::Structure), &known());
    assert_eq!(mails(&decision), ["message cell"]);
    let template = decision.drafts[0].1.content.template;
    assert_eq!(template, Template::MessageOfStructure);

    let hidden = PostedMessage {
        audience: audience(&[Party::Region(normandy())]),
        ..message(Author::Structure)
    };
    assert_eq!(mails(&decided(hidden, &known())), [""; 0]);
    let mut own_chain = submission(&everybody());
    own_chain.summary.structure_kind = Some(StructureKind::ArmedForcesHospital);
    let known = after(&Trigger::Submitted(own_chain));
    assert_eq!(mails(&decided(message(Author::Structure), &known)), [""; 0]);
}

#[test]
fn a_message_of_an_author_that_only_a_later_release_knows_is_raised_alone() {
    let later = PostedMessage {
        author: None,
        ..message(Author::Cell)
    };
    assert_eq!(mails(&decided(later, &known())), [""; 0]);
}

#[test]
fn the_declarant_of_an_imported_past_report_gets_no_mail_and_the_cell_does() {
    let past = after(&Trigger::Submitted(Submission {
        back_dated: true,
        ..submission(&everybody())
    }));
    for author in OTHERS {
        assert_eq!(mails(&decided(message(author), &past)), [""; 0]);
    }
    let of_structure = decided(message(Author::Structure), &past);
    assert_eq!(mails(&of_structure), ["message cell"]);
}

#[test]
fn a_message_before_its_report_is_raised_with_its_case_and_written_to_nobody() {
    for author in [Author::Structure, Author::Cell] {
        let decision = decided(message(author), &ReportProjection::default());
        assert_eq!(mails(&decision), [""; 0]);
        assert_eq!(decision.known.case_id, Some(Uuid::from_u128(10)));
        assert_eq!(decision.summary.reference, "SIG-2026-7K3M9Q4");
    }
}

#[test]
fn a_message_on_a_test_is_written_to_nobody() {
    let test = Submission {
        test: true,
        ..submission(&everybody())
    };
    let known = after(&Trigger::Submitted(test));
    assert_eq!(mails(&decided(message(Author::Cell), &known)), [""; 0]);
}

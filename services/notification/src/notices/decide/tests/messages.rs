//! Who hears of a message on a case.

use super::*;

fn message(actor: Actor) -> Activity {
    Activity {
        report_id: Uuid::from_u128(9),
        case_id: Some(Uuid::from_u128(10)),
        reference: "SIG-2026-7K3M9Q4".to_owned(),
        region: Some(RoutingRegion::Region(normandy())),
        kind: Some(CaseActivity::Message),
        actor: Some(actor),
        to_structure: true,
        audience: audience(&everybody()),
        due_at: None,
        test: false,
    }
}

fn decided(message: Activity, known: &ReportProjection) -> Decision {
    let decision = decide(CHANGED, &Trigger::Activity(message), known);
    assert_eq!(raised(&decision), [Rule::Message]);
    decision
}

fn known() -> ReportProjection {
    after(&Trigger::Submitted(submission(&everybody())))
}

const OTHERS: [Actor; 3] = [Actor::Cell, Actor::Agency, Actor::SecurityOfficer];

#[test]
fn what_others_write_to_the_structure_goes_to_the_declarant() {
    for author in OTHERS {
        let decision = decided(message(author), &known());
        assert_eq!(mails(&decision), ["message declarant"], "{author:?}");
        assert_eq!(
            templates(&decision),
            [Template::ToStructure(CaseActivity::Message)]
        );
    }
}

#[test]
fn what_the_agencies_write_among_themselves_goes_to_nobody_by_mail() {
    for author in OTHERS {
        let internal = Activity {
            to_structure: false,
            ..message(author)
        };
        assert_eq!(mails(&decided(internal, &known())), [""; 0], "{author:?}");
    }
}

#[test]
fn what_the_structure_writes_goes_to_the_cell_if_it_may_read_it() {
    let decision = decided(message(Actor::Structure), &known());
    assert_eq!(mails(&decision), ["message cell"]);
    assert_eq!(
        templates(&decision),
        [Template::OfStructure(CaseActivity::Message)]
    );

    let hidden = Activity {
        audience: audience(&[Party::Region(normandy())]),
        ..message(Actor::Structure)
    };
    assert_eq!(mails(&decided(hidden, &known())), [""; 0]);
    let mut own_chain = submission(&everybody());
    own_chain.summary.structure_kind = Some(StructureKind::ArmedForcesHospital);
    let known = after(&Trigger::Submitted(own_chain));
    assert_eq!(mails(&decided(message(Actor::Structure), &known)), [""; 0]);
}

#[test]
fn a_message_of_an_author_that_only_a_later_release_knows_is_raised_alone() {
    let later = Activity {
        actor: None,
        ..message(Actor::Cell)
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
    let of_structure = decided(message(Actor::Structure), &past);
    assert_eq!(mails(&of_structure), ["message cell"]);
}

#[test]
fn a_message_before_its_report_is_raised_at_once_and_written_to_people_when_the_report_comes() {
    for (author, mail) in [
        (Actor::Structure, "message cell"),
        (Actor::Cell, "message declarant"),
    ] {
        let posted = decided(message(author), &ReportProjection::default());
        assert_eq!(mails(&posted), [""; 0]);
        assert_eq!(posted.known.case_id, Some(Uuid::from_u128(10)));
        assert_eq!(posted.summary.reference, "SIG-2026-7K3M9Q4");
        // The same event again waits once.
        let posted = decided(message(author), &posted.known);

        let report = Trigger::Submitted(submission(&everybody()));
        let came = decide(SUBMITTED, &report, &posted.known);
        let late: Vec<String> = mails(&came).split_off(4);
        assert_eq!(late, [mail]);
        let notice = came.notices.last().unwrap();
        assert_eq!((notice.cause, notice.rule), (CHANGED, Rule::Message));
        assert_eq!(raised(&came), [Rule::Submission]);
        assert_eq!(came.known.awaiting_messages, []);
    }
}

#[test]
fn what_waits_for_its_report_is_written_with_its_own_due_date() {
    let request = |due_at| Activity {
        kind: Some(CaseActivity::InformationRequested),
        due_at,
        ..message(Actor::Cell)
    };
    let by = |id| Uuid::from_u128(id);
    let (first, second) = (WORKING, WEEKEND);
    let mut known = ReportProjection::default();
    for (id, due_at) in [(21, Some(first)), (22, Some(second)), (23, None)] {
        let trigger = Trigger::Activity(request(due_at));
        known = decide(by(id), &trigger, &known).known;
    }
    let due = |decision: &Decision| -> Vec<_> {
        let to_declarant = decision.notices.iter().filter(|it| {
            let template = Template::ToStructure(CaseActivity::InformationRequested);
            it.channel == Channel::Mail(Recipient::Declarant, template)
        });
        to_declarant.map(|it| (it.cause, it.due_at)).collect()
    };
    let report = Trigger::Submitted(submission(&everybody()));
    let came = decide(SUBMITTED, &report, &known);
    let each = [
        (by(21), Some(first)),
        (by(22), Some(second)),
        (by(23), None),
    ];
    assert_eq!(due(&came), each);
    assert!(came.known.awaiting_due.is_empty());
    // One that does not wait has its own as well.
    let next = decide(
        by(24),
        &Trigger::Activity(request(Some(first))),
        &came.known,
    );
    assert_eq!(due(&next), [(by(24), Some(first))]);
}

#[test]
fn a_message_that_still_waits_when_the_report_is_known_is_written_with_the_next_event() {
    // The release before applies a submission and leaves what waits as it is.
    let posted_by = Uuid::from_u128(7);
    let known = ReportProjection {
        awaiting_messages: vec![(posted_by, "message".to_owned())],
        ..known()
    };
    let mail = "message declarant".to_owned();
    for next in [
        Trigger::CaseChanged(update(Change::Claimed, 1)),
        Trigger::CaseChanged(update(Change::Noted, 1)),
        Trigger::Activity(message(Actor::Structure)),
        withdrawn(),
    ] {
        let decision = decide(CHANGED, &next, &known);
        let written = decision.notices.iter().filter(|it| it.cause == posted_by);
        assert_eq!(written.count(), 1, "{next:?}");
        assert!(mails(&decision).contains(&mail), "{next:?}");
        assert_eq!(decision.known.awaiting_messages, []);
        let again = decide(CHANGED, &next, &decision.known);
        assert!(again.notices.iter().all(|it| it.cause != posted_by));
    }
}

#[test]
fn a_message_in_the_words_of_a_later_release_waits_for_it_and_holds_up_no_other() {
    let later = (Uuid::from_u128(7), "message_of_agency".to_owned());
    let known = ReportProjection {
        awaiting_messages: vec![later.clone(), (CHANGED, "message".to_owned())],
        ..ReportProjection::default()
    };
    let report = Trigger::Submitted(submission(&everybody()));
    let came = decide(SUBMITTED, &report, &known);
    let all = mails(&came);
    assert!(all.contains(&"announce_fssi fssi".to_owned()), "{all:?}");
    assert_eq!(all[4..], ["message declarant"]);
    assert_eq!(came.known.awaiting_messages, [later]);
}

#[test]
fn a_message_that_waits_for_its_report_is_written_as_that_report_allows() {
    let waiting = |author| decided(message(author), &ReportProjection::default()).known;
    let came = |report: Submission, known: &ReportProjection| {
        let came = decide(SUBMITTED, &Trigger::Submitted(report), known);
        mails(&came)
    };
    let past = Submission {
        back_dated: true,
        ..submission(&everybody())
    };
    assert_eq!(came(past, &waiting(Actor::Cell)), [""; 0]);
    let mut own_chain = submission(&everybody());
    own_chain.summary.structure_kind = Some(StructureKind::ArmedForcesHospital);
    let mails = came(own_chain, &waiting(Actor::Structure));
    assert_eq!(mails, ["receipt declarant"]);
    let test = Submission {
        test: true,
        ..submission(&everybody())
    };
    assert_eq!(came(test, &waiting(Actor::Cell)), [""; 0]);
}

#[test]
fn a_message_on_a_test_is_written_to_nobody() {
    let test = Submission {
        test: true,
        ..submission(&everybody())
    };
    let known = after(&Trigger::Submitted(test));
    assert_eq!(mails(&decided(message(Actor::Cell), &known)), [""; 0]);
}

#[test]
fn what_an_agency_does_for_the_structure_waits_for_the_report_once_for_each_side() {
    let answered = Activity {
        kind: Some(CaseActivity::InformationAnswered),
        ..message(Actor::Agency)
    };
    let answered = Trigger::Activity(answered);
    let early = decide(CHANGED, &answered, &ReportProjection::default());
    assert_eq!(mails(&early), [""; 0]);
    // The same event again waits no second time.
    let early = decide(CHANGED, &answered, &early.known);
    assert_eq!(early.known.awaiting_messages.len(), 2);
    let report = Trigger::Submitted(submission(&everybody()));
    let came = decide(SUBMITTED, &report, &early.known);
    assert_eq!(mails(&came)[4..], ["activity cell", "activity declarant"]);
    assert_eq!(
        templates(&came)[4..],
        [
            Template::OfStructure(CaseActivity::InformationAnswered),
            Template::ToStructure(CaseActivity::InformationAnswered),
        ]
    );
    assert_eq!(came.known.awaiting_messages, []);
}

#[test]
fn an_activity_is_written_to_the_side_that_did_not_do_it_where_it_has_something_to_do() {
    use CaseActivity::{
        AccompanimentAccepted, AccompanimentAsked, AccompanimentDeclined, AccompanimentOffered,
        CareRecorded, InformationAnswered, InformationOverdue, InformationRequested,
        MeasureAccepted, MeasureDeclined, MeasureDone, MeasureProposed, TimelineEntryAdded,
    };
    let told = |kind, actor, to_structure| {
        let activity = Activity {
            kind: Some(kind),
            to_structure,
            ..message(actor)
        };
        let decision = decide(CHANGED, &Trigger::Activity(activity), &known());
        assert_eq!(raised(&decision), [Rule::Activity]);
        mails(&decision)
    };
    let cell: &[&str] = &["activity cell"];
    let declarant: &[&str] = &["activity declarant"];
    let both: &[&str] = &["activity cell", "activity declarant"];
    let nobody: &[&str] = &[];
    for (kind, actor, to_structure, expected) in [
        (InformationRequested, Actor::Cell, true, declarant),
        (InformationOverdue, Actor::Suite, true, declarant),
        (InformationAnswered, Actor::Structure, true, cell),
        (MeasureProposed, Actor::Cell, true, declarant),
        (MeasureAccepted, Actor::Structure, true, nobody),
        (TimelineEntryAdded, Actor::Structure, true, nobody),
        (TimelineEntryAdded, Actor::Agency, true, nobody),
        (CareRecorded, Actor::Agency, false, nobody),
        // What an agency does for the structure is news to the cell too.
        (InformationAnswered, Actor::Agency, true, both),
        (InformationAnswered, Actor::Agency, false, cell),
        (InformationAnswered, Actor::Cell, true, declarant),
        (MeasureDeclined, Actor::Agency, true, both),
        (MeasureDeclined, Actor::Cell, true, declarant),
        (MeasureDone, Actor::Agency, true, both),
        (AccompanimentAsked, Actor::Agency, true, cell),
        (AccompanimentAccepted, Actor::Agency, true, cell),
        (AccompanimentDeclined, Actor::Agency, true, cell),
        // What it does of its own is not.
        (InformationRequested, Actor::Agency, true, declarant),
        (AccompanimentOffered, Actor::Agency, true, declarant),
    ] {
        assert_eq!(
            told(kind, actor, to_structure),
            expected,
            "{kind} by {actor:?}"
        );
    }
}

#[test]
fn a_reminder_of_a_deadline_is_written_to_the_declarant_alone_by_its_own_rule() {
    for (kind, rule) in [
        (CaseActivity::NotificationDue, "deadline"),
        (CaseActivity::NotificationOverdue, "deadline"),
        (CaseActivity::FinalReportDue, "deadline"),
        (CaseActivity::FinalReportOverdue, "deadline"),
        (CaseActivity::ProgressReportOverdue, "deadline"),
        (CaseActivity::CnilDue, "parallel_duty"),
    ] {
        let activity = Activity {
            kind: Some(kind),
            ..message(Actor::Suite)
        };
        let decision = decide(CHANGED, &Trigger::Activity(activity), &known());
        assert_eq!(mails(&decision), [format!("{rule} declarant")], "{kind}");
        let raised = raised(&decision);
        let raised: Vec<_> = raised.iter().map(|rule| rule.name()).collect();
        assert_eq!(raised, [rule], "{kind}");
    }
    assert_eq!(Rule::ParallelDuty.legal_basis(), "RGPD, art. 33");
    assert!(Rule::Deadline.legal_basis().contains("art. 23(4)"));
}

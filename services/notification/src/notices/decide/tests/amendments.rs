//! A declaration is completed: those whom it concerns only now hear of it, once.

use super::*;
use crate::notices::trigger::Attachment;

const AMENDED: Uuid = Uuid::from_u128(3);

fn occitanie() -> Party {
    Party::Region("76".parse().unwrap())
}

fn amendment(report: Submission, revision: u64) -> Trigger {
    Trigger::Amended(Amendment {
        report,
        revision,
        on_behalf: false,
        at: WORKING,
        attachment: None,
    })
}

/// The same report, with care interrupted and a second region.
fn completed() -> Submission {
    let mut report = submission(&[everybody(), vec![occitanie()]].concat());
    report.summary.impacts = care_interrupted();
    report
}

fn known() -> ReportProjection {
    after(&Trigger::Submitted(submission(&everybody())))
}

#[test]
fn an_agency_newly_named_and_the_health_authority_are_written_to_and_nobody_else() {
    let decision = decide(AMENDED, &amendment(completed(), 2), &known());
    assert_eq!(
        mails(&decision),
        ["announce_agency ars:76", "announce_health_authority dgs"]
    );
    assert!(
        templates(&decision)
            .iter()
            .all(|it| *it == Template::Submission)
    );
    assert_eq!(raised(&decision), [Rule::Amendment]);
    assert_eq!(decision.summary.impacts, care_interrupted());
    assert_eq!(decision.known.report_revision, Some(2));
}

#[test]
fn the_declarant_hears_of_what_an_agency_amends_for_him_once_and_not_of_what_he_wrote() {
    let of_agency = |report: Submission| {
        Trigger::Amended(Amendment {
            report,
            revision: 2,
            on_behalf: true,
            at: WORKING,
            attachment: None,
        })
    };
    let told = ["amendment declarant"];
    let amended = of_agency(submission(&everybody()));
    let decision = decide(AMENDED, &amended, &known());
    assert_eq!(mails(&decision), told);
    assert_eq!(templates(&decision), [Template::AmendedOnBehalf]);
    assert_eq!(decision.known.awaiting_messages, []);
    // Whoever is written to is no institution that a withdrawal is told to.
    assert_eq!(decision.known.notified, known().notified);

    let own = amendment(submission(&everybody()), 2);
    assert_eq!(mails(&decide(AMENDED, &own, &known())), [""; 0]);
    // What is past is over, and a test reaches nobody.
    for silent in [
        Submission {
            back_dated: true,
            ..submission(&everybody())
        },
        Submission {
            test: true,
            ..submission(&everybody())
        },
    ] {
        let known = after(&Trigger::Submitted(silent.clone()));
        assert_eq!(mails(&decide(AMENDED, &of_agency(silent), &known)), [""; 0]);
    }
}

#[test]
fn those_told_before_have_one_line_and_no_mail() {
    let first = decide(AMENDED, &amendment(completed(), 2), &known());
    for (revision, expected) in [(2, 2), (3, 3), (2, 2)] {
        let again = decide(CHANGED, &amendment(completed(), revision), &first.known);
        assert_eq!(mails(&again), [""; 0]);
        assert_eq!(raised(&again), [Rule::Amendment]);
        assert_eq!(again.known.report_revision, Some(expected));
    }
    // The case says the same after it.
    let update = update(Change::Amended, 2);
    let case = decide(CHANGED, &Trigger::CaseChanged(update), &first.known);
    assert_eq!((mails(&case).len(), raised(&case).len()), (0, 0));
}

#[test]
fn contacts_follow_and_an_amendment_that_comes_late_takes_nothing_back() {
    let with_contacts = |contacts: &[u8], revision| {
        let report = Submission {
            sealed_contacts: Some(contacts.to_vec()),
            data_key: Some(b"key".to_vec()),
            ..completed()
        };
        amendment(report, revision)
    };
    let known = decide(AMENDED, &with_contacts(b"new", 3), &known()).known;
    assert_eq!(known.sealed_contacts.as_deref(), Some(&b"new"[..]));
    let late = decide(CHANGED, &with_contacts(b"old", 2), &known).known;
    assert_eq!(late, known);
    let submitted = Trigger::Submitted(submission(&everybody()));
    let again = decide(SUBMITTED, &submitted, &known).known;
    assert_eq!(
        (again.summary, again.sealed_contacts),
        (known.summary, known.sealed_contacts)
    );
}

#[test]
fn a_declaration_that_a_restore_kept_replaces_the_amendment_that_it_lost() {
    let lost = decide(AMENDED, &amendment(completed(), 2), &known()).known;
    let restored = Submission {
        revision: Some(1_796_079_600),
        ..submission(&everybody())
    };
    let again = decide(SUBMITTED, &Trigger::Submitted(restored), &lost).known;
    assert_eq!(again.summary, known().summary);
    // What comes late of the history that was lost amends it no more, and what comes next does.
    let late = decide(AMENDED, &amendment(completed(), 2), &again).known;
    assert_eq!(late.summary, known().summary);
    let next = amendment(completed(), 1_796_079_601);
    let amended = decide(AMENDED, &next, &late).known;
    assert_eq!(amended.summary.unwrap().impacts, care_interrupted());
}

#[test]
fn an_amendment_before_its_submission_leads_to_the_same_and_to_one_mail_each() {
    let early = decide(
        AMENDED,
        &amendment(completed(), 2),
        &ReportProjection::default(),
    );
    let submitted = Trigger::Submitted(submission(&everybody()));
    let late = decide(SUBMITTED, &submitted, &early.known);
    let mut told = [mails(&early), mails(&late)].concat();
    told.sort();
    assert_eq!(
        told,
        [
            "announce_agency ars:28",
            "announce_agency ars:76",
            "announce_cell cell",
            "announce_fssi fssi",
            "announce_health_authority dgs",
            "receipt declarant",
        ]
    );
    let in_order = decide(AMENDED, &amendment(completed(), 2), &known()).known;
    assert_eq!(late.known, in_order);
}

#[test]
fn what_the_cell_confirmed_holds_whichever_log_tells_first() {
    let mut qualified = update(Change::Qualified, 2);
    qualified.qualified = true;
    qualified.severity.serious = true;
    let case = Trigger::CaseChanged(qualified.clone());
    let amended = amendment(completed(), 2);
    let summary = |triggers: [&Trigger; 2]| {
        let known = triggers.into_iter().fold(known(), |known, trigger| {
            decide(AMENDED, trigger, &known).known
        });
        known.summary.unwrap()
    };
    let last = summary([&case, &amended]);
    assert_eq!(last, summary([&amended, &case]));
    assert_eq!(last.impacts, qualified.impacts);
    assert!(last.severity.serious);
}

#[test]
fn what_an_agency_recorded_of_care_is_lowered_by_no_amendment_whichever_log_tells_first() {
    let mut recorded = update(Change::CareRecorded, 2);
    recorded.care_recorded = true;
    recorded.impacts = care_interrupted();
    let case = Trigger::CaseChanged(recorded);
    // The declarant completes it, and says nothing of care.
    let amended = amendment(submission(&everybody()), 2);
    for triggers in [[&case, &amended], [&amended, &case]] {
        let known = triggers.into_iter().fold(known(), |known, trigger| {
            decide(AMENDED, trigger, &known).known
        });
        assert_eq!(known.report_revision, Some(2));
        assert_eq!(known.summary.unwrap().impacts, care_interrupted());
    }
}

#[test]
fn the_on_call_chain_hears_at_night_of_what_concerns_the_nation_only_now() {
    let mut army = submission(&[Party::ArmedForces]);
    army.summary.structure_kind = Some(StructureKind::ArmedForcesHospital);
    let known = after(&Trigger::Submitted(army.clone()));
    army.audience = audience(&[Party::ArmedForces, Party::Cell, Party::SecurityOfficer]);
    army.summary.impacts = care_interrupted();
    let at = |at| {
        let amended = Trigger::Amended(Amendment {
            report: army.clone(),
            revision: 2,
            on_behalf: false,
            at,
            attachment: None,
        });
        mails(&decide(AMENDED, &amended, &known))
    };
    let national = ["announce_cell cell", "announce_fssi fssi"];
    assert_eq!(at(WORKING), national);
    assert_eq!(at(WEEKEND)[..2], national);
    assert_eq!(at(WEEKEND)[2], "on_call on_call");
}

/// The report, attached to a structure of Occitanie: Normandy is concerned no more.
fn attached() -> Trigger {
    let mut parties = everybody();
    parties.retain(|party| *party != Party::Region(normandy()));
    parties.push(occitanie());
    Trigger::Amended(Amendment {
        report: submission(&parties),
        revision: 2,
        on_behalf: false,
        at: WORKING,
        attachment: Some(Attachment {
            no_longer_visible_to: vec![
                Party::Region(normandy()),
                Party::stored("structure:finess:010000024"),
            ],
        }),
    })
}

#[test]
fn an_attached_report_is_told_to_its_new_agency_and_its_declarant_and_to_the_old_one_no_more() {
    let decision = decide(AMENDED, &attached(), &known());
    let told = mails(&decision);
    assert_eq!(told.len(), 2, "{told:?}");
    assert!(told.contains(&"announce_agency ars:76".to_owned()));
    assert!(told.contains(&"activity declarant".to_owned()));
    assert_eq!(raised(&decision), [Rule::Amendment]);
    let notified = &decision.known.notified;
    assert!(notified.contains(&Recipient::Agency("76".parse().unwrap())));
    assert!(!notified.contains(&Recipient::Agency(normandy())));
    // Once more it tells the declarant alone: the same event has its mails once.
    let again = decide(AMENDED, &attached(), &decision.known);
    assert_eq!(mails(&again), ["activity declarant"]);
    // What the case says of it afterwards is no line of its own.
    for change in [Change::ReportAttached, Change::LinkDecided] {
        let case = Trigger::CaseChanged(update(change, 2));
        assert_eq!(raised(&decide(CHANGED, &case, &decision.known)).len(), 0);
    }
}

/// Attached to a hospital of the armed forces: neither the cell nor the FSSI sees it any more.
#[test]
fn nobody_hears_of_the_withdrawal_of_a_report_that_was_taken_away() {
    let out_of_hours = Submission {
        received_at: WEEKEND,
        ..submission(&everybody())
    };
    let told = after(&Trigger::Submitted(out_of_hours));
    assert!(told.notified.contains(&Recipient::OnCall));
    let army = Trigger::Amended(Amendment {
        report: submission(&[Party::ArmedForces]),
        revision: 2,
        on_behalf: false,
        at: WORKING,
        attachment: None,
    });
    let taken_away = decide(AMENDED, &army, &told).known.notified;
    assert!(
        taken_away
            .iter()
            .all(|it| *it == Recipient::HealthAuthority),
        "{taken_away:?}"
    );
}

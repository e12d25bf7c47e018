//! What an importer enters with a past date.

use super::*;

fn past() -> Submission {
    let mut past = Submission {
        received_at: WEEKEND,
        back_dated: true,
        ..submission(&everybody())
    };
    past.summary.impacts = care_interrupted();
    past
}

#[test]
fn a_past_report_that_is_imported_is_told_in_digests_and_not_one_by_one() {
    let known = ReportProjection {
        awaiting_closing: Some(CHANGED),
        ..ReportProjection::default()
    };
    let entered = decide(SUBMITTED, &Trigger::Submitted(past()), &known);
    assert_eq!(raised(&entered), [Rule::Submission]);
    assert_eq!(mails(&entered), [""; 0]);
    let addressees = [
        Recipient::Cell,
        Recipient::SecurityOfficer,
        Recipient::Agency(normandy()),
    ];
    assert_eq!(digested(&entered), addressees);
    let closed = mails_of_update(update(Change::Closed, 1), &entered.known);
    assert_eq!(closed, [""; 0]);
    let resolved = Trigger::CaseChanged(update(Change::Resolved, 1));
    let resolved = decide(CHANGED, &resolved, &entered.known);
    assert_eq!(raised(&resolved), [Rule::CaseChange]);
    assert_eq!(mails(&resolved), [""; 0]);
    // What the cell judges today is told at once, and wakes nobody.
    let mut major = update(Change::Qualified, 1);
    major.severity.major = true;
    assert_eq!(
        mails_of_update(major, &entered.known),
        ["announce_major fssi"]
    );
}

#[test]
fn a_test_with_a_past_date_is_in_no_digest() {
    let test = Submission {
        test: true,
        back_dated: true,
        ..submission(&everybody())
    };
    let decision = decide(
        SUBMITTED,
        &Trigger::Submitted(test),
        &ReportProjection::default(),
    );
    assert_eq!(digested(&decision), []);
}

#[test]
fn the_health_authority_gets_no_mail_of_a_past_report_that_is_qualified_later() {
    let known = after(&Trigger::Submitted(past()));
    let mut qualified = update(Change::Qualified, 1);
    qualified.qualified = true;
    qualified.impacts = care_interrupted();
    assert_eq!(mails_of_update(qualified, &known), [""; 0]);
}

#[test]
fn the_withdrawal_of_a_past_report_is_told_to_those_whose_digest_told_of_it() {
    let known = after(&Trigger::Submitted(past()));
    assert_eq!(
        mails(&decide(CHANGED, &withdrawn(), &known)),
        [
            "announce_withdrawal ars:28",
            "announce_withdrawal fssi",
            "announce_withdrawal cell",
        ],
    );
}

//! Every rule, as a table.

use time::{OffsetDateTime, macros::datetime};
use uuid::Uuid;
use vocabulary::{
    CareImpact, CaseActivity, Impacts, Party, PatientEndangerment, Region, RoutingRegion, Severity,
    StructureKind,
};

use service::Parties;

use super::*;

mod amendments;
mod entered_afterwards;
mod messages;
mod properties;

/// A Monday at eleven in Paris.
const WORKING: OffsetDateTime = datetime!(2026-11-23 10:00 UTC);
/// A Saturday.
const WEEKEND: OffsetDateTime = datetime!(2026-11-21 10:00 UTC);
const SUBMITTED: Uuid = Uuid::from_u128(1);
const CHANGED: Uuid = Uuid::from_u128(2);

fn normandy() -> Region {
    "28".parse().unwrap()
}

fn audience(parties: &[Party]) -> Parties {
    parties.iter().map(ToString::to_string).collect()
}

fn everybody() -> Vec<Party> {
    vec![
        Party::Cell,
        Party::SecurityOfficer,
        Party::Region(normandy()),
        Party::HealthAuthority,
    ]
}

fn care_interrupted() -> Impacts {
    Impacts {
        care: Some(CareImpact::Interruption),
        ..Impacts::default()
    }
}

fn submission(parties: &[Party]) -> Submission {
    Submission {
        report_id: Uuid::from_u128(9),
        revision: None,
        summary: ReportSummary {
            reference: "SIG-2026-7K3M9Q4".to_owned(),
            region: Some(RoutingRegion::Region(normandy())),
            structure_kind: Some(StructureKind::HealthFacility),
            ..ReportSummary::default()
        },
        received_at: WORKING,
        back_dated: false,
        audience: audience(parties),
        test: false,
        sealed_contacts: None,
        data_key: None,
    }
}

fn update(change: Change, revision: u64) -> CaseUpdate {
    CaseUpdate {
        report_id: Uuid::from_u128(9),
        case_id: Uuid::from_u128(10),
        revision,
        change,
        severity: Severity::default(),
        qualified: false,
        care_recorded: false,
        resolved_on_behalf: false,
        origin: None,
        origin_types: BTreeSet::new(),
        impacts: Impacts::default(),
        reference: "SIG-2026-7K3M9Q4".to_owned(),
        region: Some(RoutingRegion::Region(normandy())),
        audience: audience(&everybody()),
        test: false,
    }
}

fn withdrawn() -> Trigger {
    Trigger::Withdrawn(Withdrawal {
        report_id: Uuid::from_u128(9),
        reference: "SIG-2026-7K3M9Q4".to_owned(),
        region: None,
        audience: audience(&everybody()),
        test: false,
    })
}

fn after(trigger: &Trigger) -> ReportProjection {
    decide(SUBMITTED, trigger, &ReportProjection::default()).known
}

/// The mails of a decision, as "rule to recipient".
fn mails(decision: &Decision) -> Vec<String> {
    let notices = decision.notices.iter();
    let mails = notices.filter_map(|notice| match notice.channel {
        Channel::Mail(recipient, _) => Some(format!("{} {recipient}", notice.rule.name())),
        _ => None,
    });
    mails.collect()
}

/// The templates of its mails.
fn templates(decision: &Decision) -> Vec<Template> {
    let notices = decision.notices.iter();
    let templates = notices.filter_map(|notice| match notice.channel {
        Channel::Mail(_, template) => Some(template),
        _ => None,
    });
    templates.collect()
}

/// Whose digest tells of it.
fn digested(decision: &Decision) -> Vec<Recipient> {
    let notices = decision.notices.iter();
    let digested = notices.filter_map(|notice| match notice.channel {
        Channel::Digest(recipient) => Some(recipient),
        _ => None,
    });
    digested.collect()
}

/// What the stream tells of it.
fn raised(decision: &Decision) -> Vec<Rule> {
    let notices = decision.notices.iter();
    let lines = notices.filter(|notice| notice.channel == Channel::Feed);
    lines.map(|notice| notice.rule).collect()
}

fn mails_of(submission: Submission) -> Vec<String> {
    mails(&decide(
        SUBMITTED,
        &Trigger::Submitted(submission),
        &ReportProjection::default(),
    ))
}

fn mails_of_update(update: CaseUpdate, known: &ReportProjection) -> Vec<String> {
    mails(&decide(CHANGED, &Trigger::CaseChanged(update), known))
}

#[test]
fn every_submission_goes_to_declarant_cell_fssi_and_the_agency_of_the_region() {
    assert_eq!(
        mails_of(submission(&everybody())),
        [
            "receipt declarant",
            "announce_cell cell",
            "announce_fssi fssi",
            "announce_agency ars:28"
        ],
    );
}

#[test]
fn the_agency_of_every_region_that_sees_a_report_is_told() {
    let occitanie = Party::Region("76".parse().unwrap());
    let mut submission = submission(&[Party::Region(normandy()), occitanie]);
    submission.summary.region = Some(RoutingRegion::National);
    assert_eq!(
        mails_of(submission),
        [
            "receipt declarant",
            "announce_agency ars:28",
            "announce_agency ars:76"
        ],
    );
}

#[test]
fn a_health_impact_also_goes_to_the_health_authority() {
    let danger = Impacts {
        patient_endangerment: Some(PatientEndangerment::Potential),
        ..Impacts::default()
    };
    for impacts in [care_interrupted(), danger] {
        let mut submission = submission(&everybody());
        submission.summary.impacts = impacts;
        assert!(mails_of(submission).contains(&"announce_health_authority dgs".to_owned()));
    }
}

#[test]
fn nobody_is_told_whom_the_routing_does_not_let_see_it() {
    let mut submission = submission(&[Party::Cell]);
    submission.summary.impacts = care_interrupted();
    assert_eq!(
        mails_of(submission),
        ["receipt declarant", "announce_cell cell"]
    );
}

#[test]
fn a_national_body_is_announced_to_fssi_and_cell_only() {
    let mut submission = submission(&[Party::Cell, Party::SecurityOfficer]);
    submission.summary.region = Some(RoutingRegion::National);
    assert_eq!(
        mails_of(submission),
        [
            "receipt declarant",
            "announce_cell cell",
            "announce_fssi fssi"
        ]
    );
}

#[test]
fn a_hospital_of_the_armed_forces_stays_in_its_chain_unless_care_is_touched() {
    let mut own_chain = submission(&everybody());
    own_chain.summary.structure_kind = Some(StructureKind::ArmedForcesHospital);
    own_chain.received_at = WEEKEND;
    let mut care_touched = own_chain.clone();
    care_touched.summary.impacts = care_interrupted();
    assert_eq!(mails_of(own_chain), ["receipt declarant"]);
    assert!(mails_of(care_touched).contains(&"announce_agency ars:28".to_owned()));
}

#[test]
fn a_submission_out_of_hours_goes_to_the_on_call_chain_and_one_in_hours_does_not() {
    for (received_at, on_call) in [(WORKING, false), (WEEKEND, true)] {
        let submission = Submission {
            received_at,
            ..submission(&everybody())
        };
        assert_eq!(
            mails_of(submission).contains(&"on_call on_call".to_owned()),
            on_call
        );
    }
}

#[test]
fn a_test_is_told_to_nobody_by_mail_but_raised() {
    let test = Submission {
        test: true,
        received_at: WEEKEND,
        ..submission(&[Party::Probe])
    };
    let decision = decide(
        SUBMITTED,
        &Trigger::Submitted(test),
        &ReportProjection::default(),
    );
    assert_eq!(mails(&decision), [""; 0]);
    assert_eq!(raised(&decision), [Rule::Submission]);
    let mut closed = update(Change::Closed, 1);
    closed.severity.major = true;
    assert_eq!(mails_of_update(closed, &decision.known), [""; 0]);
}

#[test]
fn a_case_judged_major_is_told_once_and_apart() {
    let known = after(&Trigger::Submitted(submission(&everybody())));
    let mut major = update(Change::Qualified, 1);
    major.severity.major = true;
    let first = decide(CHANGED, &Trigger::CaseChanged(major.clone()), &known);
    assert_eq!(raised(&first), [Rule::CaseChange, Rule::Major]);
    assert_eq!(mails(&first), ["announce_major fssi", "on_call on_call"]);

    major.revision = 2;
    let second = decide(CHANGED, &Trigger::CaseChanged(major), &first.known);
    assert_eq!(raised(&second), [Rule::CaseChange]);
    assert_eq!(mails(&second), [""; 0]);
}

#[test]
fn a_health_impact_confirmed_later_is_told_to_the_health_authority_once() {
    let known = after(&Trigger::Submitted(submission(&everybody())));
    let mut confirmed = update(Change::Qualified, 1);
    confirmed.qualified = true;
    confirmed.impacts = care_interrupted();
    let first = decide(CHANGED, &Trigger::CaseChanged(confirmed.clone()), &known);
    assert_eq!(mails(&first), ["announce_health_authority dgs"]);
    confirmed.revision = 2;
    assert_eq!(mails_of_update(confirmed, &first.known), [""; 0]);
}

#[test]
fn consequences_for_care_are_told_to_the_health_authority_once_before_the_qualification_or_after() {
    let known = after(&Trigger::Submitted(submission(&everybody())));
    let mut proposed = update(Change::Claimed, 1);
    proposed.impacts = care_interrupted();
    assert_eq!(mails_of_update(proposed.clone(), &known), [""; 0]);

    let recorded = CaseUpdate {
        change: Change::CareRecorded,
        care_recorded: true,
        ..proposed
    };
    let first = decide(CHANGED, &Trigger::CaseChanged(recorded.clone()), &known);
    assert_eq!(mails(&first), ["announce_health_authority dgs"]);
    let qualified = CaseUpdate {
        revision: 2,
        change: Change::Qualified,
        qualified: true,
        ..recorded
    };
    assert_eq!(mails_of_update(qualified, &first.known), [""; 0]);
}

#[test]
fn a_health_impact_confirmed_before_the_report_came_is_told_to_the_health_authority_once() {
    let mut confirmed = update(Change::Qualified, 1);
    confirmed.qualified = true;
    confirmed.impacts = care_interrupted();
    let early = decide(
        CHANGED,
        &Trigger::CaseChanged(confirmed),
        &ReportProjection::default(),
    );
    assert_eq!(mails(&early), ["announce_health_authority dgs"]);
    let mut submission = submission(&everybody());
    submission.summary.impacts = care_interrupted();
    let late = decide(SUBMITTED, &Trigger::Submitted(submission), &early.known);
    assert!(!mails(&late).contains(&"announce_health_authority dgs".to_owned()));
    assert!(late.known.notified.contains(&Recipient::HealthAuthority));
}

#[test]
fn changes_of_a_case_are_raised_and_only_a_closing_writes_to_the_declarant() {
    let known = after(&Trigger::Submitted(submission(&everybody())));
    for change in [
        Change::Opened,
        Change::Claimed,
        Change::Qualified,
        Change::OutOfScope,
    ] {
        let decision = decide(CHANGED, &Trigger::CaseChanged(update(change, 1)), &known);
        assert_eq!(raised(&decision), [Rule::CaseChange], "{change:?}");
        assert_eq!(mails(&decision), [""; 0], "{change:?}");
    }
    assert_eq!(
        mails_of_update(update(Change::Closed, 1), &known),
        ["closing declarant"]
    );
    let noted = decide(
        CHANGED,
        &Trigger::CaseChanged(update(Change::Noted, 1)),
        &known,
    );
    assert_eq!(raised(&noted), []);
}

#[test]
fn a_resolution_is_told_once_to_the_cell_and_the_agencies_that_see_the_case() {
    let resolved = update(Change::Resolved, 2);
    let decided =
        |known: &ReportProjection| decide(CHANGED, &Trigger::CaseChanged(resolved.clone()), known);
    let known = after(&Trigger::Submitted(submission(&everybody())));
    let to_both = ["announce_resolution ars:28", "announce_resolution cell"];
    let first = decided(&known);
    assert_eq!(raised(&first), [Rule::CaseChange]);
    assert_eq!(mails(&first), to_both);
    assert_eq!(templates(&first), [Template::Resolution; 2]);
    assert_eq!(mails(&decided(&first.known)), [""; 0]);
    // Also where the case is heard of before its report.
    assert_eq!(mails(&decided(&ReportProjection::default())), to_both);

    let mut own_chain = submission(&everybody());
    own_chain.summary.structure_kind = Some(StructureKind::ArmedForcesHospital);
    let known = after(&Trigger::Submitted(own_chain));
    assert_eq!(mails(&decided(&known)), [""; 0]);
}

#[test]
fn the_declarant_hears_of_a_resolution_that_an_agency_declares_for_him() {
    let resolved = Trigger::CaseChanged(CaseUpdate {
        resolved_on_behalf: true,
        ..update(Change::Resolved, 2)
    });
    let known = after(&Trigger::Submitted(submission(&everybody())));
    let first = decide(CHANGED, &resolved, &known);
    let told = [
        "announce_resolution ars:28",
        "announce_resolution cell",
        "announce_resolution declarant",
    ];
    let mut mailed = mails(&first);
    mailed.sort();
    assert_eq!(mailed, told);
    assert!(templates(&first).contains(&Template::ResolvedOnBehalf));
    assert_eq!(mails(&decide(CHANGED, &resolved, &first.known)), [""; 0]);
    // A later change of the case does not tell it again.
    let closed = Trigger::CaseChanged(CaseUpdate {
        resolved_on_behalf: true,
        ..update(Change::Closed, 3)
    });
    let closing = decide(CHANGED, &closed, &first.known);
    assert_eq!(mails(&closing), ["closing declarant"]);

    // Before its report it waits for the contacts.
    let early = decide(CHANGED, &resolved, &ReportProjection::default());
    assert_eq!(mails(&early).len(), 2);
    let report = Trigger::Submitted(submission(&everybody()));
    let came = decide(SUBMITTED, &report, &early.known);
    assert!(mails(&came).contains(&told[2].to_owned()));
}

#[test]
fn a_withdrawal_is_told_to_those_who_were_told() {
    let mut out_of_hours = submission(&everybody());
    out_of_hours.received_at = WEEKEND;
    let known = after(&Trigger::Submitted(out_of_hours));
    assert_eq!(
        mails(&decide(CHANGED, &withdrawn(), &known)),
        [
            "announce_withdrawal ars:28",
            "announce_withdrawal fssi",
            "announce_withdrawal cell",
            "announce_withdrawal on_call",
        ],
    );
}

#[test]
fn a_case_closed_before_its_report_came_is_told_to_the_declarant_when_it_comes() {
    let closed = decide(
        CHANGED,
        &Trigger::CaseChanged(update(Change::Closed, 4)),
        &ReportProjection::default(),
    );
    assert_eq!(mails(&closed), [""; 0]);
    let report = Trigger::Submitted(submission(&[Party::Cell]));
    let decision = decide(SUBMITTED, &report, &closed.known);
    let closing = decision.notices.last().unwrap();
    assert_eq!((closing.cause, closing.rule), (CHANGED, Rule::Closing));
    assert_eq!(decision.known.awaiting_closing, None);
    assert_eq!(decision.known.case_id, Some(Uuid::from_u128(10)));
}

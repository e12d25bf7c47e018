//! Every row of the matrix, as a table.

use proptest::prelude::*;
use time::{OffsetDateTime, macros::datetime};
use uuid::Uuid;
use vocabulary::{
    CareImpact, Impacts, Party, PatientEndangerment, Region, RoutingRegion, Severity, StructureKind,
};

use super::{super::audience::Audience, *};

/// A Monday at eleven in Paris.
const WORKING: OffsetDateTime = datetime!(2026-11-23 10:00 UTC);
/// A Saturday.
const WEEKEND: OffsetDateTime = datetime!(2026-11-21 10:00 UTC);
const SUBMITTED: Uuid = Uuid::from_u128(1);
const CHANGED: Uuid = Uuid::from_u128(2);

fn normandy() -> Region {
    "28".parse().unwrap()
}

fn audience(parties: &[Party]) -> Audience {
    Audience::new(parties.iter().map(ToString::to_string))
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
        situation: Situation {
            reference: "SIG-2026-7K3M9Q4".to_owned(),
            region: Some(RoutingRegion::Region(normandy())),
            structure_kind: Some(StructureKind::HealthFacility),
            ..Situation::default()
        },
        received_at: WORKING,
        back_dated: false,
        audience: audience(parties),
        test: false,
        sealed_contacts: None,
        data_key: None,
    }
}

fn news(change: Change, revision: u64) -> CaseNews {
    CaseNews {
        report_id: Uuid::from_u128(9),
        case_id: Uuid::from_u128(10),
        revision,
        change,
        severity: Severity::default(),
        qualified: false,
        origin: None,
        origin_types: BTreeSet::new(),
        impacts: Impacts::default(),
        reference: "SIG-2026-7K3M9Q4".to_owned(),
        region: Some(RoutingRegion::Region(normandy())),
        audience: audience(&everybody()),
        test: false,
    }
}

fn after(cause: &Cause) -> KnownReport {
    decide(SUBMITTED, cause, &KnownReport::default()).known
}

/// The messages of a decision, as "rule to recipient".
fn told(decision: &Decision) -> Vec<String> {
    let line =
        |(_, letter): &(Uuid, Letter)| format!("{} {}", letter.rule.name(), letter.recipient);
    decision.letters.iter().map(line).collect()
}

fn told_of(submission: Submission) -> Vec<String> {
    told(&decide(
        SUBMITTED,
        &Cause::Submitted(submission),
        &KnownReport::default(),
    ))
}

fn told_of_news(news: CaseNews, known: &KnownReport) -> Vec<String> {
    told(&decide(CHANGED, &Cause::CaseChanged(news), known))
}

#[test]
fn every_submission_goes_to_declarant_cell_fssi_and_the_agency_of_the_region() {
    assert_eq!(
        told_of(submission(&everybody())),
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
    submission.situation.region = Some(RoutingRegion::National);
    assert_eq!(
        told_of(submission),
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
        submission.situation.impacts = impacts;
        assert!(told_of(submission).contains(&"announce_health_authority dgs".to_owned()));
    }
}

#[test]
fn nobody_is_told_whom_the_routing_does_not_let_see_it() {
    let mut submission = submission(&[Party::Cell]);
    submission.situation.impacts = care_interrupted();
    assert_eq!(
        told_of(submission),
        ["receipt declarant", "announce_cell cell"]
    );
}

#[test]
fn a_national_body_is_announced_to_fssi_and_cell_only() {
    let mut submission = submission(&[Party::Cell, Party::SecurityOfficer]);
    submission.situation.region = Some(RoutingRegion::National);
    assert_eq!(
        told_of(submission),
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
    own_chain.situation.structure_kind = Some(StructureKind::ArmedForcesHospital);
    own_chain.received_at = WEEKEND;
    let mut care_touched = own_chain.clone();
    care_touched.situation.impacts = care_interrupted();
    assert_eq!(told_of(own_chain), ["receipt declarant"]);
    assert!(told_of(care_touched).contains(&"announce_agency ars:28".to_owned()));
}

#[test]
fn a_submission_out_of_hours_goes_to_the_on_call_chain_and_one_in_hours_does_not() {
    for (received_at, on_call) in [(WORKING, false), (WEEKEND, true)] {
        let submission = Submission {
            received_at,
            ..submission(&everybody())
        };
        assert_eq!(
            told_of(submission).contains(&"on_call on_call".to_owned()),
            on_call
        );
    }
}

#[test]
fn a_past_report_that_is_imported_never_wakes_the_on_call_chain() {
    let past = Submission {
        received_at: WEEKEND,
        back_dated: true,
        ..submission(&everybody())
    };
    assert!(!told_of(past.clone()).contains(&"on_call on_call".to_owned()));
    let mut major = news(Change::Qualified, 1);
    major.severity.major = true;
    assert_eq!(
        told_of_news(major, &after(&Cause::Submitted(past))),
        ["announce_major fssi"]
    );
}

#[test]
fn a_test_is_told_to_nobody_by_mail_but_raised() {
    let test = Submission {
        test: true,
        received_at: WEEKEND,
        ..submission(&[Party::Probe])
    };
    let decision = decide(SUBMITTED, &Cause::Submitted(test), &KnownReport::default());
    assert_eq!(told(&decision), [""; 0]);
    assert_eq!(decision.raised, [Rule::Submission]);
    let mut closed = news(Change::Closed, 1);
    closed.severity.major = true;
    assert_eq!(told_of_news(closed, &decision.known), [""; 0]);
}

#[test]
fn a_case_judged_major_is_told_once_and_apart() {
    let known = after(&Cause::Submitted(submission(&everybody())));
    let mut major = news(Change::Qualified, 1);
    major.severity.major = true;
    let first = decide(CHANGED, &Cause::CaseChanged(major.clone()), &known);
    assert_eq!(first.raised, [Rule::CaseChange, Rule::Major]);
    assert_eq!(told(&first), ["announce_major fssi", "on_call on_call"]);

    major.revision = 2;
    let second = decide(CHANGED, &Cause::CaseChanged(major), &first.known);
    assert_eq!(second.raised, [Rule::CaseChange]);
    assert_eq!(told(&second), [""; 0]);
}

#[test]
fn a_health_impact_confirmed_later_is_told_to_the_health_authority_once() {
    let known = after(&Cause::Submitted(submission(&everybody())));
    let mut confirmed = news(Change::Qualified, 1);
    confirmed.qualified = true;
    confirmed.impacts = care_interrupted();
    let first = decide(CHANGED, &Cause::CaseChanged(confirmed.clone()), &known);
    assert_eq!(told(&first), ["announce_health_authority dgs"]);
    confirmed.revision = 2;
    assert_eq!(told_of_news(confirmed, &first.known), [""; 0]);
}

#[test]
fn a_health_impact_confirmed_before_the_report_came_is_told_to_the_health_authority_once() {
    let mut confirmed = news(Change::Qualified, 1);
    confirmed.qualified = true;
    confirmed.impacts = care_interrupted();
    let early = decide(
        CHANGED,
        &Cause::CaseChanged(confirmed),
        &KnownReport::default(),
    );
    assert_eq!(told(&early), ["announce_health_authority dgs"]);
    let mut submission = submission(&everybody());
    submission.situation.impacts = care_interrupted();
    let late = decide(SUBMITTED, &Cause::Submitted(submission), &early.known);
    assert!(!told(&late).contains(&"announce_health_authority dgs".to_owned()));
    assert!(late.known.told.contains(&Recipient::HealthAuthority));
}

#[test]
fn changes_of_a_case_are_raised_and_only_a_closing_writes_to_the_declarant() {
    let known = after(&Cause::Submitted(submission(&everybody())));
    for change in [
        Change::Opened,
        Change::Claimed,
        Change::Qualified,
        Change::OutOfScope,
    ] {
        let decision = decide(CHANGED, &Cause::CaseChanged(news(change, 1)), &known);
        assert_eq!(decision.raised, [Rule::CaseChange], "{change:?}");
        assert_eq!(told(&decision), [""; 0], "{change:?}");
    }
    assert_eq!(
        told_of_news(news(Change::Closed, 1), &known),
        ["closing declarant"]
    );
    let noted = decide(CHANGED, &Cause::CaseChanged(news(Change::Noted, 1)), &known);
    assert!(noted.raised.is_empty());
}

#[test]
fn a_withdrawal_is_told_to_those_who_were_told() {
    let mut out_of_hours = submission(&everybody());
    out_of_hours.received_at = WEEKEND;
    let known = after(&Cause::Submitted(out_of_hours));
    let withdrawal = Withdrawal {
        report_id: Uuid::from_u128(9),
        reference: "SIG-2026-7K3M9Q4".to_owned(),
        region: None,
        audience: audience(&everybody()),
        test: false,
    };
    assert_eq!(
        told(&decide(CHANGED, &Cause::Withdrawn(withdrawal), &known)),
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
        &Cause::CaseChanged(news(Change::Closed, 4)),
        &KnownReport::default(),
    );
    assert_eq!(told(&closed), [""; 0]);
    let report = Cause::Submitted(submission(&[Party::Cell]));
    let decision = decide(SUBMITTED, &report, &closed.known);
    let (event, letter) = decision.letters.last().unwrap();
    assert_eq!((*event, letter.rule), (CHANGED, Rule::Closing));
    assert_eq!(decision.known.awaiting_closing, None);
    assert_eq!(decision.known.case_id, Some(Uuid::from_u128(10)));
}

proptest! {
    #[test]
    fn no_institution_is_told_that_may_not_see_it(
        seen_by in proptest::sample::subsequence(everybody(), 0..=4),
        army in any::<bool>(),
        care in any::<bool>(),
        weekend in any::<bool>(),
    ) {
        let mut report = submission(&seen_by);
        report.received_at = if weekend { WEEKEND } else { WORKING };
        if army {
            report.situation.structure_kind = Some(StructureKind::ArmedForcesHospital);
        }
        if care {
            report.situation.impacts = care_interrupted();
        }
        let mut major = news(Change::Qualified, 1);
        major.severity.major = true;
        major.audience = audience(&seen_by);
        let first = decide(SUBMITTED, &Cause::Submitted(report), &KnownReport::default());
        let second = decide(CHANGED, &Cause::CaseChanged(major), &first.known);
        for (_, letter) in first.letters.iter().chain(&second.letters) {
            let allowed = match letter.recipient {
                Recipient::Declarant => true,
                Recipient::Agency(region) => seen_by.contains(&Party::Region(region)),
                Recipient::SecurityOfficer => seen_by.contains(&Party::SecurityOfficer),
                Recipient::Cell => seen_by.contains(&Party::Cell),
                Recipient::HealthAuthority => seen_by.contains(&Party::HealthAuthority),
                Recipient::Later(_) => false,
                // Those on call stand in for the institutions that see it.
                Recipient::OnCall => {
                    seen_by.contains(&Party::Cell) || seen_by.contains(&Party::SecurityOfficer)
                }
            };
            prop_assert!(allowed, "{} to {}", letter.rule.name(), letter.recipient);
        }
    }

    #[test]
    fn deciding_again_changes_nothing_that_is_known(
        closed_first in any::<bool>(),
        weekend in any::<bool>(),
        major in any::<bool>(),
        revision in 1_u64..5,
    ) {
        let mut report = submission(&everybody());
        report.received_at = if weekend { WEEKEND } else { WORKING };
        let mut change = news(Change::Closed, revision);
        change.severity.major = major;
        let mut causes =
            vec![(SUBMITTED, Cause::Submitted(report)), (CHANGED, Cause::CaseChanged(change))];
        if closed_first {
            causes.reverse();
        }
        let mut known = KnownReport::default();
        for (id, cause) in &causes {
            known = decide(*id, cause, &known).known;
            let again = decide(*id, cause, &known).known;
            prop_assert_eq!(&again.told, &known.told);
            prop_assert_eq!(again.case_revision, known.case_revision);
            prop_assert_eq!(again.major, known.major);
        }
    }
}

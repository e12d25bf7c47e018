//! What each message says, and what it must not.

use time::macros::datetime;
use vocabulary::{
    CareImpact, DataImpact, DataNature, Impacts, Origin, OriginType, StructureKind, Tlp,
};

use super::*;

fn branding() -> Branding {
    Branding {
        emergency_phone: "09 72 43 91 25".to_owned(),
        agency_domain: "ars.example.org".to_owned(),
    }
}

fn summary() -> ReportSummary {
    ReportSummary {
        reference: "SIG-2026-7K3M9Q4".to_owned(),
        structure_name: Some("Centre hospitalier de Lisieux".to_owned()),
        structure_kind: Some(StructureKind::HealthFacility),
        region: Some(RoutingRegion::Region("28".parse().unwrap())),
        received_at: Some(datetime!(2026-11-23 10:05 UTC)),
        declared_at: Some(datetime!(2026-11-23 10:05 UTC)),
        found_at: Some(datetime!(2026-11-23 08:00 UTC)),
        origin: Some(Origin::Malicious),
        origin_types: [OriginType::Ransomware].into(),
        impacts: Impacts {
            data: [DataImpact::Unavailability].into(),
            data_natures: [DataNature::Health].into(),
            care: Some(CareImpact::Interruption),
            care_duration_hours: Some(30),
            ..Impacts::default()
        },
        tlp: Some(Tlp::Amber),
        ..ReportSummary::default()
    }
}

fn written(template: Template, summary: ReportSummary) -> Mail {
    let content = Content { template, summary };
    write(&content, &branding(), datetime!(2026-11-23 10:06 UTC))
}

#[test]
fn a_receipt_says_what_the_declarant_needs_now() {
    let mail = written(Template::Receipt, summary());
    assert_eq!(mail.subject, "Signalement SIG-2026-7K3M9Q4 enregistré");
    for said in [
        "SIG-2026-7K3M9Q4",
        "23/11/2026 à 11 h 05",
        "ARS Normandie (ssi-normandie@ars.example.org)",
        "09 72 43 91 25",
        "CNIL",
        "avant le 26/11/2026 à 09 h 00",
        "Porter plainte",
    ] {
        assert!(
            mail.body.contains(said),
            "{said} is missing in:\n{}",
            mail.body
        );
    }
}

#[test]
fn a_receipt_of_the_armed_forces_names_no_agency() {
    let mut own_chain = summary();
    own_chain.structure_kind = Some(StructureKind::ArmedForcesHospital);
    own_chain.impacts = Impacts::default();
    assert!(!written(Template::Receipt, own_chain).body.contains("ARS"));
}

#[test]
fn an_announcement_says_who_where_what_and_how_far_it_may_go() {
    let mail = written(Template::Submission, summary());
    for said in [
        "Centre hospitalier de Lisieux (Établissement de santé, Normandie)",
        "origine malveillante (rançongiciel)",
        "Interruption de la prise en charge, 30 h",
        "TLP:AMBER",
    ] {
        assert!(
            mail.body.contains(said),
            "{said} is missing in:\n{}",
            mail.body
        );
    }
    assert!(
        !mail.body.contains("09 72"),
        "the on-call number is for what cannot wait"
    );
}

#[test]
fn what_cannot_wait_says_so_in_its_subject() {
    assert!(
        written(Template::Major, summary())
            .subject
            .starts_with("[SSI][MAJEUR]")
    );
    let out_of_hours = written(Template::SubmissionOutOfHours, summary());
    assert!(out_of_hours.subject.starts_with("[SSI][ASTREINTE]"));
    assert!(out_of_hours.body.contains("09 72 43 91 25"));
}

#[test]
fn what_was_not_said_is_treated_as_amber_strict() {
    let unsaid = ReportSummary {
        tlp: None,
        ..summary()
    };
    assert!(
        written(Template::Submission, unsaid)
            .body
            .contains("TLP:AMBER+STRICT")
    );
}

//! What each message says, and what it must not.

use time::macros::datetime;
use vocabulary::{
    CareImpact, DataImpact, DataNature, Impacts, Origin, OriginType, StructureKind, Tlp,
};

use super::*;

fn letterhead() -> Letterhead {
    Letterhead {
        emergency_phone: "09 72 43 91 25".to_owned(),
        agency_domain: "ars.example.org".to_owned(),
    }
}

fn situation() -> Situation {
    Situation {
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
        ..Situation::default()
    }
}

fn written(occasion: Occasion, situation: Situation) -> Mail {
    let content = Content {
        occasion,
        situation,
    };
    write(&content, &letterhead(), datetime!(2026-11-23 10:06 UTC))
}

#[test]
fn a_receipt_says_what_the_declarant_needs_now() {
    let mail = written(Occasion::Receipt, situation());
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
fn a_name_cannot_change_the_subject_or_the_lines_around_it() {
    for (name, shown) in [
        ("Cabinet du Lac\u{202e}", "Cabinet du Lac\u{fffd}"),
        (
            "Cabinet\n\nURGENT : ouvrez https://…",
            "Cabinet URGENT : ouvrez https://…",
        ),
        ("Cabinet\r\u{2028}du\u{200b} Lac", "Cabinet du Lac"),
    ] {
        let named = Situation {
            structure_name: Some(name.to_owned()),
            ..situation()
        };
        let mail = written(Occasion::Submission, named);
        let line = format!("{shown} (Établissement de santé, Normandie)");
        let subject = format!("[SSI] Signalement SIG-2026-7K3M9Q4 : {line}");
        assert_eq!(mail.subject, subject);
        assert!(
            mail.body.contains(&format!("\nStructure : {line}\n")),
            "{}",
            mail.body
        );
    }
    let long = Situation {
        structure_name: Some("病".repeat(400)),
        ..situation()
    };
    let subject = written(Occasion::Major, long).subject;
    assert!(subject.starts_with("[SSI][MAJEUR] Signalement SIG-2026-7K3M9Q4 : 病"));
    assert!(
        subject.chars().count() < 200 && subject.ends_with('…'),
        "{subject}"
    );
}

#[test]
fn a_receipt_of_the_armed_forces_names_no_agency() {
    let mut own_chain = situation();
    own_chain.structure_kind = Some(StructureKind::ArmedForcesHospital);
    own_chain.impacts = Impacts::default();
    assert!(!written(Occasion::Receipt, own_chain).body.contains("ARS"));
}

#[test]
fn an_announcement_says_who_where_what_and_how_far_it_may_go() {
    let mail = written(Occasion::Submission, situation());
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
        written(Occasion::Major, situation())
            .subject
            .starts_with("[SSI][MAJEUR]")
    );
    let out_of_hours = written(Occasion::SubmissionOutOfHours, situation());
    assert!(out_of_hours.subject.starts_with("[SSI][ASTREINTE]"));
    assert!(out_of_hours.body.contains("09 72 43 91 25"));
}

#[test]
fn what_was_not_said_is_treated_as_amber_strict() {
    let unsaid = Situation {
        tlp: None,
        ..situation()
    };
    assert!(
        written(Occasion::Submission, unsaid)
            .body
            .contains("TLP:AMBER+STRICT")
    );
}

//! What each message says, and what it must not.

use proptest::prelude::*;
use time::macros::datetime;
use uuid::Uuid;
use vocabulary::{
    CareImpact, DataImpact, DataNature, Impacts, Origin, OriginType, PatientEndangerment,
    ReportKind, RoutingRegion, Severity, StructureKind, Tlp,
};

use super::*;
use crate::notices::{
    Template,
    trigger::{Amendment, Submission},
};

mod escalation;
mod messages;

fn branding() -> Branding {
    Branding {
        language: Language::Fr,
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

const NOW: OffsetDateTime = datetime!(2026-11-23 10:06 UTC);

fn of_report(template: Template, summary: ReportSummary) -> Content {
    Content::Report(template, Box::new(summary))
}

fn rendered(template: Template, summary: ReportSummary) -> Mail {
    let content = of_report(template, summary);
    mail(&content, &branding(), NOW).unwrap()
}

#[test]
fn a_receipt_says_what_the_declarant_needs_now() {
    let mail = rendered(Template::Receipt, summary());
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
fn the_receipt_of_what_has_not_happened_asks_for_no_resolution() {
    let of = |kind| {
        let summary = ReportSummary {
            report_kind: Some(kind),
            ..summary()
        };
        rendered(Template::Receipt, summary).body
    };
    let (resolved, happens) = ("la résolution de l'incident", "Si un incident se produit");
    for kind in [ReportKind::NearMiss, ReportKind::Threat] {
        assert!(of(kind).contains(happens) && !of(kind).contains(resolved));
    }
    let incident = of(ReportKind::Incident);
    assert!(incident.contains(resolved) && !incident.contains(happens));
}

#[test]
fn a_receipt_of_the_armed_forces_names_no_agency() {
    let mut own_chain = summary();
    own_chain.structure_kind = Some(StructureKind::ArmedForcesHospital);
    own_chain.impacts = Impacts::default();
    assert!(!rendered(Template::Receipt, own_chain).body.contains("ARS"));
}

#[test]
fn an_announcement_says_who_where_what_and_how_far_it_may_go() {
    let mail = rendered(Template::Submission, summary());
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
        rendered(Template::Major, summary())
            .subject
            .starts_with("[SSI][MAJEUR]")
    );
    let out_of_hours = rendered(Template::SubmissionOutOfHours, summary());
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
        rendered(Template::Submission, unsaid)
            .body
            .contains("TLP:AMBER+STRICT")
    );
}

#[test]
fn a_mail_reads_as_its_template_was_written() {
    let mail = rendered(Template::SubmissionOutOfHours, summary());
    assert_eq!(
        mail.body,
        "Un signalement a été reçu en dehors des heures ouvrées.

Référence : SIG-2026-7K3M9Q4
Structure : Centre hospitalier de Lisieux (Établissement de santé, Normandie)
Déclaré le : 23/11/2026 à 11 h 05 (heure de Paris)
Origine : origine malveillante (rançongiciel)
Données : Perte ou indisponibilité
Nature des données : Données de santé
Prise en charge : Interruption de la prise en charge, 30 h
Gravité : aucune proposée
Astreinte : 09 72 43 91 25

Le détail est à consulter dans l'application, selon vos droits.

-- \nTLP:AMBER
Message automatique : merci de ne pas y répondre.
"
    );
}

#[test]
fn a_deadline_that_has_passed_asks_to_notify_without_waiting() {
    let past = ReportSummary {
        found_at: Some(datetime!(2017-08-03 10:00 UTC)),
        ..summary()
    };
    let mail = rendered(Template::Receipt, past);
    assert!(
        mail.body.contains(
            "délai dépassé : notifier sans attendre, en motivant le retard (RGPD, art. 33)"
        ),
        "{}",
        mail.body
    );
    assert!(!mail.body.contains("2017"), "{}", mail.body);
}

#[test]
fn a_moment_is_told_in_the_time_of_paris_and_the_doubled_hour_says_which_it_is() {
    for (received_at, said) in [
        (
            datetime!(2026-07-01 22:30 UTC),
            "Reçu le 02/07/2026 à 00 h 30 (heure de Paris).",
        ),
        (
            datetime!(2026-10-25 00:30 UTC),
            "Reçu le 25/10/2026 à 02 h 30 (heure de Paris, heure d'été).",
        ),
        (
            datetime!(2026-10-25 01:30 UTC),
            "Reçu le 25/10/2026 à 02 h 30 (heure de Paris, heure d'hiver).",
        ),
        (
            datetime!(2026-10-25 02:00 UTC),
            "Reçu le 25/10/2026 à 03 h 00 (heure de Paris).",
        ),
    ] {
        let summary = ReportSummary {
            received_at: Some(received_at),
            ..summary()
        };
        let body = rendered(Template::Receipt, summary).body;
        assert!(body.contains(said), "{said} is missing in:\n{body}");
    }
}

#[test]
fn a_mail_is_written_in_the_language_of_the_installation() {
    let english = Branding {
        language: Language::En,
        ..branding()
    };
    let content = of_report(Template::Receipt, summary());
    let mail = mail(&content, &english, NOW).unwrap();
    assert_eq!(mail.subject, "Report SIG-2026-7K3M9Q4 registered");
    for said in [
        "Received on 23/11/2026 at 11:05 (Paris time).",
        "Notify the personal data breach to the CNIL, unless it is no risk to persons, \
         before 26/11/2026 at 09:00 (Paris time)",
        "call 09 72 43 91 25",
    ] {
        assert!(
            mail.body.contains(said),
            "{said} is missing in:\n{}",
            mail.body
        );
    }
}

#[test]
fn a_template_sees_no_field_that_is_not_listed_for_it() {
    let content = of_report(Template::Closing, summary());
    let fields = fields::of_mail(&content, &branding(), NOW);
    let listed: Vec<String> = fields
        .try_iter()
        .unwrap()
        .map(|name| name.to_string())
        .collect();
    assert_eq!(listed, ["reference", "emergency_phone"]);
    let unlisted = TEMPLATES.render_str("{{ place }}", fields);
    assert!(unlisted.is_err());
}

#[test]
fn a_headline_says_who_where_what_and_how_bad() {
    let summary = ReportSummary {
        impacts: Impacts {
            care: Some(CareImpact::Interruption),
            patient_endangerment: Some(PatientEndangerment::Proven),
            ..Impacts::default()
        },
        severity: Severity {
            serious: true,
            ..Severity::default()
        },
        ..summary()
    };
    let trigger = submitted(summary.clone());
    assert_eq!(
        headline(Rule::Submission, &trigger, &summary, false).unwrap(),
        "Nouveau signalement SIG-2026-7K3M9Q4 : Centre hospitalier de Lisieux (Établissement de \
         santé, Normandie) — mise en danger avérée de patients ; prise en charge interrompue ; \
         origine malveillante (rançongiciel) ; grave",
    );
    assert_eq!(
        headline(Rule::Submission, &trigger, &ReportSummary::default(), false).unwrap(),
        "Nouveau signalement : structure non précisée",
    );
}

#[test]
fn a_headline_of_an_amendment_says_what_is_known_now() {
    let Trigger::Submitted(report) = submitted(summary()) else {
        unreachable!("it is one")
    };
    let trigger = Trigger::Amended(Amendment {
        report,
        revision: 2,
        on_behalf: false,
        at: NOW,
        attachment: None,
    });
    assert_eq!(
        headline(Rule::Amendment, &trigger, &summary(), false).unwrap(),
        "Signalement SIG-2026-7K3M9Q4 complété : Centre hospitalier de Lisieux (Établissement de \
         santé, Normandie) — prise en charge interrompue ; origine malveillante (rançongiciel)",
    );
}

fn submitted(summary: ReportSummary) -> Trigger {
    Trigger::Submitted(Submission {
        report_id: Uuid::nil(),
        revision: None,
        summary,
        received_at: NOW,
        back_dated: false,
        audience: service::Parties::default(),
        test: false,
        sealed_contacts: None,
        data_key: None,
    })
}

proptest! {
    #[test]
    fn every_template_renders_whatever_is_known_of_a_report(
        name in proptest::option::of("\\PC{0,20}"),
        kind in proptest::option::of(proptest::sample::select(StructureKind::ALL)),
        region in proptest::option::of(proptest::sample::select(vec![
            RoutingRegion::Region("28".parse().unwrap()),
            RoutingRegion::National,
            RoutingRegion::Synthetic,
        ])),
        found in proptest::option::of(0_i64..4_000_000_000),
        origin in proptest::option::of(proptest::sample::select(Origin::ALL)),
        types in proptest::collection::btree_set(proptest::sample::select(OriginType::ALL), 0..4),
        data in proptest::collection::btree_set(proptest::sample::select(DataImpact::ALL), 0..3),
        care in proptest::option::of(proptest::sample::select(CareImpact::ALL)),
        numbers in proptest::option::of(0_u32..5),
        language in proptest::sample::select(vec![Language::Fr, Language::En]),
    ) {
        let found_at = found.map(|second| OffsetDateTime::from_unix_timestamp(second).unwrap());
        let summary = ReportSummary {
            reference: "SIG-2026-7K3M9Q4".to_owned(),
            structure_name: name,
            structure_kind: kind,
            region,
            found_at,
            declared_at: found_at,
            origin,
            origin_types: types,
            impacts: Impacts {
                data,
                care,
                care_duration_hours: numbers,
                persons_affected: numbers,
                ..Impacts::default()
            },
            ..ReportSummary::default()
        };
        let branding = Branding { language, ..branding() };
        for template in Template::all() {
            let content = of_report(template, summary.clone());
            let mail = mail(&content, &branding, NOW).unwrap();
            let text = mail.subject.clone() + &mail.body;
            prop_assert!(text.contains("SIG-2026-7K3M9Q4"));
            prop_assert!(!mail.subject.contains('\n'));
            prop_assert!(!mail.body.starts_with('\n'));
            prop_assert!(!mail.body.contains("\n\n\n"), "{}", mail.body);
        }
        headline(Rule::Submission, &submitted(summary.clone()), &summary, false).unwrap();
    }
}

#[test]
fn a_digest_says_how_many_there_are_and_lists_no_more_than_can_be_read() {
    let digest = |count: usize| {
        let references = (0..count).map(|number| format!("SIG-{number:04}"));
        let content = Content::Digest(references.collect());
        mail(&content, &branding(), NOW).unwrap()
    };
    let one = digest(1);
    assert_eq!(one.subject, "[SSI] 1 signalement saisi a posteriori");
    assert!(one.body.contains("- SIG-0000\n\n"), "{}", one.body);
    let many = digest(502);
    assert_eq!(many.subject, "[SSI] 502 signalements saisis a posteriori");
    assert!(
        many.body.contains("- SIG-0499\n- et 2 autres\n"),
        "{}",
        many.body
    );
}

#[test]
fn a_headline_marks_what_was_entered_afterwards() {
    let trigger = submitted(summary());
    let headline = headline(Rule::Submission, &trigger, &summary(), true).unwrap();
    assert!(
        headline.starts_with("[SAISI A POSTERIORI] Nouveau signalement SIG-2026-7K3M9Q4"),
        "{headline}"
    );
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
        let named = ReportSummary {
            structure_name: Some(name.to_owned()),
            ..summary()
        };
        let mail = rendered(Template::Submission, named);
        let line = format!("{shown} (Établissement de santé, Normandie)");
        let subject = format!("[SSI] Signalement SIG-2026-7K3M9Q4 : {line}");
        assert_eq!(mail.subject, subject);
        let told = format!("\nStructure : {line}\n");
        assert!(mail.body.contains(&told), "{}", mail.body);
    }
    let long = ReportSummary {
        structure_name: Some("病".repeat(400)),
        ..summary()
    };
    let subject = rendered(Template::Major, long).subject;
    assert!(subject.starts_with("[SSI][MAJEUR] Signalement SIG-2026-7K3M9Q4 : 病"));
    assert!(
        subject.chars().count() < 200 && subject.ends_with('…'),
        "{subject}"
    );
}

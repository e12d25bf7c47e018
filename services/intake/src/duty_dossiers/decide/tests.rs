//! Dossiers as authorities read them.

use time::Duration;
use vocabulary::{
    CareImpact, DataImpact, DataNature, Impacts, OperatorStatus, Origin, OriginType,
    PatientEndangerment, Reach,
};

use super::*;
use crate::reports::{
    Withdrawal,
    samples::{NOW, facts, report},
};

const SOURCES: [Source; 20] = [
    Source::Declarant,
    Source::AlternateContact,
    Source::StartedAt,
    Source::Description,
    Source::Perimeter,
    Source::Systems,
    Source::MeasuresTaken,
    Source::Vendor,
    Source::Product,
    Source::Origin,
    Source::OriginTypes,
    Source::DataImpacts,
    Source::DataNatures,
    Source::PersonsAffected,
    Source::Care,
    Source::CareDuration,
    Source::PatientEndangerment,
    Source::Reach,
    Source::MayAffectOthers,
    Source::CrossBorder,
];

/// Facts that leave nothing unsaid.
fn all_said() -> Facts {
    let text = |text: &str| Some(text.to_owned().try_into().unwrap());
    Facts {
        started_at: Some(NOW - Duration::hours(5)),
        description: "Fichiers chiffrés.\nPrescriptions fausses."
            .try_into()
            .unwrap(),
        perimeter: text("Urgences"),
        systems: text("Dossier patient"),
        measures_taken: text("Réseau isolé"),
        vendor: Some("Éditeur Exemple".try_into().unwrap()),
        product: Some("Logiciel Exemple 3.2".try_into().unwrap()),
        origin: Some(Origin::Malicious),
        origin_types: [OriginType::Ransomware, OriginType::PrescriptionSoftware].into(),
        cross_border: Some(false),
        impacts: Impacts {
            data: [DataImpact::Unavailability, DataImpact::Disclosure].into(),
            data_natures: [DataNature::Health, DataNature::Personal].into(),
            persons_affected: Some(1_200),
            care: Some(CareImpact::DegradedMode),
            care_duration_hours: Some(5),
            patient_endangerment: Some(PatientEndangerment::Potential),
            reach: Some(Reach::Department),
            may_affect_others: true,
        },
        ..facts()
    }
}

fn people() -> Contacts {
    let director = Contact {
        family_name: "Martin".try_into().unwrap(),
        given_name: Some("Anne".try_into().unwrap()),
        position: Some("Directrice".try_into().unwrap()),
        email: "direction@ch-exemple.fr".parse().ok(),
        phone: "04 74 00 00 00".parse().ok(),
    };
    let alternate = Contact {
        family_name: "Roux".try_into().unwrap(),
        given_name: None,
        position: None,
        email: None,
        phone: "06 00 00 00 00".parse().ok(),
    };
    Contacts {
        declarant: director,
        alternate: Some(alternate),
    }
}

/// A report that says everything, of an operator to whom the duty is one.
fn complete(duty: ParallelDuty) -> Report {
    let mut report = Report {
        facts: all_said(),
        ..report()
    };
    report.structure.operator_status = Some(match duty {
        ParallelDuty::AnssiEssentialServices => OperatorStatus::EssentialServices,
        _ => OperatorStatus::Vital,
    });
    report
}

fn cnil(facts: Facts, now: OffsetDateTime) -> Dossier {
    let report = Report { facts, ..report() };
    dossier(
        &report,
        Some(&people()),
        ParallelDuty::Cnil,
        Language::French,
        now,
    )
    .unwrap()
}

fn disclosed() -> Facts {
    let impacts = Impacts {
        data: [DataImpact::Disclosure].into(),
        ..Impacts::default()
    };
    Facts { impacts, ..facts() }
}

/// The names of what is left to the structure.
fn to_be_completed(dossier: &Dossier) -> Vec<&'static str> {
    let missing = dossier.fields.iter().filter(|field| field.value.is_none());
    missing.map(|field| field.name).collect()
}

#[test]
fn each_dossier_is_complete_in_both_languages() {
    for (language, expected) in [
        (Language::French, include_str!("fr.txt")),
        (Language::English, include_str!("en.txt")),
    ] {
        let texts = ParallelDuty::ALL.iter().map(|&duty| {
            let report = complete(duty);
            let dossier = dossier(&report, Some(&people()), duty, language, NOW).unwrap();
            let text = dossier.text(&report);
            format!("=== {duty}\n{text}")
        });
        let texts = texts.collect::<Vec<_>>().join("\n");
        let expected = expected.replace("<reference>", report().reference.as_str());
        assert_eq!(texts, expected, "{texts}");
    }
}

#[test]
fn every_value_comes_from_the_fields_of_the_report_that_it_names_and_from_no_other() {
    for &duty in ParallelDuty::ALL {
        for asked in texts::asked(duty) {
            let with = |facts: &Facts, contacts: Option<&Contacts>| {
                value(asked.sources, facts, contacts, Language::French)
            };
            let said = with(&all_said(), Some(&people()));
            assert_eq!(said.is_some(), !asked.sources.is_empty(), "{}", asked.name);
            for source in SOURCES {
                let (mut facts, mut contacts) = (all_said(), Some(people()));
                unsay(source, &mut facts, &mut contacts);
                let depends = with(&facts, contacts.as_ref()) != said;
                let named = asked.sources.contains(&source);
                assert_eq!(depends, named, "{duty} {} {source:?}", asked.name);
            }
        }
    }
}

/// Takes what one field says out of a report; the description says something else instead.
fn unsay(source: Source, facts: &mut Facts, contacts: &mut Option<Contacts>) {
    let impacts = &mut facts.impacts;
    match source {
        Source::Declarant => {
            let other = contacts.as_ref().and_then(|it| it.alternate.clone());
            if let (Some(contacts), Some(other)) = (contacts, other) {
                contacts.declarant = other;
            }
        }
        Source::AlternateContact => {
            if let Some(contacts) = contacts {
                contacts.alternate = None;
            }
        }
        Source::StartedAt => facts.started_at = None,
        Source::Description => facts.description = "Autre.".try_into().unwrap(),
        Source::Perimeter => facts.perimeter = None,
        Source::Systems => facts.systems = None,
        Source::MeasuresTaken => facts.measures_taken = None,
        Source::Vendor => facts.vendor = None,
        Source::Product => facts.product = None,
        Source::Origin => facts.origin = None,
        Source::OriginTypes => facts.origin_types.clear(),
        Source::DataImpacts => impacts.data.clear(),
        Source::DataNatures => impacts.data_natures.clear(),
        Source::PersonsAffected => impacts.persons_affected = None,
        Source::Care => impacts.care = None,
        Source::CareDuration => impacts.care_duration_hours = None,
        Source::PatientEndangerment => impacts.patient_endangerment = None,
        Source::Reach => impacts.reach = None,
        Source::MayAffectOthers => impacts.may_affect_others = false,
        Source::CrossBorder => facts.cross_border = None,
    }
}

#[test]
fn what_the_report_does_not_say_is_left_to_be_completed() {
    let bare = cnil(disclosed(), NOW);
    let unsaid = [
        "persons_categories",
        "persons_count",
        "records_categories",
        "records_count",
        "consequences",
        "measures",
    ];
    assert_eq!(to_be_completed(&bare), unsaid);
    let text = bare.text(&report());
    assert_eq!(text.matches("[À compléter]").count(), unsaid.len());
    // Nor is what the caller may not see, or what is erased.
    let report = Report {
        facts: all_said(),
        ..report()
    };
    let of_nobody = dossier(&report, None, ParallelDuty::Cnil, Language::French, NOW).unwrap();
    let unseen = ["persons_categories", "records_count", "contact"];
    assert_eq!(to_be_completed(&of_nobody), unseen);
    assert!(!of_nobody.text(&report).contains("Martin"));
}

#[test]
fn the_reasons_for_the_delay_are_asked_for_once_the_term_is_past() {
    let facts = disclosed();
    let due = facts.found_at + Duration::hours(72);
    let in_time = cnil(facts.clone(), due);
    assert_eq!((in_time.due_at, in_time.overdue), (Some(due), false));
    assert!(in_time.fields.iter().all(|it| it.name != "delay_reasons"));
    let late = cnil(facts, due + Duration::SECOND);
    assert_eq!((late.due_at, late.overdue), (Some(due), true));
    let last = late.fields.last().unwrap();
    assert_eq!((last.name, last.value.as_deref()), ("delay_reasons", None));
    let text = late.text(&report());
    assert!(
        text.contains("Échéance : 26/11/2026 08:00 (UTC+01:00), dépassée\n"),
        "{text}"
    );
}

#[test]
fn what_is_done_already_has_its_dossier_for_the_complement() {
    let notified = Facts {
        cnil_notified: Some(true),
        ..disclosed()
    };
    let dossier = cnil(notified, NOW);
    assert!(dossier.done);
    assert!(dossier.text(&report()).contains("sert au complément"));
    assert!(!cnil(disclosed(), NOW).done);
}

#[test]
fn a_report_has_the_dossiers_of_the_duties_that_it_sets_off_and_no_others() {
    let made = |report: &Report| -> Vec<Result<ParallelDuty, Refusal>> {
        let all = ParallelDuty::ALL.iter();
        all.map(|&duty| {
            let made = dossier(report, None, duty, Language::English, NOW);
            made.map(|dossier| dossier.duty)
        })
        .collect()
    };
    // The structure of the sample is an operator of vital importance.
    let off = Err(Refusal::NotSetOff);
    let vital = Ok(ParallelDuty::AnssiVital);
    assert_eq!(made(&report()), [off, off, vital, off, off]);
    // What the directory says of it is for those whose link is verified.
    let mut unverified = report();
    unverified.structure.link = vocabulary::DeclarantLink::Unverified;
    assert_eq!(made(&unverified), [off; 5]);
    let test = Report {
        channel: vocabulary::Channel::Probe,
        ..complete(ParallelDuty::Cnil)
    };
    assert_eq!(made(&test), [off; 5]);
    let withdrawn = Report {
        withdrawal: Some(Withdrawal {
            at: NOW,
            reason: "Exercice".to_owned(),
        }),
        ..complete(ParallelDuty::Cnil)
    };
    assert_eq!(made(&withdrawn), [Err(Refusal::Withdrawn); 5]);
}

#[test]
fn a_structure_is_named_by_what_is_known_of_it() {
    let named = |name: &str, key: &str| {
        let structure = ReportedStructure {
            name: name.to_owned(),
            key: key.parse().unwrap(),
            ..report().structure
        };
        shown(&structure)
    };
    assert_eq!(
        named("CH", "siret:26010004500012"),
        "CH (SIRET 26010004500012)"
    );
    assert_eq!(named("", "rpps:10101201234"), "RPPS 10101201234");
    assert_eq!(
        named("Cabinet du Lac", "described:74:cabinet du lac"),
        "Cabinet du Lac"
    );
}

//! What the declarant does next, in French, most urgent first.

use vocabulary::{CareImpact, DeclarantLink, Impacts, ReportKind, has_health_impact};

use super::{
    Facts, Settings,
    consequences::{AgencyTold, Duty},
    routing::Routing,
};

/// What a prober is told.
pub(super) const TEST: &str = "Signalement de test : il n'est ni compté ni transmis.";

/// Whether the event is what the on-call duty of the cell is for: one that
/// "already affected digital services and forces a degraded mode" (opening of
/// the duty, 17 October 2022). A person decides whether it is major.
pub(super) fn looks_major(impacts: &Impacts) -> bool {
    matches!(
        impacts.care,
        Some(CareImpact::DegradedMode | CareImpact::Interruption)
    )
}

pub(super) fn of(
    facts: &Facts,
    routing: &Routing,
    agencies: &[&AgencyTold],
    duties: &[Duty],
    settings: &Settings,
) -> Vec<String> {
    let mut steps = Vec::new();
    let event = matches!(
        facts.kind,
        ReportKind::Incident | ReportKind::NearMiss | ReportKind::Threat
    );
    if event && looks_major(&facts.impacts) {
        steps.push(format!(
            "Si des services numériques sont touchés au point d'imposer un mode dégradé, appelez sans attendre le {} (astreinte, jour et nuit).",
            settings.emergency_phone,
        ));
    }
    if event && has_health_impact(&facts.impacts) && !routing.has_own_chain() {
        let whom = match agencies {
            [] => "l'autorité compétente".to_owned(),
            agencies => listed(agencies.iter().map(|agency| agency.name)),
        };
        steps.push(format!(
            "Prenez les mesures qui assurent la continuité et la sécurité des soins, et dites à {whom} ce dont vous avez besoin."
        ));
    }
    for duty in duties {
        steps.push(duty.text.clone());
    }
    if routing.has_own_chain() {
        // The armed forces' chain has no mailbox here: nobody tells it but the declarant.
        steps.push("Déclarez l'incident à la chaîne cyber du ministère des Armées, qui en assure le traitement : ce signalement ne lui est pas transmis.".to_owned());
    } else if agencies.is_empty() {
        steps.push(
            "Le CERT Santé et le FSSI ont votre signalement ; répondez à leurs demandes de complément."
                .to_owned(),
        );
    } else {
        let names = agencies.iter().map(|agency| agency.name);
        let mailboxes = agencies.iter().map(|agency| agency.mailbox.as_str());
        steps.push(format!(
            "{} ont votre signalement ; répondez à leurs demandes de complément ({}).",
            listed(names.chain(["le CERT Santé"])),
            mailboxes.collect::<Vec<_>>().join(", "),
        ));
    }
    let link = match routing.structure.link {
        DeclarantLink::Verified | DeclarantLink::Confirmed => None,
        DeclarantLink::Rejected => Some(
            "Votre lien avec la structure n'est pas reconnu : ce signalement reste le vôtre, et la structure ne le voit pas. Écrivez au CERT Santé ou à l'ARS si c'est une erreur.",
        ),
        DeclarantLink::Unverified | DeclarantLink::Later(_) => Some(
            "Votre lien avec la structure n'est pas vérifié : le CERT Santé ou l'ARS vous contactera pour le confirmer.",
        ),
    };
    steps.extend(link.map(str::to_owned));
    let last = match facts.kind {
        ReportKind::Incident => Some(
            "Complétez votre signalement dès que vous en savez plus, et déclarez la résolution de l'incident.",
        ),
        ReportKind::NearMiss => Some(
            "Si l'incident se confirme, déclarez-le sans délai (art. L.1111-8-2 du code de la santé publique).",
        ),
        ReportKind::Threat => Some(
            "Si la menace se réalise, déclarez l'incident sans délai (art. L.1111-8-2 du code de la santé publique).",
        ),
        ReportKind::ProductVulnerability | ReportKind::VendorBadPractice | ReportKind::Later(_) => {
            None
        }
    };
    steps.extend(last.map(str::to_owned));
    steps
}

/// Names as a sentence lists them, "A, B et C".
fn listed<'a>(names: impl Iterator<Item = &'a str>) -> String {
    let names: Vec<&str> = names.collect();
    match names.as_slice() {
        [first @ .., last] if !first.is_empty() => format!("{} et {last}", first.join(", ")),
        names => names.concat(),
    }
}

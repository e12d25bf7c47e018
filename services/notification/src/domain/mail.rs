//! The messages as they are read, in French.

use std::fmt::Write as _;

use time::OffsetDateTime;
use vocabulary::{RoutingRegion, parallel_duties};

use super::{
    mail_draft::{Content, Template},
    phrases,
    summary::ReportSummary,
};

/// A message ready to be sent to somebody.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Mail {
    /// Its subject.
    pub(crate) subject: String,
    /// Its text.
    pub(crate) body: String,
}

/// What messages say of the place they come from.
#[derive(Clone, Debug)]
pub(crate) struct Branding {
    /// The number of the on-call service (astreinte).
    pub(crate) emergency_phone: String,
    /// The domain of the agencies' mailboxes.
    pub(crate) agency_domain: String,
}

/// Writes a message. It holds no contact data and none of the declarant's own
/// words; `written_at` tells which agency is competent.
pub(crate) fn write(content: &Content, branding: &Branding, written_at: OffsetDateTime) -> Mail {
    let summary = &content.summary;
    let body = match content.template {
        Template::Receipt => receipt(summary, branding, written_at),
        Template::Closing => closing(summary, branding),
        Template::Withdrawal => withdrawal(summary),
        Template::Submission
        | Template::SubmissionOutOfHours
        | Template::HealthImpact
        | Template::Major => announcement(content.template, summary, branding),
    };
    Mail {
        subject: subject(content),
        body,
    }
}

fn subject(content: &Content) -> String {
    let Content { template, summary } = content;
    let reference = &summary.reference;
    match template {
        Template::Receipt => format!("Signalement {reference} enregistré"),
        Template::Closing => format!("Signalement {reference} : dossier clos"),
        Template::Withdrawal => format!("[SSI] Signalement {reference} retiré"),
        Template::Submission => {
            format!(
                "[SSI] Signalement {reference} : {}",
                phrases::structure(summary)
            )
        }
        Template::SubmissionOutOfHours => {
            format!(
                "[SSI][ASTREINTE] Signalement {reference} : {}",
                phrases::structure(summary)
            )
        }
        Template::HealthImpact => {
            format!("[SSI] Signalement {reference} : impact sanitaire confirmé")
        }
        Template::Major => {
            format!(
                "[SSI][MAJEUR] Signalement {reference} : {}",
                phrases::structure(summary)
            )
        }
    }
}

fn receipt(summary: &ReportSummary, branding: &Branding, written_at: OffsetDateTime) -> String {
    let mut body = String::from("Bonjour,\n\n");
    line(
        &mut body,
        &format!("Votre signalement {} a été enregistré.", summary.reference),
    );
    if let Some(at) = summary.received_at {
        line(&mut body, &format!("Reçu le {}.", phrases::moment(at)));
    }
    if let Some(RoutingRegion::Region(region)) = summary.region
        && !summary.stays_with_the_armed_forces()
    {
        let agency = region.agency_on(written_at.date());
        let mailbox = agency.mailbox(&branding.agency_domain);
        line(
            &mut body,
            &format!(
                "Votre agence régionale de santé : {} ({mailbox}).",
                agency.name
            ),
        );
    }
    body.push_str("\nEt maintenant :\n");
    let mut steps = vec![format!(
        "En cas d'urgence, en dehors des heures ouvrées, appelez le {}.",
        branding.emergency_phone
    )];
    let duties = parallel_duties(
        &summary.impacts,
        summary.operator_status,
        summary.origin,
        summary.origin_types.iter().copied(),
    );
    for duty in duties {
        let deadline = summary
            .found_at
            .and_then(|found_at| duty.deadline(found_at));
        let until = deadline.map(|at| format!(", avant le {}", phrases::moment(at)));
        let until = until.unwrap_or_default();
        steps.push(format!(
            "{}{until} ({}).",
            duty.french(),
            duty.legal_basis()
        ));
    }
    steps.push(
        "La cellule analyse votre signalement et vous contacte si nécessaire ; la prise en charge \
         de l'incident reste de la responsabilité de votre structure."
            .to_owned(),
    );
    steps.push("Informez-nous sans délai de la résolution de l'incident.".to_owned());
    for step in steps {
        line(&mut body, &format!("- {step}"));
    }
    footer(
        &mut body,
        "Rappelez la référence de votre signalement dans tout échange.",
    );
    body
}

fn closing(summary: &ReportSummary, branding: &Branding) -> String {
    let mut body = String::from("Bonjour,\n\n");
    line(
        &mut body,
        &format!(
            "Le dossier de votre signalement {} est clos.",
            summary.reference
        ),
    );
    line(
        &mut body,
        "Son historique reste à votre disposition dans votre espace personnel.",
    );
    line(
        &mut body,
        &format!(
            "Si l'incident reprend, signalez-le de nouveau ; en urgence : {}.",
            branding.emergency_phone
        ),
    );
    footer(
        &mut body,
        "Rappelez la référence de votre signalement dans tout échange.",
    );
    body
}

fn withdrawal(summary: &ReportSummary) -> String {
    let mut body = String::new();
    line(
        &mut body,
        &format!(
            "Le signalement {} a été retiré par son déclarant (fausse alerte).",
            summary.reference
        ),
    );
    line(
        &mut body,
        &format!("Structure : {}", phrases::structure(summary)),
    );
    footer(&mut body, summary.tlp().french());
    body
}

fn announcement(template: Template, summary: &ReportSummary, branding: &Branding) -> String {
    let mut body = String::new();
    let opening = match template {
        Template::Major => "Un incident a été qualifié de majeur.",
        Template::HealthImpact => "La qualification a confirmé un impact sanitaire.",
        Template::SubmissionOutOfHours => "Un signalement a été reçu en dehors des heures ouvrées.",
        _ => "Un signalement a été reçu.",
    };
    line(&mut body, opening);
    body.push('\n');
    line(&mut body, &format!("Référence : {}", summary.reference));
    if let Some(kind) = summary.report_kind {
        line(&mut body, &format!("Objet : {}", kind.french()));
    }
    line(
        &mut body,
        &format!("Structure : {}", phrases::structure(summary)),
    );
    if let Some(at) = summary.declared_at {
        line(&mut body, &format!("Déclaré le : {}", phrases::moment(at)));
    }
    let origin = phrases::origin(summary);
    line(
        &mut body,
        &format!("Origine : {}", origin.as_deref().unwrap_or("non précisée")),
    );
    for impact in impacts(summary) {
        line(&mut body, &impact);
    }
    let severity = phrases::severity(summary);
    line(
        &mut body,
        &format!(
            "Gravité : {}",
            severity.as_deref().unwrap_or("aucune proposée")
        ),
    );
    if matches!(template, Template::Major | Template::SubmissionOutOfHours) {
        line(
            &mut body,
            &format!("Astreinte : {}", branding.emergency_phone),
        );
    }
    body.push_str("\nLe détail est à consulter dans l'application, selon vos droits.\n");
    footer(&mut body, summary.tlp().french());
    body
}

/// What is said of the impacts, a line each; what was not said is left out.
fn impacts(summary: &ReportSummary) -> Vec<String> {
    let impacts = &summary.impacts;
    let mut lines = Vec::new();
    let list = |labels: Vec<&str>| labels.join(", ");
    if !impacts.data.is_empty() {
        let data = list(impacts.data.iter().map(|impact| impact.french()).collect());
        lines.push(format!("Données : {data}"));
    }
    if !impacts.data_natures.is_empty() {
        let natures = list(
            impacts
                .data_natures
                .iter()
                .map(|nature| nature.french())
                .collect(),
        );
        lines.push(format!("Nature des données : {natures}"));
    }
    if let Some(persons) = impacts.persons_affected {
        lines.push(format!("Personnes touchées : environ {persons}"));
    }
    if let Some(care) = impacts.care {
        let duration = impacts
            .care_duration_hours
            .map(|hours| format!(", {hours} h"));
        lines.push(format!(
            "Prise en charge : {}{}",
            care.french(),
            duration.unwrap_or_default()
        ));
    }
    if let Some(endangerment) = impacts.patient_endangerment {
        lines.push(format!(
            "Mise en danger des patients : {}",
            endangerment.french()
        ));
    }
    if let Some(reach) = impacts.reach {
        lines.push(format!("Portée : {}", reach.french()));
    }
    if impacts.may_affect_others {
        lines.push("D'autres structures peuvent être touchées.".to_owned());
    }
    lines
}

fn footer(body: &mut String, last: &str) {
    body.push_str("\n-- \n");
    line(body, last);
    line(body, "Message automatique : merci de ne pas y répondre.");
}

fn line(body: &mut String, text: &str) {
    writeln!(body, "{text}").expect("writing to a string never fails");
}

#[cfg(test)]
mod tests;

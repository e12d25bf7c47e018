//! A report as people read it.

use proto::intake::v1 as pb;
use vocabulary::{Region, Word};

use super::word;
use crate::client::Client;
use crate::exit::Failure;
use crate::language::Language;
use crate::{json, table};

/// What stands beside its name.
type Fact = (&'static str, String);

/// Prints a report; what it does not say is left out.
pub(crate) fn show(report: &pb::Report, client: &Client) -> Result<(), Failure> {
    if client.json {
        say!("{}", json::to_json(report)?);
        return Ok(());
    }
    let language = client.language;
    let draft = report.draft.clone().unwrap_or_default();
    let mut facts = standing(report, client);
    facts.extend(event(&draft, client));
    facts.extend(impacts(&draft, language));
    facts.extend(people_and_texts(draft, language));
    table::print_facts(&facts);
    Ok(())
}

/// Where the report stands.
fn standing(report: &pb::Report, client: &Client) -> Vec<Fact> {
    let language = client.language;
    let entered_by = report.entered_by.as_ref();
    vec![
        (
            language.pick("Référence", "Reference"),
            report.reference.clone(),
        ),
        (
            language.pick("Identifiant", "Identifier"),
            report.report_id.clone(),
        ),
        ("Structure", report.structure_name.clone()),
        (
            language.pick("Région", "Region"),
            region(&report.routing_region),
        ),
        (
            language.pick("Déclaré le", "Declared"),
            client.zone.show(report.declared_at),
        ),
        (
            language.pick("Saisi par", "Entered by"),
            entered_by.map_or_else(String::new, |it| entry(it, language)),
        ),
        (
            language.pick("Lien", "Link"),
            word::<vocabulary::DeclarantLink>(report.link, language),
        ),
        (language.pick("État", "State"), state(report, language)),
        (
            language.pick("Étape", "Stage"),
            word::<vocabulary::ReportStage>(report.stage, language),
        ),
        (language.pick("Dossier", "Case"), report.case_id.clone()),
    ]
}

/// What happened, and from where.
fn event(draft: &pb::ReportDraft, client: &Client) -> Vec<Fact> {
    let language = client.language;
    vec![
        (
            language.pick("Constaté le", "Noticed"),
            client.zone.show(draft.found_at),
        ),
        (
            language.pick("Origine", "Origin"),
            word::<vocabulary::Origin>(draft.origin, language),
        ),
        (
            language.pick("Type d'origine", "Type of origin"),
            words::<vocabulary::OriginType>(&draft.origin_types, language),
        ),
        (
            language.pick("Prestataire ou éditeur", "Provider or vendor"),
            draft.vendor.clone(),
        ),
        (language.pick("Produit", "Product"), draft.product.clone()),
        (
            language.pick("Même cause que", "Same cause as"),
            draft.cause_reference.clone(),
        ),
    ]
}

/// What it does, and whom else it concerns.
fn impacts(draft: &pb::ReportDraft, language: Language) -> Vec<Fact> {
    let impacts = draft.impacts.clone().unwrap_or_default();
    let others = impacts.may_affect_others.then_some(true);
    let persons = impacts.persons_affected;
    vec![
        (
            language.pick("Impact sur la prise en charge", "Impact on care"),
            word::<vocabulary::CareImpact>(impacts.care, language),
        ),
        (
            language.pick("Mise en danger", "Danger to patients"),
            word::<vocabulary::PatientEndangerment>(impacts.patient_endangerment, language),
        ),
        (
            language.pick("Impact sur les données", "Impact on data"),
            words::<vocabulary::DataImpact>(&impacts.data, language),
        ),
        (
            language.pick("Nature des données", "Nature of the data"),
            words::<vocabulary::DataNature>(&impacts.data_natures, language),
        ),
        (
            language.pick("Personnes touchées", "Persons touched"),
            persons.map_or_else(String::new, |persons| persons.to_string()),
        ),
        (
            language.pick("Portée", "Reach"),
            word::<vocabulary::Reach>(impacts.reach, language),
        ),
        (
            language.pick("D'autres structures", "Other structures"),
            answer(others, language),
        ),
        (
            language.pick("Régions concernées", "Regions concerned"),
            regions(&draft.regions),
        ),
        (
            language.pick("Impact transfrontalier", "Cross-border impact"),
            answer(draft.cross_border, language),
        ),
        (
            language.pick("Plainte déposée", "Complaint filed"),
            answer(draft.complaint_filed, language),
        ),
        (
            language.pick("CNIL notifiée", "CNIL notified"),
            answer(draft.cnil_notified, language),
        ),
    ]
}

/// Who declares, and in which words.
fn people_and_texts(draft: pb::ReportDraft, language: Language) -> Vec<Fact> {
    let declarant = draft.declarant.unwrap_or_default();
    vec![
        (
            language.pick("Déclarant", "Declarant"),
            format!("{} {}", declarant.given_name, declarant.family_name)
                .trim()
                .to_owned(),
        ),
        (language.pick("Courriel", "Mail"), declarant.email),
        (language.pick("Téléphone", "Telephone"), declarant.phone),
        ("Description", draft.description),
        (language.pick("Périmètre", "Perimeter"), draft.perimeter),
        (language.pick("Systèmes", "Systems"), draft.systems),
        (
            language.pick("État des soins", "State of care"),
            draft.care_status,
        ),
        (
            language.pick("Mesures prises", "Measures taken"),
            draft.measures_taken,
        ),
    ]
}

/// Who entered a report for the person who declared, and how it came.
fn entry(entered_by: &pb::EnteredBy, language: Language) -> String {
    let role = word::<vocabulary::Role>(entered_by.role, language);
    let medium = word::<vocabulary::Medium>(entered_by.medium, language);
    format!("{role} {} ({medium})", entered_by.subject).replace("  ", " ")
}

/// What was answered to a question; empty when not said.
fn answer(said: Option<bool>, language: Language) -> String {
    let answer = match said {
        Some(true) => language.pick("oui", "yes"),
        Some(false) => language.pick("non", "no"),
        None => "",
    };
    answer.to_owned()
}

pub(super) fn state(report: &pb::Report, language: Language) -> String {
    if report.state() == pb::ReportState::Withdrawn {
        return language.pick("retiré", "withdrawn").to_owned();
    }
    let case = word::<vocabulary::CaseState>(report.case_state, language);
    if case.is_empty() {
        language.pick("soumis", "submitted").to_owned()
    } else {
        case
    }
}

/// The words of numbers of the wire.
fn words<W: Word>(numbers: &[i32], language: Language) -> String {
    let words = numbers.iter().map(|&number| word::<W>(number, language));
    words.collect::<Vec<_>>().join(", ")
}

/// A region by its name and its code; the word alone where it is none that we know.
pub(crate) fn region(routed: &str) -> String {
    let region = routed.parse::<Region>();
    region.map_or_else(
        |_| routed.to_owned(),
        |region| format!("{} ({})", region.name(), region.code()),
    )
}

fn regions(codes: &[String]) -> String {
    let regions = codes.iter().map(|code| region(code));
    regions.collect::<Vec<_>>().join(", ")
}

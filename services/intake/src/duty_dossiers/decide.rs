//! What the dossier of a duty says: rendered from the report, and from nothing else.

use std::collections::BTreeSet;

use time::OffsetDateTime;
use vocabulary::{ParallelDuty, Party, Role, RoutingRegion, StructureKey, Word, paris_time};

use super::{Dossier, Field, Source, texts};
use crate::{
    form::{Language, label},
    reports::{Contact, Contacts, Facts, Report, ReportedStructure, is_done, set_off},
};

/// Why there is no dossier.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// The report was withdrawn as a false alarm.
    Withdrawn,
    /// The report, as it stands, does not set the duty off.
    NotSetOff,
}

/// A report as far as a caller knows it: what the directory says of the critical-operator status
/// of its structure is for the declarant, the cell and the agency where it is routed alone (arrêté
/// of 17 April 2023); to others it is as it was declared.
pub(super) fn known_to(report: Report, own: &[String], roles: &BTreeSet<Role>) -> Report {
    let knows = report.seen_by(own).any(|party| match party {
        Party::Subject(_) | Party::Structure(_) => roles.contains(&Role::Declarant),
        Party::Cell => roles.contains(&Role::Analyst),
        Party::Region(region) => report.routing_region == RoutingRegion::Region(*region),
        _ => false,
    });
    if knows {
        return report;
    }
    let declared = report.facts.operator_status;
    let structure = ReportedStructure {
        operator_status: declared,
        ..report.structure
    };
    Report {
        structure,
        ..report
    }
}

/// Makes the dossier of a duty; without contacts for who may not see them.
pub(super) fn dossier(
    report: &Report,
    contacts: Option<&Contacts>,
    duty: ParallelDuty,
    language: Language,
    now: OffsetDateTime,
) -> Result<Dossier, Refusal> {
    let facts = &report.facts;
    if report.withdrawal.is_some() {
        return Err(Refusal::Withdrawn);
    }
    if report.is_test() || !set_off(facts, &report.structure).contains(&duty) {
        return Err(Refusal::NotSetOff);
    }
    let overdue = duty.is_overdue(facts.found_at, now);
    let asked = texts::asked(duty).iter();
    let fields = asked.filter(|asked| overdue || !asked.when_overdue);
    let fields = fields.map(|asked| Field {
        name: asked.name,
        label: asked.label[usize::from(language == Language::English)],
        legal_basis: asked.legal_basis,
        sources: asked.sources,
        value: value(asked.sources, facts, contacts, language),
    });
    Ok(Dossier {
        duty,
        language,
        due_at: duty.deadline(facts.found_at),
        overdue,
        done: is_done(duty, facts),
        fields: fields.collect(),
    })
}

/// What the sources say together: of several each under its label.
fn value(
    sources: &[Source],
    facts: &Facts,
    contacts: Option<&Contacts>,
    language: Language,
) -> Option<String> {
    let part = |source: Source| {
        let said = said(source, facts, contacts, language)?;
        if sources.len() == 1 {
            return Some(said);
        }
        Some(named(label(source.path(), language), &said, language))
    };
    let said: Vec<String> = sources.iter().copied().filter_map(part).collect();
    (!said.is_empty()).then(|| said.join("\n"))
}

/// What one field of the report says.
fn said(
    source: Source,
    facts: &Facts,
    contacts: Option<&Contacts>,
    language: Language,
) -> Option<String> {
    let impacts = &facts.impacts;
    let text = |text: &str| text.to_owned();
    match source {
        Source::Declarant => contacts.map(|it| reached(&it.declarant)),
        Source::AlternateContact => contacts?.alternate.as_ref().map(reached),
        Source::StartedAt => facts.started_at.map(paris_time),
        Source::Description => Some(text(facts.description.as_str())),
        Source::Perimeter => facts.perimeter.as_ref().map(|it| text(it.as_str())),
        Source::Systems => facts.systems.as_ref().map(|it| text(it.as_str())),
        Source::MeasuresTaken => facts.measures_taken.as_ref().map(|it| text(it.as_str())),
        Source::Vendor => facts.vendor.as_ref().map(|it| text(it.as_str())),
        Source::Product => facts.product.as_ref().map(|it| text(it.as_str())),
        Source::Origin => words(&facts.origin, language),
        Source::OriginTypes => words(&facts.origin_types, language),
        Source::DataImpacts => words(&impacts.data, language),
        Source::DataNatures => words(&impacts.data_natures, language),
        Source::PersonsAffected => impacts.persons_affected.map(|persons| {
            let of_whom = language.pick(
                "personnes dont les données ou la prise en charge sont touchées",
                "persons whose data or care is touched",
            );
            format!("{persons} ({of_whom})")
        }),
        Source::Care => words(&impacts.care, language),
        Source::CareDuration => impacts.care_duration_hours.map(|hours| hours.to_string()),
        Source::PatientEndangerment => words(&impacts.patient_endangerment, language),
        Source::Reach => words(&impacts.reach, language),
        Source::MayAffectOthers => impacts.may_affect_others.then(|| answer(true, language)),
        Source::CrossBorder => facts.cross_border.map(|said| answer(said, language)),
    }
}

/// The labels of words; nothing where there are none.
fn words<'a, W: Word>(
    words: impl IntoIterator<Item = &'a W>,
    language: Language,
) -> Option<String> {
    let labels = words.into_iter();
    let labels: Vec<&str> = labels
        .map(|word| language.pick(word.french(), word.english()))
        .collect();
    (!labels.is_empty()).then(|| labels.join(language.pick(" ; ", "; ")))
}

/// How to reach a person, on one line.
fn reached(contact: &Contact) -> String {
    let given_name = contact.given_name.as_ref().map(vocabulary::Line::as_str);
    let name: Vec<&str> = given_name
        .into_iter()
        .chain([contact.family_name.as_str()])
        .collect();
    let mut parts = vec![name.join(" ")];
    parts.extend(contact.position.as_ref().map(|it| it.as_str().to_owned()));
    parts.extend(contact.email.as_ref().map(|it| it.expose().to_owned()));
    parts.extend(contact.phone.as_ref().map(|it| it.expose().to_owned()));
    parts.join(", ")
}

fn answer(said: bool, language: Language) -> String {
    let [yes, no] = [language.pick("Oui", "Yes"), language.pick("Non", "No")];
    if said { yes } else { no }.to_owned()
}

/// A value under its name, punctuated as the language does.
fn named(name: &str, value: &str, language: Language) -> String {
    format!("{name}{}{value}", language.pick(" : ", ": "))
}

impl Dossier {
    /// What is to be done.
    pub(super) fn title(&self) -> &'static str {
        let duty = self.duty;
        self.language.pick(duty.french(), duty.english())
    }

    /// All of it as plain text, ready to be pasted.
    pub(super) fn text(&self, report: &Report) -> String {
        let language = self.language;
        let revision = report.declared_revision();
        let revision = format!("{} {revision}", language.pick("révision", "revision"));
        let mut head = vec![
            (
                language.pick("Fondement", "Legal basis"),
                self.duty.legal_basis().to_owned(),
            ),
            (
                language.pick("Signalement", "Report"),
                format!("{} ({revision})", report.reference),
            ),
            ("Structure", shown(&report.structure)),
            (
                label("found_at", language),
                paris_time(report.facts.found_at),
            ),
        ];
        if let Some(due_at) = self.due_at {
            let past = if self.overdue {
                language.pick(", dépassée", ", past")
            } else {
                ""
            };
            let due = format!("{}{past}", paris_time(due_at));
            head.push((language.pick("Échéance", "Due"), due));
        }
        let mut lines = vec![self.title().to_owned()];
        lines.extend(head.iter().map(|(name, it)| named(name, it, language)));
        if self.done {
            let done = language.pick(
                "Déjà fait, selon le signalement : ce qui suit sert au complément.",
                "Done already, as the report says: what follows is for the complement.",
            );
            lines.push(done.to_owned());
        }
        for (number, field) in (1..).zip(&self.fields) {
            let missing = language.pick("[À compléter]", "[To be completed]");
            let value = field.value.as_deref().unwrap_or(missing);
            let heading = format!("{number}. {} ({})", field.label, field.legal_basis);
            lines.extend([String::new(), heading, value.to_owned()]);
        }
        lines.push(String::new());
        lines.join("\n")
    }
}

/// The structure as people name it: by its name and its number, as far as it has them.
fn shown(structure: &ReportedStructure) -> String {
    let number = match &structure.key {
        StructureKey::Finess(number) => format!("FINESS {number}"),
        StructureKey::Siret(number) => format!("SIRET {number}"),
        StructureKey::Rpps(number) => format!("RPPS {number}"),
        StructureKey::Described { .. } => return structure.name.clone(),
    };
    if structure.name.is_empty() {
        return number;
    }
    format!("{} ({number})", structure.name)
}

#[cfg(test)]
mod tests;

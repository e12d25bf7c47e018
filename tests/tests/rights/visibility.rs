//! Who sees what, as a table of the roles: written anew from the design, without a
//! line of the services.

use testkit::TokenSpec;

use crate::scene::{Kind, Thing};

/// Through which of its roles a person sees a report and its case; through none, they
/// do not exist for it.
pub(crate) fn seen_as<'a>(person: &'a TokenSpec, thing: &Thing) -> Vec<&'a str> {
    // A hospital of the army reports to its own chain alone, but for what touches care;
    // a test is nobody's business.
    let told = match thing.kind {
        Kind::Ordinary | Kind::Imported => true,
        Kind::Army => thing.health_impact,
        Kind::Test => false,
    };
    let roles = person.roles.iter().map(String::as_str);
    roles
        .filter(|role| match *role {
            "analyst" | "security_officer" => told,
            "regional_agent" | "integration" => {
                told && person.region.as_deref() == Some(thing.region)
            }
            "health_authority" => told && thing.health_impact && thing.kind != Kind::Army,
            "declarant" => {
                let own = |finess: &&str| person.structures.contains(&format!("finess:{finess}"));
                person.subject == thing.author || thing.structures.iter().any(own)
            }
            "importer" => thing.kind == Kind::Imported && person.subject == thing.author,
            "prober" => thing.kind == Kind::Test,
            _ => false,
        })
        .collect()
}

/// Whether a person sees a report and its case at all.
pub(crate) fn sees(person: &TokenSpec, thing: &Thing) -> bool {
    !seen_as(person, thing).is_empty()
}

/// Whether a person who sees a report must see how to reach the declarant, must not,
/// or may either way.
pub(crate) fn sees_contacts(person: &TokenSpec, thing: &Thing) -> Option<bool> {
    let roles = seen_as(person, thing);
    let shown = ["analyst", "security_officer", "regional_agent"];
    if roles.iter().any(|role| shown.contains(role)) {
        return Some(true);
    }
    // A program sees its own record back, with or without the people in it.
    let is_program = [Kind::Imported, Kind::Test].contains(&thing.kind);
    let is_author = person.subject == thing.author && !is_program;
    let is_authority = roles.iter().all(|role| *role == "health_authority");
    is_author.then_some(true).or(is_authority.then_some(false))
}

/// Whether a person sees who of the cell works on a case.
pub(crate) fn sees_assignee(person: &TokenSpec) -> bool {
    has(person, "analyst") || has(person, "security_officer")
}

/// Whether a person sees that a structure of Montpellier is an operator of vital
/// importance.
pub(crate) fn sees_operator_status(person: &TokenSpec, structure: &[&str], region: &str) -> bool {
    let own = |finess: &&str| person.structures.contains(&format!("finess:{finess}"));
    ["analyst", "security_officer", "importer"]
        .iter()
        .any(|role| has(person, role))
        || (has(person, "regional_agent") && person.region.as_deref() == Some(region))
        || (has(person, "declarant") && structure.iter().any(own))
}

/// Whether a person sees the figures of a region, or of the country when none is asked
/// for: agents see their own, asked for or not.
pub(crate) fn sees_figures(person: &TokenSpec, asked: &str) -> bool {
    sees_assignee(person)
        || person
            .region
            .as_deref()
            .is_some_and(|own| asked.is_empty() || asked == own)
}

/// Whether a person has a role.
pub(crate) fn has(person: &TokenSpec, role: &str) -> bool {
    person.roles.iter().any(|own| own == role)
}

//! A confirmed judgement, strictly read: every violation is told.

use std::collections::BTreeSet;

use platform::Violations;
use proto::{qualification::v1 as pb, types::v1 as types};
use vocabulary::{Impacts, Origin, OriginType, Severity, Word};

use crate::domain::Triage;

/// How many types an origin may have, as in a declaration.
const MAX_ORIGIN_TYPES: usize = 8;
/// How many words any other list may have: more than there are.
const MAX_WORDS: usize = 32;

/// Reads the judgement of an analyst; `None` when something is wrong with it.
pub(super) fn confirmed(triage: Option<pb::Triage>, violations: &mut Violations) -> Option<Triage> {
    let Some(triage) = triage else {
        violations.add(
            "triage",
            "REQUIRED",
            "L'évaluation est requise dans le périmètre.",
        );
        return None;
    };
    let before = violations.iter().count();
    let origin = word::<Origin>(
        "triage.origin",
        triage.origin,
        Presence::Required,
        violations,
    );
    let origin_types = origin_types(&triage.origin_types, origin, violations);
    if triage.impacts.is_none() {
        violations.add(
            "triage.impacts",
            "REQUIRED",
            "Les impacts sont requis, même sans effet.",
        );
    }
    let impacts = impacts(&triage.impacts.unwrap_or_default(), violations);
    if triage.severity.is_none() {
        violations.add("triage.severity", "REQUIRED", "La gravité est requise.");
    }
    let severity = Severity::from(triage.severity.unwrap_or_default());
    if severity.significant && !severity.serious {
        // Art. D.1111-16-2 III CSP: significant are some of the serious ones.
        violations.add(
            "triage.severity.significant",
            "CONFLICT",
            "Un incident significatif est d'abord un incident grave (art. D.1111-16-2 III CSP).",
        );
    }
    let clean = violations.iter().count() == before;
    clean.then_some(Triage {
        origin,
        origin_types,
        impacts,
        severity,
    })
}

fn origin_types(
    numbers: &[i32],
    origin: Option<Origin>,
    violations: &mut Violations,
) -> BTreeSet<OriginType> {
    let field = "triage.origin_types";
    if numbers.len() > MAX_ORIGIN_TYPES {
        violations.add(field, "TOO_MANY", "Au plus 8 types d'origine.");
        return BTreeSet::new();
    }
    let types: BTreeSet<OriginType> = words(field, numbers, violations);
    if let Some(origin) = origin {
        for origin_type in types.iter().filter(|origin_type| !origin_type.fits(origin)) {
            let why = format!("« {} » ne va pas avec cette origine.", origin_type.french());
            violations.add(field, "CONFLICT", why);
        }
    }
    types
}

fn impacts(impacts: &types::Impacts, violations: &mut Violations) -> Impacts {
    let at = |field: &str| format!("triage.impacts.{field}");
    let parsed = Impacts {
        data: words(&at("data"), &impacts.data, violations),
        data_natures: words(&at("data_natures"), &impacts.data_natures, violations),
        persons_affected: impacts.persons_affected,
        care: word(&at("care"), impacts.care, Presence::Optional, violations),
        care_duration_hours: impacts.care_duration_hours,
        patient_endangerment: word(
            &at("patient_endangerment"),
            impacts.patient_endangerment,
            Presence::Optional,
            violations,
        ),
        reach: word(&at("reach"), impacts.reach, Presence::Optional, violations),
        may_affect_others: impacts.may_affect_others,
    };
    if parsed.clone().consistent().is_err() {
        let why = "« Aucun » et « pas encore connu » excluent tout autre impact.";
        violations.add(at("data"), "CONFLICT", why);
    }
    parsed
}

/// Whether a word must be said.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Presence {
    Required,
    Optional,
}

/// Reads one word by its number; 0 is "not said".
fn word<W: Word>(
    field: &str,
    number: i32,
    presence: Presence,
    violations: &mut Violations,
) -> Option<W> {
    if number == 0 {
        if presence == Presence::Required {
            violations.add(field, "REQUIRED", "Ce champ est requis.");
        }
        return None;
    }
    let word = W::known(number);
    if word.is_none() {
        violations.add(field, "UNKNOWN_VALUE", "Cette valeur n'est pas connue.");
    }
    word
}

/// Reads words by their numbers; each is said once and 0 says nothing.
fn words<W: Word + Ord>(field: &str, numbers: &[i32], violations: &mut Violations) -> BTreeSet<W> {
    let mut words = BTreeSet::new();
    if numbers.len() > MAX_WORDS {
        violations.add(field, "TOO_MANY", "Au plus 32 valeurs.");
        return words;
    }
    for (index, &number) in numbers.iter().enumerate() {
        let at = format!("{field}[{index}]");
        match W::known(number) {
            None => violations.add(at, "UNKNOWN_VALUE", "Cette valeur n'est pas connue."),
            Some(word) => {
                if !words.insert(word) {
                    violations.add(at, "DUPLICATE", "Cette valeur est déjà dans la liste.");
                }
            }
        }
    }
    words
}

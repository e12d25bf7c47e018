//! What is unusual in a declaration, but accepted.

use time::{Duration, OffsetDateTime};
use vocabulary::{DataImpact, DataNature, Origin, ReportKind, StructureKind};

use super::{Facts, Structure, StructureIdentifier, next_steps::looks_major};

/// Something unusual, but accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Warning {
    /// Path of the field.
    pub(crate) field: &'static str,
    /// Machine-readable reason.
    pub(crate) reason: &'static str,
    /// For people, in French.
    pub(crate) description: &'static str,
}

/// The term of art. 33 of Regulation (EU) 2016/679 (RGPD).
const CNIL_TERM: Duration = Duration::hours(72);

/// Lists what is unusual in a declaration.
pub(crate) fn warnings(
    facts: &Facts,
    entry: Option<&Structure>,
    declared_at: Option<OffsetDateTime>,
    now: OffsetDateTime,
) -> Vec<Warning> {
    let mut warnings = Vec::new();
    let mut warn = |field, reason, description| {
        warnings.push(Warning {
            field,
            reason,
            description,
        });
    };
    match (&facts.structure, entry) {
        (StructureIdentifier::Finess(_), None) => warn(
            "draft.structure.finess",
            "NOT_IN_DIRECTORY",
            "ce numéro FINESS n'est pas dans l'annuaire des structures",
        ),
        (StructureIdentifier::Finess(finess), Some(entry))
            if finess
                .department()
                .is_some_and(|own| own != entry.department) =>
        {
            warn(
                "draft.structure.finess",
                "DEPARTMENT_DIFFERS",
                "l'annuaire place cette structure dans un autre département que son numéro",
            );
        }
        (StructureIdentifier::Siret(siret), _) if !siret.has_valid_key() => {
            warn(
                "draft.structure.siret",
                "BAD_KEY",
                "la clé de ce SIRET est fausse",
            );
        }
        (StructureIdentifier::Rpps(rpps), _) if !rpps.has_valid_key() => {
            warn(
                "draft.structure.rpps",
                "BAD_KEY",
                "la clé de ce numéro RPPS paraît fausse",
            );
        }
        _ => {}
    }
    if !facts.national && entry.is_none() && facts.department().is_none() {
        warn(
            "draft.structure",
            "REGION_UNKNOWN",
            "la région n'est pas connue : la cellule nationale trouvera l'ARS compétente",
        );
    }
    if entry.is_some_and(|entry| entry.kind == StructureKind::ArmedForcesHospital) {
        warn(
            "draft.structure_kind",
            "OWN_CHAIN",
            "un hôpital des armées a sa propre chaîne : sans impact sanitaire, ni le CERT Santé ni l'ARS ne voient ce signalement",
        );
    } else if entry.is_none() && facts.structure_kind == Some(StructureKind::ArmedForcesHospital) {
        warn(
            "draft.structure_kind",
            "NOT_IN_DIRECTORY",
            "l'annuaire ne connaît pas cet hôpital des armées : il est traité comme un établissement de santé",
        );
    }
    if facts.cnil_notified != Some(true)
        && touches_personal_data(facts)
        && now - facts.found_at > CNIL_TERM
    {
        warn(
            "draft.cnil_notified",
            "CNIL_TERM_PASSED",
            "constaté il y a plus de 72 heures avec des données personnelles : la notification à la CNIL doit donner les motifs du retard (RGPD, art. 33)",
        );
    }
    if facts.origin == Some(Origin::Malicious) && facts.complaint_filed != Some(true) {
        warn(
            "draft.complaint_filed",
            "NO_COMPLAINT",
            "origine malveillante sans dépôt de plainte",
        );
    }
    if facts.kind == ReportKind::Incident && looks_major(&facts.impacts) {
        warn(
            "draft.impacts.care",
            "LOOKS_MAJOR",
            "un incident qui impose un mode dégradé peut être majeur : appelez l'astreinte",
        );
    }
    if declared_at.is_some_and(|declared_at| declared_at < facts.found_at) {
        warn(
            "declared_at",
            "BEFORE_FOUND_AT",
            "la déclaration est antérieure au constat",
        );
    }
    warnings
}

fn touches_personal_data(facts: &Facts) -> bool {
    let touched = [
        DataImpact::Unavailability,
        DataImpact::Integrity,
        DataImpact::Disclosure,
    ];
    let personal = [DataNature::Health, DataNature::Personal];
    touched
        .iter()
        .any(|impact| facts.impacts.data.contains(impact))
        && personal
            .iter()
            .any(|nature| facts.impacts.data_natures.contains(nature))
}

//! What is unusual in a declaration, but accepted.

use time::OffsetDateTime;
use vocabulary::{Origin, ParallelDuty, Party, ReportKind, StructureKind};

use super::{
    Facts, StructureIdentifier,
    decide::Decision,
    facts::{Contacts, Draft},
    found::{Doubt, Found, is_placeholder},
    next_steps::looks_major,
    routing::Routing,
};
use crate::structures::Structure;

/// Something unusual, but accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Warning {
    /// Path of the field.
    pub(super) field: &'static str,
    /// Machine-readable reason.
    pub(super) reason: &'static str,
    /// For people, in French.
    pub(super) description: &'static str,
}

/// Lists what is unusual in a declaration.
pub(super) fn warnings(draft: &Draft, decision: &Decision, now: OffsetDateTime) -> Vec<Warning> {
    let Draft { facts, contacts } = draft;
    let Decision { found, routing, .. } = decision;
    [
        kind(facts),
        number(facts, found),
        doubt(facts, found),
        region(facts, found, routing),
        own_chain(facts, found, routing),
        mail(contacts, routing),
        cnil(decision),
        complaint(facts),
        major(facts),
        dates(facts, decision, now),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn warning(field: &'static str, reason: &'static str, description: &'static str) -> Warning {
    Warning {
        field,
        reason,
        description,
    }
}

/// What happened to a structure is more than was averted or is feared.
fn kind(facts: &Facts) -> Option<Warning> {
    let averted = matches!(facts.kind, ReportKind::NearMiss | ReportKind::Threat);
    (averted && facts.impacts.has_happened()).then(|| {
        warning(
            "draft.kind",
            "LOOKS_LIKE_INCIDENT",
            "ces impacts sont ceux d'un incident : vérifiez l'objet du signalement",
        )
    })
}

/// What is odd in the number of the structure itself.
fn number(facts: &Facts, found: &Found) -> Option<Warning> {
    let moved = |site: &Structure| {
        let own = site.finess.department();
        own.is_some_and(|own| own != site.department)
    };
    match &facts.structure {
        StructureIdentifier::Finess(_) if !found.is_known() => Some(warning(
            "draft.structure.finess",
            "NOT_IN_DIRECTORY",
            "ce numéro FINESS n'est pas dans l'annuaire des structures",
        )),
        StructureIdentifier::Finess(_) if found.site.as_ref().is_some_and(moved) => Some(warning(
            "draft.structure.finess",
            "DEPARTMENT_DIFFERS",
            "l'annuaire place cette structure dans un autre département que son numéro",
        )),
        StructureIdentifier::Siret(siret) if is_placeholder(siret) => Some(warning(
            "draft.structure.siret",
            "PLACEHOLDER",
            "un SIRET de zéros ne désigne aucune structure",
        )),
        StructureIdentifier::Siret(siret) if !siret.has_valid_key() => Some(warning(
            "draft.structure.siret",
            "BAD_KEY",
            "la clé de ce SIRET est fausse",
        )),
        StructureIdentifier::Rpps(rpps) if !rpps.has_valid_key() => Some(warning(
            "draft.structure.rpps",
            "BAD_KEY",
            "la clé de ce numéro RPPS paraît fausse",
        )),
        _ => None,
    }
}

/// Which structure is meant, or where it lies, where that is in doubt.
fn doubt(facts: &Facts, found: &Found) -> Option<Warning> {
    let number = match facts.structure {
        StructureIdentifier::Siret(_) => "draft.structure.siret",
        _ => "draft.structure.finess",
    };
    let is_siret = matches!(facts.structure, StructureIdentifier::Siret(_));
    Some(match found.doubt? {
        Doubt::Ambiguous => warning(
            number,
            "AMBIGUOUS_STRUCTURE",
            match found.site {
                _ if !is_siret => {
                    "cette entité juridique a des sites dans plusieurs régions : le département de son numéro est retenu ; nommez le site par son FINESS, ou donnez son département"
                }
                Some(_) => {
                    "ce SIRET désigne plusieurs sites de ce département : le premier est retenu ; nommez le vôtre par son FINESS"
                }
                None => {
                    "ce SIRET désigne plusieurs sites : aucun n'est retenu ; nommez le vôtre par son FINESS"
                }
            },
        ),
        Doubt::DepartmentDiffers => warning(
            "draft.department",
            "DEPARTMENT_DIFFERS",
            match found.site {
                Some(_) => {
                    "l'annuaire place cette structure dans un autre département : le signalement va où il la place"
                }
                None if is_siret => {
                    "l'annuaire ne connaît ce SIRET que dans d'autres départements : le signalement va où vous placez la structure"
                }
                None if found.department == facts.department => {
                    "le numéro de cette structure est d'un autre département : un de ses sites est dans le vôtre, et le signalement y va"
                }
                None => {
                    "cette structure est désignée dans un autre département : le signalement va où son numéro ou sa description la place"
                }
            },
        ),
    })
}

fn region(facts: &Facts, found: &Found, routing: &Routing) -> Option<Warning> {
    match routing.territory {
        Some(region) if !facts.regions.is_empty() && !facts.regions.contains(&region) => {
            Some(warning(
                "draft.regions",
                "REGION_DIFFERS",
                "la structure est d'une autre région que celles qui sont nommées : l'ARS de chacune est informée",
            ))
        }
        None if !facts.national && found.department.is_none() => Some(warning(
            "draft.structure",
            "REGION_UNKNOWN",
            "la région n'est pas connue : la cellule nationale trouvera l'ARS compétente",
        )),
        _ => None,
    }
}

fn own_chain(facts: &Facts, found: &Found, routing: &Routing) -> Option<Warning> {
    let is_said = facts.structure_kind == Some(StructureKind::ArmedForcesHospital);
    if routing.has_own_chain() {
        Some(warning(
            "draft.structure_kind",
            "OWN_CHAIN",
            "un hôpital des armées a sa propre chaîne : sans impact sanitaire, ni le CERT Santé ni l'ARS ne voient ce signalement",
        ))
    } else if is_said && !found.is_known() {
        Some(warning(
            "draft.structure_kind",
            "NOT_IN_DIRECTORY",
            "l'annuaire ne connaît pas cet hôpital des armées : il est traité comme un établissement de santé",
        ))
    } else {
        None
    }
}

/// The declarant's own mail may be compromised: nothing is sent there instead.
fn mail(contacts: &Contacts, routing: &Routing) -> Option<Warning> {
    let alternate = contacts.alternate.as_ref()?;
    let is_told = routing.visible_to.contains(&Party::Cell);
    alternate.email.is_none().then(|| {
        warning(
            "draft.alternate_contact.email",
            "NO_MAIL",
            if is_told {
                "aucun courriel ne sera envoyé, pas même l'accusé de réception : la cellule téléphonera à cet autre contact"
            } else {
                "aucun courriel ne sera envoyé, pas même l'accusé de réception"
            },
        )
    })
}

fn cnil(decision: &Decision) -> Option<Warning> {
    let mut duties = decision.consequences.duties.iter();
    let is_late = duties.any(|duty| duty.kind == ParallelDuty::Cnil && duty.due_at.is_none());
    is_late.then(|| {
        warning(
            "draft.cnil_notified",
            "CNIL_TERM_PASSED",
            "constaté il y a plus de 72 heures avec des données personnelles : la notification à la CNIL doit donner les motifs du retard (RGPD, art. 33)",
        )
    })
}

fn complaint(facts: &Facts) -> Option<Warning> {
    let is_missing = facts.origin == Some(Origin::Malicious) && facts.complaint_filed != Some(true);
    is_missing.then(|| {
        warning(
            "draft.complaint_filed",
            "NO_COMPLAINT",
            "origine malveillante sans dépôt de plainte",
        )
    })
}

fn major(facts: &Facts) -> Option<Warning> {
    let event = matches!(
        facts.kind,
        ReportKind::Incident | ReportKind::NearMiss | ReportKind::Threat
    );
    let may_be = event && looks_major(&facts.impacts);
    may_be.then(|| {
        warning(
            "draft.impacts.care",
            "LOOKS_MAJOR",
            "un incident qui impose un mode dégradé peut être majeur : appelez l'astreinte",
        )
    })
}

fn dates(facts: &Facts, decision: &Decision, now: OffsetDateTime) -> Option<Warning> {
    // The clock of a declarant may be a little ahead.
    let is_before = decision.declared_at < facts.found_at.min(now);
    is_before.then(|| {
        warning(
            "declared_at",
            "BEFORE_FOUND_AT",
            "la déclaration est antérieure au constat",
        )
    })
}

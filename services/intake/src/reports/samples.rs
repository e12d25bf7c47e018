//! What the tests of the rules begin with.

use time::{OffsetDateTime, macros::datetime};
use vocabulary::{
    Capacity, CareImpact, Impacts, OperatorStatus, ReportKind, Role, StructureKind, Tlp,
};

use super::{
    Author, Facts, Settings, StructureIdentifier,
    decide::{Context, Decision, Refusal, decide},
};
use crate::structures::Structure;

/// The moment of the tests, a Monday morning.
pub(super) const NOW: OffsetDateTime = datetime!(2026-11-23 09:00 UTC);

/// An incident at a site in the Ain, found two hours ago.
pub(super) fn facts() -> Facts {
    Facts {
        kind: ReportKind::Incident,
        structure: StructureIdentifier::Finess("010000024".parse().unwrap()),
        structure_kind: None,
        operator_status: None,
        capacity: Capacity::Delegate,
        found_at: NOW - time::Duration::hours(2),
        started_at: None,
        description: "Fichiers chiffrés.".try_into().unwrap(),
        perimeter: None,
        systems: None,
        care_status: None,
        measures_taken: None,
        vendor: None,
        product: None,
        origin: None,
        origin_types: [].into(),
        impacts: Impacts::default(),
        complaint_filed: None,
        cnil_notified: None,
        assistance_requested: false,
        tlp: Tlp::AmberStrict,
        national: false,
        department: None,
        regions: Vec::new(),
    }
}

/// The same, with care in degraded mode.
pub(super) fn degraded() -> Facts {
    let impacts = Impacts {
        care: Some(CareImpact::DegradedMode),
        ..Impacts::default()
    };
    Facts { impacts, ..facts() }
}

/// The entry of the directory for the site of [`facts`].
pub(super) fn entry() -> Structure {
    Structure {
        finess: "010000024".parse().unwrap(),
        legal_entity: Some("010780054".parse().unwrap()),
        siret: Some("26010004500012".parse().unwrap()),
        name: "CH DE FLEYRIAT".try_into().unwrap(),
        kind: StructureKind::HealthFacility,
        category_code: None,
        region: "84".parse().ok(),
        department: "01".parse().unwrap(),
        town: None,
        operator_status: Some(OperatorStatus::Vital),
    }
}

/// Somebody with a role, and the site of [`facts`] when the role declares.
pub(super) fn author(role: Role) -> Author {
    let structures = (role == Role::Declarant).then(|| entry().key());
    Author {
        subject: "alice".to_owned(),
        roles: [role].into(),
        region: Some("84".parse().unwrap()),
        structures: structures.into_iter().collect(),
    }
}

/// What becomes of facts that this author declares now.
pub(super) fn decided(
    facts: &Facts,
    entry: Option<&Structure>,
    author: &Author,
) -> Result<Decision, Refusal> {
    let settings = Settings {
        emergency_phone: "09 72 43 91 25".to_owned(),
        agency_mail_domain: "ars.example.org".to_owned(),
    };
    decide(
        facts,
        None,
        &Context {
            author,
            entries: entry.map_or(&[], std::slice::from_ref),
            settings: &settings,
            now: NOW,
        },
    )
}

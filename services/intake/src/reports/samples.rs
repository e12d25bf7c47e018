//! What the tests of the rules begin with.

use platform::Violations;
use proto::{
    intake::v1 as pb,
    types::v1::{self as types, structure_identifier::Identifier},
};
use service::wire::timestamp;
use time::{OffsetDateTime, macros::datetime};
use uuid::Uuid;
use vocabulary::{
    Capacity, CareImpact, Impacts, OperatorStatus, ReferenceCipher, ReportKind, Role,
    StructureKind, Word as _,
};

use super::{
    Author, Facts, Report, Settings,
    decide::{Context, Decision, Refusal, decide},
    draft,
};
use crate::structures::Structure;

/// The moment of the tests, a Monday morning.
pub(crate) const NOW: OffsetDateTime = datetime!(2026-11-23 09:00 UTC);

/// An incident at a site in the Ain, found two hours ago, with nothing more than is required.
pub(crate) fn facts() -> Facts {
    let declarant = pb::Contact {
        family_name: "Martin".to_owned(),
        email: "rssi@ch-exemple.fr".to_owned(),
        ..pb::Contact::default()
    };
    let draft = pb::ReportDraft {
        kind: ReportKind::Incident.number(),
        structure: Some(types::StructureIdentifier {
            identifier: Some(Identifier::Finess("010000024".to_owned())),
        }),
        declarant: Some(declarant),
        capacity: Capacity::Delegate.number(),
        found_at: Some(timestamp(NOW - time::Duration::hours(2))),
        description: "Fichiers chiffrés.".to_owned(),
        ..pb::ReportDraft::default()
    };
    draft::read(Some(draft), NOW, &mut Violations::default())
        .unwrap()
        .facts
}

/// The same, with care in degraded mode.
pub(crate) fn degraded() -> Facts {
    let impacts = Impacts {
        care: Some(CareImpact::DegradedMode),
        ..Impacts::default()
    };
    Facts { impacts, ..facts() }
}

/// The entry of the directory for the site of [`facts`].
pub(crate) fn entry() -> Structure {
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
pub(crate) fn author(role: Role) -> Author {
    let structures = (role == Role::Declarant).then(|| entry().key());
    Author {
        subject: "alice".to_owned(),
        roles: [role].into(),
        region: Some("84".parse().unwrap()),
        structures: structures.into_iter().collect(),
        decided: None,
    }
}

/// The report that a declarant makes of [`facts`] now.
pub(crate) fn report() -> Report {
    let decided = decided(&facts(), Some(&entry()), &author(Role::Declarant)).unwrap();
    Report {
        id: Uuid::from_u128(9),
        reference: ReferenceCipher::new([9; 32]).reference(2026, 1),
        facts: facts(),
        cause: None,
        contacts: None,
        structure: decided.routing.structure,
        routing_region: decided.routing.region,
        visible_to: decided.routing.visible_to,
        channel: decided.channel,
        entered_by: None,
        received_at: NOW,
        declared_at: decided.declared_at,
        withdrawal: None,
        case: None,
        revision: 1,
        amendment: None,
    }
}

/// What becomes of facts that this author declares now.
pub(crate) fn decided(
    facts: &Facts,
    entry: Option<&Structure>,
    author: &Author,
) -> Result<Decision, Refusal> {
    let settings = Settings {
        emergency_phone: "09 72 43 91 25".to_owned(),
        agency_mail_domain: "ars.example.org".to_owned(),
        deadlines: None.into(),
    };
    decide(
        facts,
        None,
        None,
        &Context {
            author,
            entries: entry.map_or(&[], std::slice::from_ref),
            settings: &settings,
            now: NOW,
        },
    )
}

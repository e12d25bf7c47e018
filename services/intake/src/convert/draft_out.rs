//! The draft of a report, for the wire.

use proto::{intake::v1 as pb, types::v1 as types};

use super::{identifier, time::timestamp};
use crate::domain::{Capacity, Contact, Contacts, Facts};

/// A draft for the wire; without contacts for who may not see them.
pub(super) fn to_wire(facts: &Facts, contacts: Option<&Contacts>) -> pb::ReportDraft {
    let text = |text: Option<&str>| text.unwrap_or_default().to_owned();
    pb::ReportDraft {
        kind: types::ReportKind::from(facts.kind).into(),
        structure: Some(identifier::to_wire(&facts.structure)),
        structure_kind: facts
            .structure_kind
            .map(types::StructureKind::from)
            .unwrap_or_default()
            .into(),
        operator_status: facts
            .operator_status
            .map(types::OperatorStatus::from)
            .unwrap_or_default()
            .into(),
        declarant: contacts.map(|contacts| contact(&contacts.declarant)),
        capacity: pb::DeclarantCapacity::from(facts.capacity).into(),
        alternate_contact: contacts
            .and_then(|contacts| contacts.alternate.as_ref())
            .map(contact),
        found_at: Some(timestamp(facts.found_at)),
        started_at: facts.started_at.map(timestamp),
        description: facts.description.as_str().to_owned(),
        perimeter: text(facts.perimeter.as_ref().map(|text| text.as_str())),
        systems: text(facts.systems.as_ref().map(|text| text.as_str())),
        care_status: text(facts.care_status.as_ref().map(|text| text.as_str())),
        measures_taken: text(facts.measures_taken.as_ref().map(|text| text.as_str())),
        vendor: text(facts.vendor.as_ref().map(|text| text.as_str())),
        product: text(facts.product.as_ref().map(|text| text.as_str())),
        origin: facts
            .origin
            .map(types::Origin::from)
            .unwrap_or_default()
            .into(),
        origin_types: facts
            .origin_types
            .iter()
            .map(|&word| types::OriginType::from(word).into())
            .collect(),
        impacts: Some(types::Impacts::from(&facts.impacts)),
        complaint_filed: facts.complaint_filed,
        cnil_notified: facts.cnil_notified,
        assistance_requested: facts.assistance_requested,
        tlp: types::Tlp::from(facts.tlp).into(),
        national: facts.national,
    }
}

fn contact(contact: &Contact) -> pb::Contact {
    let text = |text: Option<&str>| text.unwrap_or_default().to_owned();
    pb::Contact {
        family_name: contact.family_name.as_str().to_owned(),
        given_name: text(contact.given_name.as_ref().map(|text| text.as_str())),
        position: text(contact.position.as_ref().map(|text| text.as_str())),
        email: text(contact.email.as_ref().map(|email| email.expose())),
        phone: text(contact.phone.as_ref().map(|phone| phone.expose())),
    }
}

impl From<Capacity> for pb::DeclarantCapacity {
    fn from(capacity: Capacity) -> Self {
        match capacity {
            Capacity::Director => Self::Director,
            Capacity::Delegate => Self::Delegate,
            Capacity::Agency => Self::Agency,
            Capacity::Importer => Self::Importer,
        }
    }
}

//! The draft of a report, for the wire.

use proto::{intake::v1 as pb, types::v1 as types};

use service::wire::{self, timestamp};
use vocabulary::{EmailAddress, PhoneNumber, Word as _};

use super::identifier;
use crate::domain::{Contact, Contacts, Facts};

/// A draft for the wire; without contacts for who may not see them.
pub(super) fn to_wire(facts: &Facts, contacts: Option<&Contacts>) -> pb::ReportDraft {
    pb::ReportDraft {
        kind: facts.kind.number(),
        structure: Some(identifier::to_wire(&facts.structure)),
        structure_kind: proto::number(facts.structure_kind),
        operator_status: proto::number(facts.operator_status),
        declarant: contacts.map(|contacts| contact(&contacts.declarant)),
        capacity: facts.capacity.number(),
        alternate_contact: contacts
            .and_then(|contacts| contacts.alternate.as_ref())
            .map(contact),
        found_at: Some(timestamp(facts.found_at)),
        started_at: facts.started_at.map(timestamp),
        description: facts.description.as_str().to_owned(),
        perimeter: wire::text(facts.perimeter.as_ref()),
        systems: wire::text(facts.systems.as_ref()),
        care_status: wire::text(facts.care_status.as_ref()),
        measures_taken: wire::text(facts.measures_taken.as_ref()),
        vendor: wire::text(facts.vendor.as_ref()),
        product: wire::text(facts.product.as_ref()),
        origin: proto::number(facts.origin),
        origin_types: proto::numbers(&facts.origin_types),
        impacts: Some(types::Impacts::from(&facts.impacts)),
        complaint_filed: facts.complaint_filed,
        cnil_notified: facts.cnil_notified,
        assistance_requested: facts.assistance_requested,
        tlp: facts.tlp.number(),
        national: facts.national,
        department: facts
            .department
            .map(|department| department.to_string())
            .unwrap_or_default(),
        regions: facts.regions.iter().map(ToString::to_string).collect(),
    }
}

fn contact(contact: &Contact) -> pb::Contact {
    pb::Contact {
        family_name: contact.family_name.as_str().to_owned(),
        given_name: wire::text(contact.given_name.as_ref()),
        position: wire::text(contact.position.as_ref()),
        email: contact
            .email
            .as_ref()
            .map(EmailAddress::expose)
            .unwrap_or_default()
            .to_owned(),
        phone: contact
            .phone
            .as_ref()
            .map(PhoneNumber::expose)
            .unwrap_or_default()
            .to_owned(),
    }
}

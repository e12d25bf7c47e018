//! The contacts of a report: read, shown, and sealed as they rest and travel.

use platform::SealingKey;
use proto::{
    events::v1::{self as events, SealedPersonalData},
    intake::v1 as pb,
};
use service::{Fields, Sealed, wire};
use uuid::Uuid;
use vocabulary::{EmailAddress, Line, PhoneNumber, is_empty_text};

use super::facts::{Contact, Contacts};

/// Reads how to reach a person.
pub(crate) fn read(fields: &mut Fields<'_>, wire: pb::Contact) -> Option<Contact> {
    if is_empty_text(&wire.email) && is_empty_text(&wire.phone) {
        fields.refuse(
            "email",
            "REQUIRED",
            "une adresse électronique ou un numéro de téléphone est obligatoire",
        );
    }
    let family_name = fields.required_text("family_name", wire.family_name);
    let given_name = fields.text("given_name", wire.given_name);
    let position = fields.text("position", wire.position);
    let email = fields.identifier("email", &wire.email);
    let phone = fields.identifier("phone", &wire.phone);
    Some(Contact {
        family_name: family_name?,
        given_name,
        position,
        email,
        phone,
    })
}

/// Opens the contacts of a report; `None` when they do not open, which is logged: one
/// report must not hide a list.
pub(crate) fn open(master: &SealingKey, report_id: Uuid, sealed: &Sealed) -> Option<Contacts> {
    let wire = sealed.contacts(master, report_id)?;
    Some(Contacts {
        declarant: contact(wire.declarant?),
        alternate: wire.alternate.map(contact),
    })
}

/// The contacts in the form in which they are sealed.
pub(crate) fn to_wire(contacts: &Contacts) -> SealedPersonalData {
    SealedPersonalData {
        declarant: Some(sealed(&contacts.declarant)),
        alternate: contacts.alternate.as_ref().map(sealed),
    }
}

fn sealed(contact: &Contact) -> events::Contact {
    events::Contact {
        family_name: contact.family_name.as_str().to_owned(),
        given_name: wire::text(contact.given_name.as_ref()),
        position: wire::text(contact.position.as_ref()),
        email: wire::text(contact.email.as_ref().map(EmailAddress::expose).as_ref()),
        phone: wire::text(contact.phone.as_ref().map(PhoneNumber::expose).as_ref()),
    }
}

/// How to reach a person, for the wire.
pub(crate) fn said(contact: &Contact) -> pb::Contact {
    shown(sealed(contact))
}

/// A contact for who may see it.
pub(super) fn shown(contact: events::Contact) -> pb::Contact {
    let events::Contact {
        family_name,
        given_name,
        position,
        email,
        phone,
    } = contact;
    pb::Contact {
        family_name,
        given_name,
        position,
        email,
        phone,
    }
}

fn contact(wire: events::Contact) -> Contact {
    let said = |text: String| Some(text).filter(|text| !text.is_empty());
    Contact {
        family_name: Line::from_db(&wire.family_name),
        given_name: said(wire.given_name).map(|name| Line::from_db(&name)),
        position: said(wire.position).map(|position| Line::from_db(&position)),
        email: said(wire.email).map(|email| EmailAddress::from_db(&email)),
        phone: said(wire.phone).map(|phone| PhoneNumber::from_db(&phone)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn contacts() -> Contacts {
        let declarant = Contact {
            family_name: "Martin".try_into().unwrap(),
            given_name: None,
            position: None,
            email: Some("martin@exemple.fr".parse().unwrap()),
            phone: None,
        };
        Contacts {
            alternate: Some(declarant.clone()),
            declarant,
        }
    }

    #[test]
    fn sealed_contacts_open_for_their_own_report_only() {
        let master = SealingKey::from_bytes([7; 32]);
        let (own, other) = (Uuid::from_u128(1), Uuid::from_u128(2));
        let sealed = Sealed::contacts_of(&master, own, &to_wire(&contacts()));
        assert_eq!(open(&master, own, &sealed), Some(contacts()));
        assert_eq!(open(&master, other, &sealed), None);
        let stranger = SealingKey::from_bytes([8; 32]);
        assert_eq!(open(&stranger, own, &sealed), None);
    }

    #[test]
    fn contacts_that_an_earlier_release_took_by_other_rules_stay_readable() {
        let read = contact(events::Contact {
            family_name: "Martin\tAnne".to_owned(),
            email: "direction@chu.local".to_owned(),
            phone: "+33 (0)1 23".to_owned(),
            ..events::Contact::default()
        });
        assert_eq!(read.family_name.as_str(), "Martin Anne");
        assert_eq!(read.email.unwrap().expose(), "direction@chu.local");
        assert_eq!(read.phone.unwrap().expose(), "+33 (0)1 23");
    }

    #[test]
    fn contacts_tell_nothing_when_they_are_logged() {
        let shown = format!("{:?}", contacts());
        assert!(
            !shown.contains("Martin") && !shown.contains("exemple"),
            "{shown}"
        );
    }
}

//! The contacts of a report, sealed as they rest and travel.

use platform::{DataKey, Error, Result, SealingKey};
use prost::Message as _;
use proto::events::v1::{self as events, SealedPersonalData};
use service::wire;
use uuid::Uuid;
use vocabulary::{EmailAddress, Line, PhoneNumber};

use crate::domain::{Contact, Contacts, SealedContacts};

/// Seals contacts under a key of the report's own, which is wrapped by the
/// master key.
pub(crate) fn seal_contacts(
    master: &SealingKey,
    report_id: Uuid,
    contacts: &Contacts,
) -> SealedContacts {
    let (key, wrapped_key): (DataKey, Vec<u8>) = master.new_data_key();
    let plain = SealedPersonalData {
        declarant: Some(to_wire(&contacts.declarant)),
        alternate: contacts.alternate.as_ref().map(to_wire),
    };
    SealedContacts {
        sealed: key.seal(&aad(report_id), &plain.encode_to_vec()),
        wrapped_key,
    }
}

/// Opens the contacts of a report.
pub(crate) fn open_contacts(
    master: &SealingKey,
    report_id: Uuid,
    sealed: &SealedContacts,
) -> Result<Contacts> {
    let key = master
        .unwrap_data_key(&sealed.wrapped_key)
        .map_err(Error::internal)?;
    let plain = key
        .open(&aad(report_id), &sealed.sealed)
        .map_err(Error::internal)?;
    // The cause of a failure would quote nothing, but is of no use either.
    let wire = SealedPersonalData::decode(plain.as_slice())
        .map_err(|_| Error::internal("sealed contacts cannot be decoded"))?;
    let declarant = wire
        .declarant
        .ok_or_else(|| Error::internal("sealed contacts hold no declarant"))?;
    Ok(Contacts {
        declarant: from_wire(declarant),
        alternate: wire.alternate.map(from_wire),
    })
}

/// Binds the sealed contacts to their report; consumers of the log use the same.
fn aad(report_id: Uuid) -> Vec<u8> {
    [b"report:", report_id.as_bytes().as_slice()].concat()
}

fn to_wire(contact: &Contact) -> events::Contact {
    events::Contact {
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

fn from_wire(wire: events::Contact) -> Contact {
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
        let sealed = seal_contacts(&master, Uuid::from_u128(1), &contacts());
        assert_eq!(
            open_contacts(&master, Uuid::from_u128(1), &sealed).unwrap(),
            contacts()
        );
        assert!(open_contacts(&master, Uuid::from_u128(2), &sealed).is_err());
        let stranger = SealingKey::from_bytes([8; 32]);
        assert!(open_contacts(&stranger, Uuid::from_u128(1), &sealed).is_err());
    }

    #[test]
    fn contacts_that_an_earlier_release_took_by_other_rules_stay_readable() {
        let read = from_wire(events::Contact {
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

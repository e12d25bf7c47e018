//! The contacts of a report, which travel and rest sealed.

use platform::{SealError, SealingKey};
use prost::Message as _;
use proto::events::v1::{Contact, SealedPersonalData};
use uuid::Uuid;
use vocabulary::EmailAddress;

/// Opens the contacts of a report and gives the address that its people are written
/// to: the other contact's where one was given, because the declarant's own mailbox
/// may be compromised, and none where that contact has only a telephone.
pub(crate) fn address(
    master: &SealingKey,
    report_id: Uuid,
    data_key: &[u8],
    sealed: &[u8],
) -> Result<Option<EmailAddress>, SealError> {
    let plain = master
        .unwrap_data_key(data_key)?
        .open(&contacts_aad(report_id), sealed)?;
    let contacts = SealedPersonalData::decode(plain.as_slice()).map_err(|_| SealError)?;
    let email = |contact: Option<Contact>| {
        let text = contact.map(|contact| contact.email)?;
        (!text.is_empty()).then(|| EmailAddress::from_db(&text))
    };
    let alternate = contacts
        .alternate
        .filter(|contact| *contact != Contact::default());
    Ok(if alternate.is_some() {
        email(alternate)
    } else {
        email(contacts.declarant)
    })
}

/// Binds the sealed contacts to their report.
fn contacts_aad(report_id: Uuid) -> Vec<u8> {
    [b"report:".as_slice(), report_id.as_bytes()].concat()
}

/// Binds a sealed address to its delivery.
pub(crate) fn address_aad(delivery_id: Uuid) -> Vec<u8> {
    [b"delivery:".as_slice(), delivery_id.as_bytes()].concat()
}

#[cfg(test)]
mod tests {
    use platform::SealingKey;
    use prost::Message as _;
    use proto::events::v1::{Contact, SealedPersonalData};
    use uuid::Uuid;

    use super::{address, contacts_aad};

    fn contact(email: &str) -> Contact {
        Contact {
            email: email.to_owned(),
            ..Contact::default()
        }
    }

    fn written_to(contacts: &SealedPersonalData) -> Option<String> {
        let master = SealingKey::from_bytes([3; 32]);
        let (key, wrapped) = master.new_data_key();
        let report_id = Uuid::from_u128(5);
        let sealed = key.seal(&contacts_aad(report_id), &contacts.encode_to_vec());
        let address = address(&master, report_id, &wrapped, &sealed).unwrap();
        address.map(|address| address.expose().to_owned())
    }

    #[test]
    fn the_other_contact_is_written_to_instead_of_the_declarant_or_nobody() {
        let mut contacts = SealedPersonalData {
            declarant: Some(contact("d.martin@ch.example.org")),
            alternate: Some(contact("martin@other.example.org")),
        };
        assert_eq!(
            written_to(&contacts).as_deref(),
            Some("martin@other.example.org")
        );
        contacts.alternate = Some(Contact {
            phone: "06 12 34 56 78".to_owned(),
            ..Contact::default()
        });
        assert_eq!(written_to(&contacts), None);
        contacts.alternate = Some(Contact::default());
        assert_eq!(
            written_to(&contacts).as_deref(),
            Some("d.martin@ch.example.org")
        );
    }

    #[test]
    fn an_address_that_an_earlier_release_took_is_written_to() {
        let contacts = SealedPersonalData {
            declarant: Some(contact("direction@chu.local")),
            alternate: None,
        };
        assert_eq!(
            written_to(&contacts).as_deref(),
            Some("direction@chu.local")
        );
    }

    #[test]
    fn who_gave_only_a_phone_number_is_not_written_to() {
        let contacts = SealedPersonalData {
            declarant: Some(contact("")),
            alternate: None,
        };
        assert_eq!(written_to(&contacts), None);
    }
}

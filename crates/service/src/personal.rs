//! Personal data of a report, a draft or a structure: sealed under a key of its own where
//! they rest.

use platform::{SealError, SealingKey};
use prost::Message as _;
use proto::events::v1::{CalledPerson, SealedPersonalData};
use uuid::Uuid;
use vocabulary::StructureKey;

/// Something of a report, a draft or a structure, sealed under a key of its own, with that key
/// wrapped by the master key. Erasure destroys the wrapped key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sealed {
    /// The sealed bytes.
    pub sealed: Vec<u8>,
    /// The key that opens them, wrapped.
    pub data_key: Vec<u8>,
}

impl Sealed {
    /// Seals something for a purpose under a new key.
    pub fn new(master: &SealingKey, purpose: &[u8], plain: &[u8]) -> Self {
        let (key, data_key) = master.new_data_key();
        Self {
            sealed: key.seal(purpose, plain),
            data_key,
        }
    }

    /// Seals the contacts of a new report under a key of its own.
    pub fn contacts_of(
        master: &SealingKey,
        report_id: Uuid,
        contacts: &SealedPersonalData,
    ) -> Self {
        Self::new(
            master,
            &contacts_purpose(report_id),
            &contacts.encode_to_vec(),
        )
    }

    /// Seals other contacts of the same report under its key.
    pub fn with_contacts(
        &self,
        master: &SealingKey,
        report_id: Uuid,
        contacts: &SealedPersonalData,
    ) -> Result<Self, SealError> {
        let sealed = self.seal(
            master,
            &contacts_purpose(report_id),
            &contacts.encode_to_vec(),
        )?;
        Ok(Self {
            sealed,
            data_key: self.data_key.clone(),
        })
    }

    /// Opens the contacts of a report; `None` when they do not open, which is logged:
    /// one report must not hide a list.
    pub fn contacts(&self, master: &SealingKey, report_id: Uuid) -> Option<SealedPersonalData> {
        let opened = self
            .open(master, &contacts_purpose(report_id))
            .and_then(|plain| SealedPersonalData::decode(plain.as_slice()).map_err(|_| SealError));
        if opened.is_err() {
            tracing::error!(
                report.id = %report_id,
                "the contacts of a report do not open: is the master key the one of this installation?",
            );
        }
        opened.ok()
    }

    /// Seals whom an escalation calls, under the key of the rota that names the person.
    pub fn seal_called(
        &self,
        master: &SealingKey,
        call_id: Uuid,
        person: &CalledPerson,
    ) -> Result<Vec<u8>, SealError> {
        self.seal(master, &call_purpose(call_id), &person.encode_to_vec())
    }

    /// Opens what [`seal_called`](Self::seal_called) made.
    pub fn called(&self, master: &SealingKey, call_id: Uuid) -> Result<CalledPerson, SealError> {
        let plain = self.open(master, &call_purpose(call_id))?;
        CalledPerson::decode(plain.as_slice()).map_err(|_| SealError)
    }

    /// Opens what was sealed for a purpose.
    pub fn open(&self, master: &SealingKey, purpose: &[u8]) -> Result<Vec<u8>, SealError> {
        master
            .unwrap_data_key(&self.data_key)?
            .open(purpose, &self.sealed)
    }

    /// Opens a text that was sealed under the same key for a purpose; `None` when it does not
    /// open, which is logged by what it is `about`: one text must not hide a list.
    pub fn open_text(
        &self,
        master: &SealingKey,
        purpose: &[u8],
        sealed_text: &[u8],
        about: Uuid,
    ) -> Option<String> {
        let opened = master
            .unwrap_data_key(&self.data_key)
            .and_then(|key| key.open(purpose, sealed_text));
        if opened.is_err() {
            tracing::error!(
                text.about = %about,
                "a text does not open: is the master key the one of this installation?",
            );
        }
        String::from_utf8(opened.ok()?).ok()
    }

    /// Seals something else under the same key, for another purpose.
    pub fn seal(
        &self,
        master: &SealingKey,
        purpose: &[u8],
        plain: &[u8],
    ) -> Result<Vec<u8>, SealError> {
        Ok(master.unwrap_data_key(&self.data_key)?.seal(purpose, plain))
    }
}

/// Binds the sealed text of a declaration of resolution to its report and its number: intake
/// seals what qualification opens.
pub fn resolution_purpose(report_id: Uuid, number: u32) -> Vec<u8> {
    let number = number.to_be_bytes();
    [
        b"resolution:".as_slice(),
        report_id.as_bytes(),
        number.as_slice(),
    ]
    .concat()
}

/// Binds the sealed functional mailbox of a structure to its key: intake seals what who
/// writes to structures opens.
pub fn functional_mailbox_purpose(structure: &StructureKey) -> Vec<u8> {
    format!("functional_mailbox:{structure}").into_bytes()
}

/// Binds the sealed contacts to their report.
fn contacts_purpose(report_id: Uuid) -> Vec<u8> {
    [b"report:".as_slice(), report_id.as_bytes()].concat()
}

/// Binds a sealed person to the call of an escalation.
fn call_purpose(call_id: Uuid) -> Vec<u8> {
    [b"escalation_call:".as_slice(), call_id.as_bytes()].concat()
}

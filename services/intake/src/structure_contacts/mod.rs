//! Contacts of a structure (contacts de la structure): whom to reach there before anything
//! happens, kept by itself or by its agency.

mod decide;
mod events;
mod rpc;
mod store;

use time::OffsetDateTime;
use vocabulary::{EmailAddress, Finess, Role, StructureContactRole, StructureKey};

pub(crate) use self::{
    events::changed,
    rpc::StructureContactRpc,
    store::{StoredContacts, contacts_after},
};
use crate::reports::Contact;

/// A person to reach at a structure.
#[derive(Clone, Debug, PartialEq, Eq)]
struct StructureContact {
    role: StructureContactRole,
    contact: Contact,
}

/// Whom to reach at a structure.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct ContactSet {
    persons: Vec<StructureContact>,
    /// Boîte aux lettres fonctionnelle.
    functional_mailbox: Option<EmailAddress>,
}

/// Who changed a set of contacts, and when.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Update {
    at: OffsetDateTime,
    role: Role,
    author: String,
}

/// The key of a site.
fn key(finess: Finess) -> StructureKey {
    StructureKey::Finess(finess)
}

/// What the log and the trail say that a set of contacts is about.
fn subject(finess: Finess) -> String {
    format!("structure_contacts/{}", key(finess))
}

/// Binds the sealed persons to their structure.
fn persons_purpose(finess: Finess) -> Vec<u8> {
    format!("structure_contacts:{}", key(finess)).into_bytes()
}

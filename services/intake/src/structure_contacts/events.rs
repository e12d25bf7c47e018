//! What a set of contacts announces.

use eventlog::NewEvent;
use proto::events::v1::StructureContactsChanged;
use service::wire::timestamp;
use vocabulary::derived_id;

use super::{StoredContacts, key, subject};

/// Announces a set of contacts as it stands, its persons left out. The announced revision
/// outranks that of every one before it, in whatever history of the log; the id derives from
/// the moment too, because after a restore another one takes the number of what was lost.
pub(crate) fn changed(of: &StoredContacts, base: u64) -> NewEvent {
    let key = key(of.finess).to_string();
    let revision = base + of.revision;
    let payload = StructureContactsChanged {
        structure_key: key.clone(),
        sealed_functional_mailbox: of.sealed_mailbox.clone().unwrap_or_default().into(),
        revision,
        changed_at: Some(timestamp(of.update.at)),
    };
    let at = of.update.at.unix_timestamp_nanos().to_be_bytes();
    let parts: [&[u8]; 3] = [key.as_bytes(), &of.revision.to_be_bytes(), &at];
    let id = derived_id("structure_contacts_changed", &parts);
    let event = NewEvent::new(id, subject(of.finess), of.update.at, &payload);
    match (&of.sealed_mailbox, &of.wrapped_key) {
        (Some(_), Some(wrapped_key)) => event.with_data_key(wrapped_key.clone()),
        _ => event,
    }
}

//! What the erasure of contacts announces.

use eventlog::NewEvent;
use proto::events::v1 as events;
use service::wire::timestamp;
use time::OffsetDateTime;
use vocabulary::derived_after;

use super::Treatment;

/// Announces that the contacts of a report were erased.
pub(super) fn contacts_erased(of: &Treatment, at: OffsetDateTime) -> NewEvent {
    let payload = events::ReportContactsErased {
        report_id: of.report_id.to_string(),
        reference: of.reference.clone(),
        erased_at: Some(timestamp(at)),
    };
    let parts: [&[u8]; 1] = [of.report_id.as_bytes()];
    let id = derived_after(of.report_id, "report_contacts_erased", &parts);
    NewEvent::new(id, of.subject(), at, &payload)
}

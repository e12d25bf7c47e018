//! What messages announce.

use eventlog::NewEvent;
use proto::events::v1::CaseMessagePosted;
use service::wire::timestamp;
use vocabulary::{Word as _, derived_at};

use super::{Addressee, Audience, Message};
use crate::cases::Case;

/// Announces that there is a message, to those who may read it: never what it says. An
/// internal note is announced to nobody.
pub(super) fn posted(case: &Case, message: &Message) -> Option<NewEvent> {
    let Addressee::Exchange(audience) = message.to else {
        return None;
    };
    let payload = CaseMessagePosted {
        message_id: message.id.to_string(),
        case_id: case.id.to_string(),
        report_id: case.report.id.to_string(),
        reference: case.report.reference.clone(),
        posted_at: Some(timestamp(message.posted_at)),
        author_role: message.author_role.number(),
        to_structure: audience == Audience::Structure,
        visible_to: audience.readers(&case.visible_to),
        routing_region: case.report.routing_region.clone(),
        test: case.report.test,
    };
    let parts: [&[u8]; 1] = [message.id.as_bytes()];
    let id = derived_at(message.posted_at, case.id, "message_posted", &parts);
    // Messages wait for no change of the case, nor it for them.
    let subject = format!("message/{}", message.id);
    Some(NewEvent::new(id, subject, message.posted_at, &payload))
}

//! The payloads of the log and the names under which they travel.

use crate::events::v1 as events;

/// A message that is the payload of an event.
pub trait Payload: prost::Message + Default {
    /// The CloudEvents type, as the contract documents it.
    const TYPE: &'static str;
}

macro_rules! payloads {
    ($($message:ident => $type:literal),* $(,)?) => {
        $(impl Payload for events::$message {
            const TYPE: &'static str = $type;
        })*
    };
}

payloads! {
    StructureRecorded => "vigie.structure.recorded.v1",
    ReportSubmitted => "vigie.report.submitted.v1",
    ReportWithdrawn => "vigie.report.withdrawn.v1",
    ReportContactsErased => "vigie.report.contacts_erased.v1",
    CaseChanged => "vigie.case.changed.v1",
    CaseMessagePosted => "vigie.case.message_posted.v1",
    NotificationRaised => "vigie.notification.raised.v1",
}

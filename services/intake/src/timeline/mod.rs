//! The timeline of an incident (chronologie): what happened when, in the words of the
//! structure.

mod decide;
mod events;
mod rpc;
mod store;

use time::OffsetDateTime;
use uuid::Uuid;
use vocabulary::{Role, Text};

pub(crate) use self::rpc::TimelineRpc;

/// What an entry says.
type EntryText = Text<1, 4_000>;

/// An entry of the timeline of a report as it rests, its text sealed.
#[derive(Clone, Debug, PartialEq, Eq)]
struct TimelineEntry {
    /// Derived from its author and the request.
    id: Uuid,
    report_id: Uuid,
    /// Counts the entries of the report in the order in which they were added, from 1.
    number: u32,
    happened_at: OffsetDateTime,
    author_role: Role,
    author: String,
    added_at: OffsetDateTime,
    sealed_text: Vec<u8>,
}

/// Binds the sealed text to its entry.
fn purpose(entry_id: Uuid) -> Vec<u8> {
    [b"timeline_entry:".as_slice(), entry_id.as_bytes()].concat()
}

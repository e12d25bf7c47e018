//! Messages (échanges) on a case, between the structure, the cell and the agencies.

mod decide;
mod events;
mod rpc;
mod store;

use time::OffsetDateTime;
use uuid::Uuid;
use vocabulary::{Role, Text};

pub(crate) use self::rpc::MessageRpc;

use crate::cases::Audience;

/// What a message says.
type MessageText = Text<1, 10_000>;

/// A message as it rests, its text sealed.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Message {
    /// Derived from its author and the request.
    id: Uuid,
    case_id: Uuid,
    audience: Audience,
    author_role: Role,
    author: String,
    posted_at: OffsetDateTime,
    sealed_text: Vec<u8>,
}

/// Binds the sealed text to its message.
fn purpose(message_id: Uuid) -> Vec<u8> {
    [b"message:".as_slice(), message_id.as_bytes()].concat()
}

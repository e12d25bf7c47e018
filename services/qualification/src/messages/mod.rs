//! Messages (échanges) on a case, between the structure, the cell and the agencies, the notes
//! that each organisation keeps for itself, and who has read what.

mod decide;
mod events;
mod read;
mod response;
mod rpc;
mod side;
mod store;

use time::OffsetDateTime;
use uuid::Uuid;
use vocabulary::{Role, Text};

use self::side::Side;
pub(crate) use self::{
    read::{forget_structures, unread},
    rpc::MessageRpc,
};
use crate::cases::Audience;

/// What a message says.
type MessageText = Text<1, 10_000>;

/// To whom somebody writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Addressee {
    /// Those who take part in the exchanges.
    Exchange(Audience),
    /// The author's own organisation (note interne).
    Internal,
}

impl Addressee {
    /// The slug, as told to auditors.
    const fn as_str(self) -> &'static str {
        match self {
            Self::Exchange(audience) => audience.as_str(),
            Self::Internal => "internal",
        }
    }
}

/// A message as it rests, its text sealed.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Message {
    /// Derived from its author and the request.
    id: Uuid,
    case_id: Uuid,
    to: Addressee,
    author_role: Role,
    /// The side of the author; absent where an earlier release kept the role alone.
    author_side: Option<Side>,
    author: String,
    posted_at: OffsetDateTime,
    sealed_text: Vec<u8>,
}

/// Binds the sealed text to its message.
fn purpose(message_id: Uuid) -> Vec<u8> {
    [b"message:".as_slice(), message_id.as_bytes()].concat()
}

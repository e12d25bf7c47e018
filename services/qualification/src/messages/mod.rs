//! Messages (échanges) on a case, between the structure, the cell and the agencies.

mod decide;
mod events;
mod rpc;
mod store;

use service::Parties;
use time::OffsetDateTime;
use uuid::Uuid;
use vocabulary::{Party, Role, Text};

pub(crate) use self::rpc::MessageRpc;

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

/// Who reads a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Audience {
    /// The structure, the cell, the FSSI and the agencies.
    Structure,
    /// The cell, the FSSI and the agencies. Also what a later release stored under
    /// another word: nobody else may read it.
    Agencies,
}

impl Audience {
    /// The slug, as stored.
    const fn as_str(self) -> &'static str {
        match self {
            Self::Structure => "structure",
            Self::Agencies => "agencies",
        }
    }

    /// The audience of a stored slug.
    fn stored(slug: &str) -> Self {
        if slug == Self::Structure.as_str() {
            Self::Structure
        } else {
            Self::Agencies
        }
    }

    /// Which of the parties of a case read such a message. The health authority follows
    /// cases and not their exchanges.
    fn readers(self, of_the_case: &Parties) -> Vec<String> {
        let mut slugs = of_the_case.slugs();
        slugs.retain(|slug| match slug.parse() {
            Ok(Party::Cell | Party::SecurityOfficer | Party::Region(_)) => true,
            Ok(Party::Subject(_) | Party::Structure(_) | Party::Probe) => self == Self::Structure,
            _ => false,
        });
        slugs
    }
}

/// Binds the sealed text to its message.
fn purpose(message_id: Uuid) -> Vec<u8> {
    [b"message:".as_slice(), message_id.as_bytes()].concat()
}

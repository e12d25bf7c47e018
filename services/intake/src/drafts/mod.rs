//! Drafts (brouillons) of reports, kept for their author until they are sent.

mod decide;
mod erase;
mod rpc;
mod store;

use serde::{Deserialize, Serialize};
use service::Sealed;
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

#[cfg(test)]
pub(crate) use self::erase::erase_expired;
pub(crate) use self::{erase::keep_drafts_erased, rpc::DraftRpc, store::delete_sent};

/// How large a draft may be, encoded: more than a report, whose texts are bounded, so that one
/// with a text that is too long is kept until it is mended.
const MAX_BYTES: usize = 64 * 1024;

/// How many drafts an author keeps.
const MAX_DRAFTS: usize = 20;

/// For how long a draft is kept after it was last saved.
const KEPT: Duration = Duration::days(30);

/// A draft as it rests. It is no report: whatever its author filled in is kept as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
struct SavedDraft {
    id: Uuid,
    /// The subject of who saved it, who alone sees it.
    author: String,
    times: Times,
    /// What it says.
    content: Sealed,
}

/// A draft of which somebody sends the report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SentDraft {
    pub(crate) draft_id: Uuid,
    /// The state that is sent; empty for any.
    pub(crate) etag: String,
}

/// When a draft was saved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Times {
    /// For the first time.
    created_at: OffsetDateTime,
    /// For the last time; no two saves of a draft have the same moment.
    saved_at: OffsetDateTime,
}

/// A place in the list of drafts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Position {
    /// When the last one was saved.
    #[serde(with = "time::serde::rfc3339")]
    saved_at: OffsetDateTime,
    draft_id: Uuid,
}

impl Times {
    /// Changes with every save of the draft.
    fn etag(self) -> String {
        (self.saved_at.unix_timestamp_nanos() / 1_000).to_string()
    }
}

impl SavedDraft {
    /// The place of a draft in the list.
    fn position(&self) -> Position {
        Position {
            saved_at: self.times.saved_at,
            draft_id: self.id,
        }
    }
}

/// The moment before which the drafts were last saved that are kept no longer.
fn expiry(now: OffsetDateTime) -> OffsetDateTime {
    now - KEPT
}

/// What an audit entry calls a draft.
fn subject(draft_id: Uuid) -> String {
    format!("draft/{draft_id}")
}

/// Binds the sealed content to its draft and its author.
fn purpose(author: &str, draft_id: Uuid) -> Vec<u8> {
    [b"draft:".as_slice(), draft_id.as_bytes(), author.as_bytes()].concat()
}

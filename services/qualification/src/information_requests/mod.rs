//! Requests for information (demandes de complément) on a case: what is asked of the
//! structure, until when, and what it answers.

mod decide;
mod reminder;
mod request;
mod response;
mod rpc;
mod store;

use time::OffsetDateTime;
use uuid::Uuid;
use vocabulary::{Role, Text};

pub(crate) use self::{reminder::Reminders, rpc::InformationRequestRpc};

/// What is asked.
type Question = Text<1, 10_000>;
/// What is answered.
type Answer = Text<1, 10_000>;
/// Why a request is cancelled.
type Reason = Text<1, 4_000>;

/// A request for information as it rests, its texts sealed.
#[derive(Clone, Debug, PartialEq, Eq)]
struct InformationRequest {
    /// Derived from its author and the request of the author.
    id: Uuid,
    case_id: Uuid,
    /// Its place among the requests on the case.
    number: u64,
    state: State,
    asked_by: Person,
    asked_at: OffsetDateTime,
    sealed_question: Vec<u8>,
    due_at: Option<OffsetDateTime>,
    settled: Option<Settlement>,
}

impl InformationRequest {
    /// Whether the answer was expected before a moment and has not come.
    fn is_overdue(&self, now: OffsetDateTime) -> bool {
        self.state == State::Open && self.due_at.is_some_and(|due_at| due_at <= now)
    }
}

/// Somebody who acts, in a role.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Person {
    role: Role,
    subject: String,
}

/// How a request was answered or cancelled.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Settlement {
    by: Person,
    at: OffsetDateTime,
    /// The answer, or why it was cancelled.
    sealed_answer: Option<Vec<u8>>,
}

/// Where a request stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// The structure is asked.
    Open,
    /// It answered.
    Answered,
    /// The answer is no longer needed.
    Cancelled,
    /// Something that a later release does: it is shown and left alone.
    Later,
}

impl State {
    /// The slug, as stored.
    const fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Answered => "answered",
            Self::Cancelled => "cancelled",
            Self::Later => "later",
        }
    }

    /// The state of a stored slug.
    fn stored(slug: &str) -> Self {
        let known = [Self::Open, Self::Answered, Self::Cancelled];
        let mut known = known.into_iter();
        known
            .find(|state| state.as_str() == slug)
            .unwrap_or(Self::Later)
    }
}

/// Binds the sealed question to its request.
fn question_purpose(id: Uuid) -> Vec<u8> {
    [b"information_request:question:".as_slice(), id.as_bytes()].concat()
}

/// Binds the sealed answer to its request.
fn answer_purpose(id: Uuid) -> Vec<u8> {
    [b"information_request:answer:".as_slice(), id.as_bytes()].concat()
}

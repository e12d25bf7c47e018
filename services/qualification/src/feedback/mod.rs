//! What each side learned from an incident (retour d'expérience).

mod decide;
mod rpc;
mod store;

use time::OffsetDateTime;
use uuid::Uuid;
use vocabulary::{Role, Text};

pub(crate) use self::rpc::FeedbackRpc;

/// What was learned.
type Lessons = Text<1, 10_000>;

/// Feedback as it rests, its text sealed.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Feedback {
    case_id: Uuid,
    /// The role of the side that gives it.
    side: Role,
    /// Whether the declaration was quick and useful.
    declaration: Option<Assessment>,
    /// Whether the answer was relevant.
    response: Option<Assessment>,
    sealed_lessons: Option<Vec<u8>>,
    given_at: OffsetDateTime,
    given_by: String,
}

/// How well something went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Assessment {
    /// Insuffisant.
    Insufficient,
    /// Partiellement satisfaisant.
    Partial,
    /// Satisfaisant.
    Satisfactory,
}

impl Assessment {
    /// The slug, as stored.
    const fn as_str(self) -> &'static str {
        match self {
            Self::Insufficient => "insufficient",
            Self::Partial => "partial",
            Self::Satisfactory => "satisfactory",
        }
    }

    /// The assessment of a stored slug; nothing for one of a later release.
    fn stored(slug: &str) -> Option<Self> {
        let known = [Self::Insufficient, Self::Partial, Self::Satisfactory];
        known.into_iter().find(|it| it.as_str() == slug)
    }
}

/// Binds the sealed text to the side of its case.
fn purpose(case_id: Uuid, side: Role) -> Vec<u8> {
    let side = side.to_string();
    [b"feedback:".as_slice(), side.as_bytes(), case_id.as_bytes()].concat()
}

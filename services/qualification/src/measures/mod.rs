//! Measures (mesures) on a case: proposed by the cell or asked for by the structure, and
//! what becomes of them; with the catalogue that they are taken from.
//!
//! [`TRANSITIONS`](transitions::TRANSITIONS) is the rule book (state × trigger × role);
//! the functions of [`decide`] are its only readers.

mod catalogue;
mod decide;
mod events;
mod file;
mod request;
mod response;
mod rpc;
mod store;
mod transitions;

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use uuid::Uuid;
use vocabulary::{LaterWord, Line, MeasureKind, Role, Text};

pub(crate) use self::{catalogue::Catalogue, file::open as open_catalogue, rpc::MeasureRpc};

/// What a measure is, in one line.
type Title = Line<1, 200>;

/// What a measure says, what the structure asks for, or why something is declined.
type Body = Text<1, 4_000>;

/// A measure as it rests, its texts sealed.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Measure {
    /// Derived from who began it and the request.
    id: Uuid,
    case_id: Uuid,
    /// Its place among the measures of the case, from 1; 0 before it is stored.
    number: u64,
    /// What it is for; `None` when the structure leaves that to the cell.
    kind: Option<MeasureKind>,
    /// The entry of the catalogue whose text was copied.
    copied: Option<Copied>,
    /// What became of it, oldest first; none before it is begun.
    steps: Vec<Step>,
    sealed: SealedTexts,
}

impl Measure {
    /// A measure before its first step.
    fn new(id: Uuid, case_id: Uuid) -> Self {
        Self {
            id,
            case_id,
            number: 0,
            kind: None,
            copied: None,
            steps: Vec::new(),
            sealed: SealedTexts::default(),
        }
    }

    /// Where it stands; `None` before it is begun.
    fn state(&self) -> Option<MeasureState> {
        self.steps.last().map(|step| step.state)
    }
}

/// The entry of the catalogue whose text was copied, and its edition.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Copied {
    code: String,
    version: String,
}

/// A step of a measure: where it led, when and by whom.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Step {
    state: MeasureState,
    #[serde(with = "time::serde::rfc3339")]
    at: OffsetDateTime,
    role: Role,
    subject: String,
}

/// The texts of a measure, each sealed for its part.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct SealedTexts {
    request: Option<Vec<u8>>,
    title: Option<Vec<u8>>,
    text: Option<Vec<u8>>,
    reason: Option<Vec<u8>>,
}

/// Where a measure stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
enum MeasureState {
    /// Demandée by the structure.
    AskedFor,
    /// Proposée by the cell.
    Proposed,
    /// Acceptée by the structure.
    Accepted,
    /// Refusée, by whom it was proposed to or asked of.
    Declined,
    /// Réalisée.
    Done,
    /// Retirée by the cell.
    Withdrawn,
    /// One that a later release has.
    Later(LaterWord),
}

impl MeasureState {
    const ALL: &'static [Self] = &[
        Self::AskedFor,
        Self::Proposed,
        Self::Accepted,
        Self::Declined,
        Self::Done,
        Self::Withdrawn,
    ];

    /// The slug, as stored.
    fn as_str(self) -> &'static str {
        match self {
            Self::AskedFor => "asked_for",
            Self::Proposed => "proposed",
            Self::Accepted => "accepted",
            Self::Declined => "declined",
            Self::Done => "done",
            Self::Withdrawn => "withdrawn",
            Self::Later(word) => word.as_str(),
        }
    }

    /// The label for people, in French.
    const fn french(self) -> &'static str {
        match self {
            Self::AskedFor => "demandée",
            Self::Proposed => "proposée",
            Self::Accepted => "acceptée",
            Self::Declined => "refusée",
            Self::Done => "réalisée",
            Self::Withdrawn => "retirée",
            Self::Later(_) => "d'une version plus récente",
        }
    }
}

impl From<String> for MeasureState {
    fn from(slug: String) -> Self {
        let mut known = Self::ALL.iter().copied();
        known
            .find(|state| state.as_str() == slug)
            .unwrap_or_else(|| Self::Later(LaterWord::of_slug(&slug)))
    }
}

impl From<MeasureState> for String {
    fn from(state: MeasureState) -> Self {
        state.as_str().to_owned()
    }
}

/// A text of a measure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    Request,
    Title,
    Text,
    Reason,
}

impl Part {
    /// Binds a sealed text to its measure and its part of it.
    fn purpose(self, measure_id: Uuid) -> Vec<u8> {
        let part: &[u8] = match self {
            Self::Request => b"measure request:",
            Self::Title => b"measure title:",
            Self::Text => b"measure text:",
            Self::Reason => b"measure reason:",
        };
        [part, measure_id.as_bytes()].concat()
    }
}

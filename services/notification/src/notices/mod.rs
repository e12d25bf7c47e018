//! Notices: who is told of what, by which rule, in which words.
//!
//! An event is read into a [`trigger::Trigger`]; the rules of `decide` turn it into
//! [`Notice`]s; each becomes a line of the feed, or the jobs of a channel of `deliveries`.

mod decide;
mod events;
mod fields;
mod incoming;
mod projection;
mod rule;
mod store;
mod summary;
mod texts;
mod trigger;

use std::{fmt, str::FromStr};

use time::OffsetDateTime;
use uuid::Uuid;
use vocabulary::{LaterWord, ParseError, Region};

pub use self::texts::Language;
pub(crate) use self::{
    events::NoticeEvents,
    projection::ReportProjection,
    rule::{Rule, Template},
    summary::ReportSummary,
    texts::{Branding, Mail, headline, mail},
    trigger::Trigger,
};

/// Something that a rule has somebody told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Notice {
    /// The event that it derives from.
    pub(crate) cause: Uuid,
    /// The rule that asks for it.
    pub(crate) rule: Rule,
    /// How it is told, and to whom.
    pub(crate) channel: Channel,
    /// Until when something is expected, if it is.
    pub(crate) due_at: Option<OffsetDateTime>,
}

/// How somebody is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Channel {
    /// By the stream, to all who may see the event.
    Feed,
    /// By a mail of its own.
    Mail(Recipient, Template),
    /// By the digest of the day.
    Digest(Recipient),
}

/// What a mail says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Content {
    /// A report as it stood.
    Report(Template, Box<ReportSummary>),
    /// The references that a digest lists.
    Digest(Vec<String>),
    /// A report as it stands, and the call of somebody on call.
    Call(Box<ReportSummary>, Called),
}

/// Somebody on call who is called.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Called {
    /// The name.
    pub(crate) name: String,
    /// Acknowledges the escalation without a login.
    pub(crate) token: String,
    /// Where a browser does that with the token, if there is such a place.
    pub(crate) link: Option<String>,
    /// Until when an answer is expected.
    pub(crate) answer_before: OffsetDateTime,
}

impl fmt::Debug for Called {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Called([REDACTED])")
    }
}

/// Who must be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Recipient {
    /// The declarant, at the other contact when he gave one.
    Declarant,
    /// The agence régionale de santé (ARS) of a region.
    Agency(Region),
    /// The fonctionnaire de sécurité des systèmes d'information (FSSI).
    SecurityOfficer,
    /// The national cell.
    Cell,
    /// The health authority (DGS/CORRUSS).
    HealthAuthority,
    /// The on-call chain (astreinte).
    OnCall,
    /// Somebody whom a later release tells.
    Later(LaterWord),
}

impl Recipient {
    /// Reads a stored recipient.
    pub(crate) fn stored(text: &str) -> Self {
        text.parse()
            .unwrap_or_else(|_: ParseError| Self::Later(LaterWord::of_slug(text)))
    }
}

impl fmt::Display for Recipient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Declarant => f.write_str("declarant"),
            Self::Agency(region) => write!(f, "ars:{}", region.code()),
            Self::SecurityOfficer => f.write_str("fssi"),
            Self::Cell => f.write_str("cell"),
            Self::HealthAuthority => f.write_str("dgs"),
            Self::OnCall => f.write_str("on_call"),
            Self::Later(word) => f.write_str(word.as_str()),
        }
    }
}

impl FromStr for Recipient {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "declarant" => Ok(Self::Declarant),
            "fssi" => Ok(Self::SecurityOfficer),
            "cell" => Ok(Self::Cell),
            "dgs" => Ok(Self::HealthAuthority),
            "on_call" => Ok(Self::OnCall),
            _ => match text.strip_prefix("ars:") {
                Some(code) => Ok(Self::Agency(code.parse()?)),
                None => Err(ParseError::new("recipient", "not one of its words")),
            },
        }
    }
}

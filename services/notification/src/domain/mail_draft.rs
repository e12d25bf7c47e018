//! A message to somebody, before it has an address.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use vocabulary::{LaterWord, ParseError, Region};

use super::{rule::Rule, summary::ReportSummary};

/// A message that a rule asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct MailDraft {
    /// The rule that asks for it.
    pub(crate) rule: Rule,
    /// Who must be told.
    pub(crate) recipient: Recipient,
    /// What it says.
    pub(crate) content: Content,
}

/// What a message says; kept until it is sent and rendered then.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Content {
    /// Its template.
    pub(crate) template: Template,
    /// The report as it stood; nothing for a digest.
    pub(crate) summary: ReportSummary,
    /// The references that a digest lists.
    #[serde(default)]
    pub(crate) references: Vec<String>,
}

impl Content {
    /// What a message says of a report.
    pub(crate) fn of_report(template: Template, summary: ReportSummary) -> Self {
        Self {
            template,
            summary,
            references: Vec::new(),
        }
    }
}

/// The template of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Template {
    /// The declarant's own report was registered (accusé de réception).
    Receipt,
    /// A report was submitted.
    Submission,
    /// A report was submitted outside working hours.
    SubmissionOutOfHours,
    /// The qualification confirmed a health impact (impact sanitaire).
    HealthImpact,
    /// An incident was judged major (majeur).
    Major,
    /// A report was withdrawn as a false alarm.
    Withdrawal,
    /// The case was closed (clôture).
    Closing,
    /// Reports of a past date were entered (saisie a posteriori).
    Digest,
    /// The structure was written to on its case (échanges).
    Message,
    /// The structure wrote on its case.
    MessageOfStructure,
}

impl Template {
    /// Every template that this release can write about.
    pub(crate) const ALL: [Self; 10] = [
        Self::Receipt,
        Self::Submission,
        Self::SubmissionOutOfHours,
        Self::HealthImpact,
        Self::Major,
        Self::Withdrawal,
        Self::Closing,
        Self::Digest,
        Self::Message,
        Self::MessageOfStructure,
    ];
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

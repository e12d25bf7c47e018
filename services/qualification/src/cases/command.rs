//! What is asked of a case, by people and by the events of its report, and why a command is
//! refused.

use service::Parties;
use time::OffsetDateTime;
use uuid::Uuid;
use vocabulary::{CareImpact, CaseState, Line, Role, Text};

use super::{Report, Triage, transitions::Trigger};
use crate::deadlines::ReportTick;

/// What people make of a case, by a command of its own or by what they do on it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Command {
    /// Take it in charge (prise en charge), or over from a colleague.
    Claim,
    /// Hand it over to a colleague (transmission).
    HandOver {
        /// The subject of the colleague.
        assignee: Subject,
        /// A note for those who follow the case.
        note: Option<Note>,
    },
    /// Request information of the structure (demande de complément).
    Ask,
    /// Give the answer, or give up the request, that the case waited for last.
    Answer,
    /// Begin the treatment.
    Treat,
    /// Record consequences for care (conséquences sur l'offre de soins).
    RecordCare {
        /// The impact on care that they stand for.
        impact: CareImpact,
    },
    /// Qualify it.
    Qualify(Scope),
    /// Judge it major (majeur), and leave the rest of the judgement as it is.
    DeclareMajor {
        /// Why, for those who follow the case.
        reason: Note,
    },
    /// Take its pilotage, or take it over from a colleague.
    TakePilot,
    /// End it as a duplicate (doublon).
    MarkDuplicate {
        /// The case that goes on.
        of: Uuid,
        /// Why, for those who follow the case.
        note: Option<Note>,
    },
    /// Attach it to the case of a common cause (rattachement).
    Attach {
        /// That case.
        to: Uuid,
        /// Why, for those who follow the case.
        note: Option<Note>,
    },
    /// Detach it again.
    Detach {
        /// Why, for those who follow the case.
        note: Option<Note>,
    },
    /// Open it again (réouverture).
    Reopen {
        /// Why, for those who follow the case.
        note: Note,
    },
    /// Close it (clôture).
    Close {
        /// Retour d'expérience.
        lessons: Option<Lessons>,
    },
}

impl Command {
    /// The column of the table of transitions.
    pub(crate) const fn trigger(&self) -> Trigger {
        match self {
            Self::Claim => Trigger::Claim,
            Self::HandOver { .. } => Trigger::HandOver,
            Self::Ask => Trigger::Ask,
            Self::Answer => Trigger::Answer,
            Self::Treat => Trigger::Treat,
            Self::RecordCare { .. } => Trigger::RecordCare,
            Self::MarkDuplicate { .. } => Trigger::MarkDuplicate,
            Self::Attach { .. } => Trigger::Attach,
            Self::Detach { .. } => Trigger::Detach,
            Self::Reopen { .. } => Trigger::Reopen,
            Self::Qualify(Scope::In { .. }) => Trigger::QualifyIn,
            Self::Qualify(Scope::Out { .. }) => Trigger::QualifyOut,
            Self::DeclareMajor { .. } => Trigger::DeclareMajor,
            Self::TakePilot => Trigger::TakePilot,
            Self::Close { .. } => Trigger::Close,
        }
    }
}

/// Whether the report is one of those the cell treats.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Scope {
    /// Dans le périmètre.
    In {
        /// The judgement confirmed.
        triage: Triage,
        /// A note for those who follow the case.
        note: Option<Note>,
    },
    /// Hors périmètre.
    Out {
        /// Why, for those who follow the case.
        note: Note,
    },
}

/// Who a person is, as the issuer of tokens says.
pub(crate) type Subject = Line<1, 200>;

/// A note for those who follow a case.
pub(crate) type Note = Text<1, 4_000>;

/// Retour d'expérience.
pub(crate) type Lessons = Text<1, 10_000>;

/// The declarant withdrew the report as a false alarm (retrait).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Withdrawal {
    /// Why, in the declarant's words.
    pub(crate) reason: String,
}

/// A report as it was announced: submitted, or completed and corrected (complément).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Announced {
    /// How the report came to stand so.
    pub(crate) by: AnnouncedBy,
    /// The report.
    pub(crate) report: Report,
    /// What the rules propose by it.
    pub(crate) proposed: Triage,
    /// Who sees it.
    pub(crate) visible_to: Parties,
    /// The fields that an amendment changed, by their paths in the contract; `None` where it
    /// was submitted so.
    pub(crate) changed_paths: Option<Vec<String>>,
    /// When a person sent it; absent of what a program did.
    pub(crate) sent_by_person_at: Option<OffsetDateTime>,
    /// The report of the same cause that it names, where its author sees that.
    pub(crate) cause: Option<Uuid>,
    /// What its clock is told; absent of a test, and where it does not say since when the
    /// structure is aware of it.
    pub(crate) tick: Option<ReportTick>,
}

/// Why a command is not carried out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// The state of the case does not allow it.
    WrongState(CaseState),
    /// The role never gives this command.
    WrongRole(Role),
    /// A later release wrote what this one could not pass on.
    Ahead,
    /// The personal data of the report are erased.
    Erased,
    /// A case is no duplicate of itself.
    OfItself,
    /// Others are attached to the case, which would be left without one that goes on.
    HasChildren,
}

/// How a report came to stand as it is announced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AnnouncedBy {
    /// It was submitted, completed or corrected.
    Declarant,
    /// The cell or the agency decided on the declarant's link to the structure.
    LinkDecision,
    /// They attached it to its structure.
    Attachment,
}

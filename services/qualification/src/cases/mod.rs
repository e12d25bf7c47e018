//! Cases (dossiers): opened for every report, led from qualification to closure.
//!
//! [`TRANSITIONS`](transitions::TRANSITIONS) is the rule book (state × command × role);
//! the functions of [`decide`] are its only readers.

mod announce;
mod audience;
mod care;
mod command;
mod decide;
mod events;
mod history;
mod incoming;
mod list;
mod milestones;
mod request;
mod response;
mod rpc;
mod search;
mod step;
mod store;
#[cfg(test)]
pub(crate) mod tests;
mod transitions;
mod withdrawal;

use std::collections::BTreeSet;

use service::{Parties, Sealed};
use time::OffsetDateTime;
use uuid::Uuid;
use vocabulary::{
    CareImpact, CaseState, DeclarantLink, Impacts, LaterWord, Origin, OriginType, ReportKind, Role,
    Severity, StructureKind, WaitingFor, Word, derived_after,
};

pub(crate) use self::{
    announce::{Activity, AllCases, activity},
    audience::Audience,
    decide::{Command, Note},
    events::ReportEvents,
    history::lost_sight,
    list::CaseName,
    milestones::Targets,
    request::{case_name, declare_major, take_pilot},
    response::{Shown, to_keep},
    rpc::{CaseRpc, audit_case, check_etag},
    step::{acting_on, record_care, roles_on, step, treat},
    store::{find_case, lock_case, lock_cases, read_case, read_cases},
};

/// The id of the case of a report, which nothing else decides: a report has one case.
pub(crate) fn case_id_of(report_id: Uuid) -> Uuid {
    derived_after(report_id, "case", &[report_id.as_bytes()])
}

/// A case (dossier): the treatment of one report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Case {
    /// See [`case_id_of`].
    pub(crate) id: Uuid,
    /// Counts the changes, from 1.
    pub(crate) revision: u64,
    /// Where the treatment stands.
    pub(crate) state: CaseState,
    /// The report, as it was announced last.
    pub(crate) report: Report,
    /// When the case was opened.
    pub(crate) opened_at: OffsetDateTime,
    /// When it last changed.
    pub(crate) changed_at: OffsetDateTime,
    /// What the rules propose, from what was declared.
    pub(crate) proposed: Triage,
    /// What the cell confirmed last.
    pub(crate) confirmed: Option<Triage>,
    /// Subject of the analyst in charge.
    pub(crate) assignee: Option<String>,
    /// Who sees it.
    pub(crate) visible_to: Parties,
    /// How it ended, once closed.
    pub(crate) closure: Option<Closure>,
    /// The case that goes on in its place.
    pub(crate) duplicate_of: Option<Uuid>,
    /// Subject of the officer (FSSI) who pilots the treatment.
    pub(crate) pilot: Option<String>,
    /// The case of the common cause to which it is attached.
    pub(crate) parent: Option<Uuid>,
    /// How many cases are attached to it; counted when it is read.
    pub(crate) children: u64,
    /// Until when the first of the open requests for information is to be answered; written
    /// by those.
    pub(crate) answer_due_at: Option<OffsetDateTime>,
    /// What the structure declared last of the end of its incident.
    pub(crate) resolution: Option<Resolution>,
    /// The gravest impact of the consequences for care that an agency recorded, which make the
    /// health impact certain.
    pub(crate) care_recorded: Option<CareImpact>,
    /// Whom it waited for when it was read: follows from what is said and asked on it.
    pub(crate) waiting_for: BTreeSet<WaitingFor>,
}

impl Case {
    /// The judgement that holds: the confirmed one, else the proposed one.
    pub(crate) fn triage(&self) -> &Triage {
        self.confirmed.as_ref().unwrap_or(&self.proposed)
    }

    /// Whether it is treated no more.
    pub(crate) fn is_ended(&self) -> bool {
        use CaseState::{Closed, Duplicate, OutOfScope, Withdrawn};
        matches!(self.state, Closed | OutOfScope | Duplicate | Withdrawn)
    }

    /// Whether others may be attached to it as to their common cause: it is attached to
    /// none itself, and goes on.
    pub(crate) fn may_lead(&self) -> bool {
        self.parent.is_none() && !self.is_ended()
    }

    /// Whether a later release wrote something of it that this one could neither
    /// judge nor pass on. It is shown without that, and left alone.
    pub(crate) fn is_ahead(&self) -> bool {
        matches!(self.state, CaseState::Later(_)) || !self.triage().can_be_passed_on()
    }
}

/// What a case keeps of its report (signalement), as amended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Report {
    /// Its id.
    pub(crate) id: Uuid,
    /// Counts what was declared: 1 as submitted, greater as amended.
    pub(crate) revision: u64,
    /// Its reference for people.
    pub(crate) reference: String,
    /// What is reported.
    pub(crate) kind: Option<ReportKind>,
    /// Name of the structure.
    pub(crate) structure_name: String,
    /// Kind of the structure, where it is known.
    pub(crate) structure_kind: Option<StructureKind>,
    /// Its town, where it is known.
    pub(crate) structure_town: Option<String>,
    /// Its key, "finess:010000024", where it is known: what the case is found by.
    pub(crate) structure_key: Option<String>,
    /// Where it is routed: INSEE code of a region, "national", "synthetic".
    pub(crate) routing_region: String,
    /// When it was declared.
    pub(crate) declared_at: OffsetDateTime,
    /// What the declarant wrote.
    pub(crate) description: String,
    /// Accompaniment by the cell is asked for.
    pub(crate) assistance_requested: bool,
    /// A test of a prober: never counted nor announced.
    pub(crate) test: bool,
    /// The reference of a report of the same cause, as the declaration names it.
    pub(crate) cause_reference: Option<String>,
    /// What is known of the declarant's link to the structure, where its announcement tells.
    pub(crate) link: Option<DeclarantLink>,
    /// The contacts, as they came; absent once erased.
    pub(crate) sealed: Option<Sealed>,
}

/// The judgement on a report: origin, impacts and severity.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(crate) struct Triage {
    /// Where it comes from; `None` when not said.
    pub(crate) origin: Option<Origin>,
    /// Types of the origin.
    pub(crate) origin_types: BTreeSet<OriginType>,
    /// The impacts.
    pub(crate) impacts: Impacts,
    /// Serious, significant, major.
    pub(crate) severity: Severity,
}

impl Triage {
    /// Whether each word has its number in the contracts.
    fn can_be_passed_on(&self) -> bool {
        let Impacts {
            data,
            data_natures,
            care,
            patient_endangerment,
            reach,
            persons_affected: _,
            care_duration_hours: _,
            may_affect_others: _,
        } = &self.impacts;
        all_numbered(&self.origin)
            && all_numbered(&self.origin_types)
            && all_numbered(data)
            && all_numbered(data_natures)
            && all_numbered(care)
            && all_numbered(patient_endangerment)
            && all_numbered(reach)
    }
}

fn all_numbered<'a, W: Word>(words: impl IntoIterator<Item = &'a W>) -> bool {
    words.into_iter().all(|word| word.number() != 0)
}

/// How a case ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Closure {
    /// Retour d'expérience.
    pub(crate) lessons_learned: String,
    /// When.
    pub(crate) closed_at: OffsetDateTime,
}

/// What the structure declared of the end of its incident (résolution, art. D.1111-16-3 CSP).
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(crate) struct Resolution {
    /// Counts the declarations of the report, from 1.
    pub(crate) number: u32,
    /// When the incident was over.
    #[serde(with = "time::serde::rfc3339")]
    pub(crate) resolved_at: OffsetDateTime,
    /// When that was declared.
    #[serde(with = "time::serde::rfc3339")]
    pub(crate) declared_at: OffsetDateTime,
    /// The role in which it was declared.
    pub(crate) declared_by: Option<Role>,
    /// An agency did so for the structure, whose declarant is told of it.
    #[serde(default)]
    pub(crate) on_behalf: bool,
    /// How, sealed under the key of the contacts; in a column of its own.
    #[serde(skip)]
    pub(crate) sealed_how: Vec<u8>,
}

/// An entry of the history: one change of a case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Change {
    /// The case.
    pub(crate) case_id: Uuid,
    /// The revision it made.
    pub(crate) revision: u64,
    /// When.
    pub(crate) at: OffsetDateTime,
    /// What was done.
    pub(crate) action: Action,
    /// The state after it.
    pub(crate) state: CaseState,
    /// Who did it.
    pub(crate) actor: Actor,
    /// A note for those who follow the case, or empty.
    pub(crate) note: String,
    /// The judgement confirmed by it.
    pub(crate) triage: Option<Triage>,
    /// The event of another service that caused it.
    pub(crate) cause: Option<Uuid>,
    /// Who saw the case before it and sees it no more; of a change that was just made.
    pub(crate) lost: Vec<String>,
}

/// What was done to a case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Action {
    /// Opened from a report.
    Opened,
    /// Prise en charge by an analyst.
    Claimed,
    /// Qualified in scope.
    Qualified,
    /// Mise hors périmètre.
    OutOfScope,
    /// Clos.
    Closed,
    /// Transmis to another analyst.
    HandedOver,
    /// Complément demandé to the structure.
    Asked,
    /// Complément reçu, or no longer needed.
    Answered,
    /// Traitement commencé.
    TreatmentBegun,
    /// Résolu, as the structure declared.
    Resolved,
    /// Doublon of another case.
    Duplicate,
    /// Rattaché to the case of a common cause.
    Attached,
    /// Détaché from it.
    Detached,
    /// Rouvert.
    Reopened,
    /// Signalement complété by the declarant.
    Amended,
    /// Pilotage pris by an officer (FSSI).
    PilotTaken,
    /// Lien du déclarant avec la structure confirmé ou rejeté by the cell or the agency.
    LinkDecided,
    /// Signalement rattaché à sa structure by the cell or the agency.
    ReportAttached,
    /// Conséquence sur l'offre de soins, recorded by an agency.
    CareRecorded,
    /// Retiré by the declarant.
    Withdrawn,
    /// An event that does not fit the state came.
    Noted,
    /// Something that a later release does.
    Later(LaterWord),
}

impl Action {
    const ALL: &'static [Self] = &[
        Self::Opened,
        Self::Claimed,
        Self::Qualified,
        Self::OutOfScope,
        Self::Closed,
        Self::HandedOver,
        Self::Asked,
        Self::Answered,
        Self::TreatmentBegun,
        Self::Resolved,
        Self::Duplicate,
        Self::Attached,
        Self::Detached,
        Self::Reopened,
        Self::Amended,
        Self::PilotTaken,
        Self::LinkDecided,
        Self::ReportAttached,
        Self::CareRecorded,
        Self::Withdrawn,
        Self::Noted,
    ];

    /// The slug, as stored and as shown in the history.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Opened => "opened",
            Self::Claimed => "claimed",
            Self::Qualified => "qualified",
            Self::OutOfScope => "out_of_scope",
            Self::Closed => "closed",
            Self::HandedOver => "handed_over",
            Self::Asked => "asked",
            Self::Answered => "answered",
            Self::TreatmentBegun => "treatment_begun",
            Self::Resolved => "resolved",
            Self::Duplicate => "duplicate",
            Self::Attached => "attached",
            Self::Detached => "detached",
            Self::Reopened => "reopened",
            Self::Amended => "amended",
            Self::PilotTaken => "pilot_taken",
            Self::LinkDecided => "link_decided",
            Self::ReportAttached => "report_attached",
            Self::CareRecorded => "care_recorded",
            Self::Withdrawn => "withdrawn",
            Self::Noted => "noted",
            Self::Later(word) => word.as_str(),
        }
    }

    /// The action of a stored slug.
    pub(crate) fn stored(slug: &str) -> Self {
        let mut known = Self::ALL.iter().copied();
        known
            .find(|action| action.as_str() == slug)
            .unwrap_or_else(|| Self::Later(LaterWord::of_slug(slug)))
    }
}

/// Who acts on a case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Actor {
    /// The suite itself, on an event of another service.
    System,
    /// A person, in one role.
    Person {
        /// The role in which the person acts.
        role: Role,
        /// Who acts.
        subject: String,
    },
}

impl Actor {
    /// The role by which the table of transitions knows the actor.
    pub(crate) const fn role(&self) -> Role {
        match self {
            Self::System => Role::Service,
            Self::Person { role, .. } => *role,
        }
    }

    /// The subject of a person.
    pub(crate) fn subject(&self) -> Option<&str> {
        match self {
            Self::System => None,
            Self::Person { subject, .. } => Some(subject),
        }
    }
}

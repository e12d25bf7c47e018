//! A report as the suite keeps it.

use std::collections::BTreeSet;

use time::OffsetDateTime;
use uuid::Uuid;
use vocabulary::{
    CaseState, Channel, Department, OperatorStatus, Party, Reference, RoutingRegion, StructureKey,
    StructureKind,
};

use super::{Facts, Refusal};

/// A report as the suite keeps it (signalement).
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Report {
    /// Derived from its author and his request.
    pub(crate) id: Uuid,
    /// For people, to quote on the telephone.
    pub(crate) reference: Reference,
    /// What was declared.
    pub(crate) facts: Facts,
    /// Who declared; absent once erased.
    pub(crate) contacts: Option<SealedContacts>,
    /// The structure as it stood at the declaration.
    pub(crate) structure: ReportedStructure,
    /// Where it is routed.
    pub(crate) routing_region: RoutingRegion,
    /// Who sees it.
    pub(crate) visible_to: BTreeSet<Party>,
    /// By which way it came.
    pub(crate) channel: Channel,
    /// When the suite acknowledged it.
    pub(crate) received_at: OffsetDateTime,
    /// When it was declared.
    pub(crate) declared_at: OffsetDateTime,
    /// Its withdrawal, if it was a false alarm.
    pub(crate) withdrawal: Option<Withdrawal>,
    /// Where its treatment stands, as far as it is known here.
    pub(crate) case: Option<CaseProgress>,
    /// Counts the report's own changes, from 1. The progress of its case is not
    /// one: a declarant may withdraw what he saw although an analyst took it.
    pub(crate) revision: u64,
}

/// The contacts under the report's own key; destroying the wrapped key erases
/// them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SealedContacts {
    /// The sealed contacts.
    pub(crate) sealed: Vec<u8>,
    /// The report's key, wrapped by the master key.
    pub(crate) wrapped_key: Vec<u8>,
}

/// A structure as it stood when a report about it was declared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ReportedStructure {
    /// Its key: the directory's where it is known, else the declarant's.
    pub(crate) key: StructureKey,
    /// Its name, or nothing where only a number is known.
    pub(crate) name: String,
    /// Its kind, from the directory or as declared.
    pub(crate) kind: Option<StructureKind>,
    /// Its department.
    pub(crate) department: Option<Department>,
    /// Its town.
    pub(crate) town: Option<String>,
    /// Its critical-operator status, from the directory or as declared.
    pub(crate) operator_status: Option<OperatorStatus>,
    /// The author's link to it was verified.
    pub(crate) link_verified: bool,
}

/// The withdrawal of a report (retrait).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Withdrawal {
    /// When.
    pub(crate) at: OffsetDateTime,
    /// Why, in the declarant's words.
    pub(crate) reason: String,
}

/// Where the treatment of a report stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct CaseProgress {
    /// The case.
    pub(crate) case_id: Uuid,
    /// Its state.
    pub(crate) state: Option<CaseState>,
    /// Its revision: the greatest wins.
    pub(crate) revision: u64,
}

/// Where a report stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ReportState {
    /// Soumis.
    Submitted,
    /// Retiré.
    Withdrawn,
}

impl ReportState {
    /// The slug, as stored.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Submitted => "submitted",
            Self::Withdrawn => "withdrawn",
        }
    }
}

impl Report {
    /// A test is never counted nor announced.
    pub(crate) fn is_test(&self) -> bool {
        self.channel == Channel::Probe
    }

    /// Where the report stands.
    pub(crate) fn state(&self) -> ReportState {
        match self.withdrawal {
            None => ReportState::Submitted,
            Some(_) => ReportState::Withdrawn,
        }
    }

    /// Changes with every change of the report.
    pub(crate) fn etag(&self) -> String {
        self.revision.to_string()
    }

    /// What the log says the report is about.
    pub(crate) fn subject(&self) -> String {
        format!("report/{}", self.id)
    }

    /// The report after its withdrawal; an empty `etag` stands for any.
    pub(crate) fn withdraw(mut self, withdrawal: Withdrawal, etag: &str) -> Result<Self, Refusal> {
        if self.withdrawal.is_some() {
            return Err(Refusal::AlreadyWithdrawn);
        }
        if !etag.is_empty() && etag != self.etag() {
            return Err(Refusal::EtagMismatch);
        }
        self.withdrawal = Some(withdrawal);
        self.revision += 1;
        Ok(self)
    }
}

//! Reports (signalements): checked, submitted, shown, listed and withdrawn. What they say
//! later is that of `amendments`.

mod batcher;
mod bulk;
mod channel;
mod consequences;
mod contacts;
mod decide;
mod draft;
mod events;
mod facts;
mod found;
mod list;
mod metrics;
mod next_steps;
#[cfg(test)]
pub(crate) mod properties;
mod reference;
mod request;
mod response;
mod routing;
mod rpc;
#[cfg(test)]
pub(crate) mod samples;
mod store;
#[cfg(test)]
mod tests;
mod warnings;

use std::collections::BTreeSet;

use service::{Deadlines, Sealed};
use time::OffsetDateTime;
use uuid::Uuid;
use vocabulary::{
    Capacity, Channel, DeclarantLink, Department, Medium, OperatorStatus, Party, Reference, Region,
    ReportStage, Role, RoutingRegion, StructureKey, StructureKind,
};

pub(crate) use self::{
    batcher::Queue,
    consequences::{Consequences, is_done, set_off},
    contacts::{
        open as open_contacts, read as read_contact, said as contact_to_wire,
        to_wire as contacts_to_seal,
    },
    decide::{Context, Decision, Refusal, acting_role, settle},
    draft::{moment, read as read_draft, to_wire as draft_to_wire},
    events::{announced, submitted, withdrawn},
    facts::{
        CLOCK_DRIFT, Contact, Contacts, Description, Draft, EARLIEST, Facts, Label, LongText,
        MAX_DRAFT_BYTES, MAX_ORIGIN_TYPES, PersonName, StructureIdentifier, needs_product,
        needs_vendor,
    },
    found::is_placeholder,
    list::ReportName,
    reference::ReferenceNumbers,
    request::report_name,
    response::consequences as consequences_to_wire,
    rpc::{MAX_PAGE_BYTES, ReportRpc},
    store::{ReportRow, find, lock, reports_after},
};
use crate::{amendments::Revision, cases::CaseProgress};

/// What the installation says of the outer world.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    /// Telephone of the cell for emergencies.
    pub(crate) emergency_phone: String,
    /// Domain of the mailboxes of the agencies, as in `ssi-occitanie@…`.
    pub(crate) agency_mail_domain: String,
    /// The rule pack of deadlines, if there is one.
    pub(crate) deadlines: Deadlines,
}

/// Who declares, amends or withdraws, as far as the rules ask.
#[derive(Clone, Debug)]
pub(crate) struct Author {
    /// The stable name.
    pub(crate) subject: String,
    /// What the author is.
    pub(crate) roles: BTreeSet<Role>,
    /// The region for which a regional author acts.
    pub(crate) region: Option<Region>,
    /// The structures whose link to the author is verified.
    pub(crate) structures: BTreeSet<StructureKey>,
    /// What the cell or the agency decided of the link to the structure of the report.
    pub(crate) decided: Option<DeclarantLink>,
}

/// How a declaration came by other means to who enters it (saisie pour le compte de).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct OnBehalf {
    /// How it came.
    medium: Medium,
    /// When it came; `None` for now.
    received_at: Option<OffsetDateTime>,
}

/// Who entered a declaration for the person who made it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct EnteredBy {
    /// How it came.
    pub(crate) medium: Medium,
    /// The subject of who entered it, in the role that the channel tells.
    pub(crate) subject: String,
}

/// A report as the suite keeps it (signalement).
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Report {
    /// Begins with the moment of the request that made it.
    pub(crate) id: Uuid,
    /// For people, to quote on the telephone.
    pub(crate) reference: Reference,
    /// What was declared, as amended.
    pub(crate) facts: Facts,
    /// The report of the same cause that it names, where its author sees that.
    pub(crate) cause: Option<Uuid>,
    /// Who declared; absent once erased.
    pub(crate) contacts: Option<Sealed>,
    /// The structure as it stood at the declaration, or at its last amendment.
    pub(crate) structure: ReportedStructure,
    /// Where it is routed.
    pub(crate) routing_region: RoutingRegion,
    /// Who sees it.
    pub(crate) visible_to: BTreeSet<Party>,
    /// By which way it came.
    pub(crate) channel: Channel,
    /// Who entered it for the person who declared, if somebody did.
    pub(crate) entered_by: Option<EnteredBy>,
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
    /// The revision of what was declared, once it was amended.
    pub(crate) amendment: Option<Revision>,
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
    /// What is known of the author's link to it.
    pub(crate) link: DeclarantLink,
}

/// The withdrawal of a report (retrait).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Withdrawal {
    /// When.
    pub(crate) at: OffsetDateTime,
    /// Why, in the declarant's words.
    pub(crate) reason: String,
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

impl ReportedStructure {
    /// What the cell or the agency decided of the author's link, if they did.
    pub(crate) fn decided_link(&self) -> Option<DeclarantLink> {
        let is_decided = matches!(
            self.link,
            DeclarantLink::Confirmed | DeclarantLink::Rejected
        );
        is_decided.then_some(self.link)
    }
}

impl Author {
    /// Whether the author has the role.
    fn has(&self, role: Role) -> bool {
        self.roles.contains(&role)
    }
}

impl Report {
    /// A test is never counted nor announced.
    pub(crate) fn is_test(&self) -> bool {
        self.channel == Channel::Probe
    }

    /// How far the declaration is completed.
    pub(crate) fn stage(&self) -> ReportStage {
        let amendment = self.amendment.as_ref();
        amendment.map_or(ReportStage::FirstDeclaration, |it| it.stage)
    }

    /// Counts what was declared, from 1: the submission.
    pub(crate) fn declared_revision(&self) -> u64 {
        self.amendment.as_ref().map_or(1, |it| it.number)
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

    /// The parties that see the report among a caller's own.
    pub(crate) fn seen_by<'a>(&'a self, own: &'a [String]) -> impl Iterator<Item = &'a Party> {
        let parties = self.visible_to.iter();
        parties.filter(|party| own.contains(&party.to_string()))
    }

    /// Whether somebody who speaks for the structure in a role does so for a declarant, who is
    /// told of it: an agency that declared itself knows.
    pub(crate) fn is_on_behalf(&self, role: Role) -> bool {
        role == Role::RegionalAgent && self.facts.capacity != Capacity::Agency
    }

    /// What the log says the report is about.
    pub(crate) fn subject(&self) -> String {
        format!("report/{}", self.id)
    }

    /// The report after its withdrawal; an empty `etag` stands for any.
    fn withdraw(mut self, withdrawal: Withdrawal, etag: &str) -> Result<Self, Refusal> {
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

//! The events of other services, as far as they concern those to be told.

use std::collections::BTreeSet;

use service::Parties;
use time::OffsetDateTime;
use uuid::Uuid;
use vocabulary::{CaseActivity, Impacts, Origin, OriginType, Party, RoutingRegion, Severity};

use super::ReportSummary;

/// Something that happened to a report or to its case.
#[derive(Clone, Debug)]
pub(crate) enum Trigger {
    /// A report was submitted.
    Submitted(Submission),
    /// A declaration was completed or corrected.
    Amended(Amendment),
    /// A report was withdrawn as a false alarm.
    Withdrawn(Withdrawal),
    /// A case changed.
    CaseChanged(CaseUpdate),
    /// Something happened on a case beside its state.
    Activity(Activity),
}

impl Trigger {
    /// The report it is about.
    pub(crate) fn report_id(&self) -> Uuid {
        match self {
            Self::Submitted(submission) => submission.report_id,
            Self::Amended(amendment) => amendment.report.report_id,
            Self::Withdrawn(withdrawal) => withdrawal.report_id,
            Self::CaseChanged(news) => news.report_id,
            Self::Activity(activity) => activity.report_id,
        }
    }

    /// The parties that may see it.
    pub(crate) fn audience(&self) -> &Parties {
        match self {
            Self::Submitted(submission) => &submission.audience,
            Self::Amended(amendment) => &amendment.report.audience,
            Self::Withdrawn(withdrawal) => &withdrawal.audience,
            Self::CaseChanged(news) => &news.audience,
            Self::Activity(activity) => &activity.audience,
        }
    }

    /// Whether it is a test: never announced but to probers.
    pub(crate) fn is_test(&self) -> bool {
        match self {
            Self::Submitted(submission) => submission.test,
            Self::Amended(amendment) => amendment.report.test,
            Self::Withdrawn(withdrawal) => withdrawal.test,
            Self::CaseChanged(news) => news.test,
            Self::Activity(activity) => activity.test,
        }
    }
}

/// A report was submitted.
#[derive(Clone, Debug)]
pub(crate) struct Submission {
    /// The report.
    pub(crate) report_id: Uuid,
    /// Counts what was declared, once that is not the first; the greatest wins.
    pub(crate) revision: Option<u64>,
    /// What it says.
    pub(crate) summary: ReportSummary,
    /// When the suite acknowledged it.
    pub(crate) received_at: OffsetDateTime,
    /// An importer gave a past date of declaration.
    pub(crate) back_dated: bool,
    /// The parties that may see it.
    pub(crate) audience: Parties,
    /// A test.
    pub(crate) test: bool,
    /// The contacts, sealed under the report's key.
    pub(crate) sealed_contacts: Option<Vec<u8>>,
    /// The report's key, wrapped; absent once erased.
    pub(crate) data_key: Option<Vec<u8>>,
}

/// A declaration was completed or corrected (complément).
#[derive(Clone, Debug)]
pub(crate) struct Amendment {
    /// The report as it stands now.
    pub(crate) report: Submission,
    /// Counts what was declared, from 2; the greatest wins.
    pub(crate) revision: u64,
    /// An agency did so for the structure.
    pub(crate) on_behalf: bool,
    /// When.
    pub(crate) at: OffsetDateTime,
    /// Where it was not amended, but attached to its structure (rattaché).
    pub(crate) attachment: Option<Attachment>,
}

/// A report was attached to its structure by the cell or an agency.
#[derive(Clone, Debug)]
pub(crate) struct Attachment {
    /// Whom it concerns no more.
    pub(crate) no_longer_visible_to: Vec<Party>,
}

/// A report was withdrawn.
#[derive(Clone, Debug)]
pub(crate) struct Withdrawal {
    /// The report.
    pub(crate) report_id: Uuid,
    /// Its reference.
    pub(crate) reference: String,
    /// Where it was routed.
    pub(crate) region: Option<RoutingRegion>,
    /// The parties that may see it.
    pub(crate) audience: Parties,
    /// A test.
    pub(crate) test: bool,
}

/// A case changed.
#[derive(Clone, Debug)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a field of the event"
)]
pub(crate) struct CaseUpdate {
    /// The report of the case.
    pub(crate) report_id: Uuid,
    /// The case.
    pub(crate) case_id: Uuid,
    /// Counts the changes of the case.
    pub(crate) revision: u64,
    /// What changed.
    pub(crate) change: Change,
    /// Severity, proposed or confirmed.
    pub(crate) severity: Severity,
    /// The cell confirmed severity, origin and impacts.
    pub(crate) qualified: bool,
    /// An agency recorded consequences for care.
    pub(crate) care_recorded: bool,
    /// An agency declared the resolution for the structure.
    pub(crate) resolved_on_behalf: bool,
    /// Origin as declared or as confirmed.
    pub(crate) origin: Option<Origin>,
    /// Types of the origin.
    pub(crate) origin_types: BTreeSet<OriginType>,
    /// Impacts as declared or as confirmed.
    pub(crate) impacts: Impacts,
    /// The reference of the report.
    pub(crate) reference: String,
    /// Where the report was routed.
    pub(crate) region: Option<RoutingRegion>,
    /// The parties that may see it.
    pub(crate) audience: Parties,
    /// A test.
    pub(crate) test: bool,
}

/// Something happened on a case beside its state: never what was said.
#[derive(Clone, Debug)]
pub(crate) struct Activity {
    /// The report of the case.
    pub(crate) report_id: Uuid,
    /// The case; absent where the producer did not know it yet.
    pub(crate) case_id: Option<Uuid>,
    /// The reference of the report.
    pub(crate) reference: String,
    /// Where the report was routed.
    pub(crate) region: Option<RoutingRegion>,
    /// What happened.
    pub(crate) kind: Option<CaseActivity>,
    /// Who did it; absent for a role that no activity of this release has.
    pub(crate) actor: Option<Actor>,
    /// The structure may know of it.
    pub(crate) to_structure: bool,
    /// The parties that may know of it.
    pub(crate) audience: Parties,
    /// Until when something is expected.
    pub(crate) due_at: Option<OffsetDateTime>,
    /// A test.
    pub(crate) test: bool,
}

/// Who acts on a case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Actor {
    /// The structure, by its declarant.
    Structure,
    /// The national cell.
    Cell,
    /// An agence régionale de santé (ARS).
    Agency,
    /// The fonctionnaire de sécurité des systèmes d'information (FSSI).
    SecurityOfficer,
    /// The suite itself, when something falls due.
    Suite,
}

/// What happened to a case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Change {
    /// Opened from a report.
    Opened,
    /// Taken by an analyst.
    Claimed,
    /// Qualified.
    Qualified,
    /// Put out of scope (hors périmètre).
    OutOfScope,
    /// Closed (clos).
    Closed,
    /// Information was requested of the structure.
    Asked,
    /// What was requested was answered.
    Answered,
    /// The treatment began.
    TreatmentBegun,
    /// The structure declared the resolution.
    Resolved,
    /// Marked as a duplicate (doublon).
    Duplicate,
    /// Attached to the case of a common cause (rattaché).
    Attached,
    /// Detached from it.
    Detached,
    /// Opened again (rouvert).
    Reopened,
    /// Handed over to another analyst.
    HandedOver,
    /// The declarant completed the report.
    Amended,
    /// An officer (FSSI) took the pilotage.
    PilotTaken,
    /// Decided on, as to the link of the declarant to the structure.
    LinkDecided,
    /// Led on for another structure, to which the report was attached.
    ReportAttached,
    /// Touched by consequences for care that an agency recorded.
    CareRecorded,
    /// Withdrawn by the declarant.
    Withdrawn,
    /// An event that did not fit was noted; nothing changed.
    Noted,
    /// A change that a newer release writes.
    Other,
}

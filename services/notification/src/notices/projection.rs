//! What is kept of a report between the events that concern it.

use std::collections::{BTreeMap, BTreeSet};

use time::OffsetDateTime;
use uuid::Uuid;
use vocabulary::Party;

use super::{
    Recipient, ReportSummary, Template,
    trigger::{Amendment, CaseUpdate, Submission},
};

/// A report as this service knows it, whole or in part: the events of a case
/// may come before those of its report.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each tells something else of the report"
)]
pub(crate) struct ReportProjection {
    /// Counts what was declared: greater than 1 once it was amended, or told again after a
    /// restore; the greatest wins.
    pub(crate) report_revision: Option<u64>,
    /// As it stands; absent until the report itself came.
    pub(crate) summary: Option<ReportSummary>,
    /// An importer gave a past date of declaration.
    pub(crate) back_dated: bool,
    /// A test.
    pub(crate) test: bool,
    /// The contacts, sealed under the report's key.
    pub(crate) sealed_contacts: Option<Vec<u8>>,
    /// The report's key, wrapped; absent once erased.
    pub(crate) data_key: Option<Vec<u8>>,
    /// Who was notified by a message.
    pub(crate) notified: BTreeSet<Recipient>,
    /// The case, once there is one.
    pub(crate) case_id: Option<Uuid>,
    /// The latest revision of the case that was seen.
    pub(crate) case_revision: u64,
    /// The case was judged major.
    pub(crate) major: bool,
    /// The cell confirmed severity, origin and impacts, or an agency recorded consequences for
    /// care: an amendment leaves them as they are.
    pub(crate) qualified: bool,
    /// The event that closed the case before the report came.
    pub(crate) awaiting_closing: Option<Uuid>,
    /// What happened before the report came and is to be written of: by the events, in the
    /// words of the templates of these names, which a later release may have given.
    pub(crate) awaiting_messages: Vec<(Uuid, String)>,
    /// Until when something is expected, by the events of those.
    pub(crate) awaiting_due: BTreeMap<Uuid, OffsetDateTime>,
}

impl ReportProjection {
    /// The report once its submission came, which may be after an amendment of it, or after a
    /// restore that lost one.
    pub(crate) fn with(&self, submission: &Submission) -> Self {
        Self {
            awaiting_closing: None,
            ..self.declared(submission, submission.revision)
        }
    }

    /// The report once it was amended.
    pub(crate) fn amended(&self, amendment: &Amendment) -> Self {
        self.declared(&amendment.report, Some(amendment.revision))
    }

    /// The report as declared at a revision, unless a greater one is known. What the cell
    /// confirmed or an agency recorded holds, whichever of the two logs told first.
    fn declared(&self, submission: &Submission, revision: Option<u64>) -> Self {
        if self.report_revision > revision {
            return self.clone();
        }
        let Submission {
            summary,
            back_dated,
            test,
            sealed_contacts,
            data_key,
            ..
        } = submission.clone();
        let summary = match &self.summary {
            Some(known) if self.qualified => ReportSummary {
                origin: known.origin,
                origin_types: known.origin_types.clone(),
                impacts: known.impacts.clone(),
                severity: known.severity,
                ..summary
            },
            _ => summary,
        };
        // An attachment takes reports away from those who were told, and so does a restore that
        // lost one. The health authority may hear by the case alone.
        let sees = |party| submission.audience.contains(&party);
        let mut notified = self.notified.clone();
        notified.retain(|recipient| match *recipient {
            Recipient::Cell => sees(Party::Cell),
            Recipient::SecurityOfficer => sees(Party::SecurityOfficer),
            Recipient::OnCall => sees(Party::Cell) || sees(Party::SecurityOfficer),
            Recipient::Agency(region) => sees(Party::Region(region)),
            _ => true,
        });
        Self {
            report_revision: revision,
            summary: Some(summary),
            notified,
            back_dated,
            test,
            sealed_contacts,
            data_key,
            ..self.clone()
        }
    }

    /// Has a mail about an event wait for the report, once.
    pub(super) fn await_message(&mut self, event_id: Uuid, template: Template) {
        let mail = (event_id, template.name().into_owned());
        if !self.awaiting_messages.contains(&mail) {
            self.awaiting_messages.push(mail);
        }
    }

    /// The report as it stands after a change of its case.
    pub(crate) fn summary_after(&self, update: &CaseUpdate) -> ReportSummary {
        let known = self.summary.clone().unwrap_or_default();
        ReportSummary {
            reference: update.reference.clone(),
            region: update.region.or(known.region),
            origin: update.origin,
            origin_types: update.origin_types.clone(),
            impacts: update.impacts.clone(),
            severity: update.severity,
            ..known
        }
    }
}

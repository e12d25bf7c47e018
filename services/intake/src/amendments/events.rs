//! What amendments announce.

use eventlog::NewEvent;
use proto::events::v1 as events;
use service::wire::timestamp;
use vocabulary::{Word as _, derived_at};

use super::Revision;
use crate::{
    links,
    reports::{self, Report},
};

/// Announces a report as it stood at one of its revisions. The announced revision outranks that
/// of every one before it, in whatever history of the log.
pub(crate) fn announced(report: &Report, base: u64) -> NewEvent {
    match &report.amendment {
        None => reports::submitted(report, base),
        Some(revision) => match &revision.decision {
            None => amended(report, revision, base),
            Some(decision) => links::decided(report, revision, decision, base),
        },
    }
}

/// The id derives from the moment of the amendment too, because after a restore another one
/// takes the number of what was lost.
fn amended(report: &Report, revision: &Revision, base: u64) -> NewEvent {
    let payload = events::ReportAmended {
        report: Some(reports::announced(report)),
        revision: base + revision.number,
        stage: revision.stage.number(),
        changed_paths: revision.changed_paths.clone(),
        amended_at: Some(timestamp(revision.at)),
        author_role: revision.role.number(),
        on_behalf: report.is_on_behalf(revision.role),
    };
    let number = revision.number.to_be_bytes();
    let at = revision.at.unix_timestamp_nanos().to_be_bytes();
    let parts: [&[u8]; 3] = [report.id.as_bytes(), &number, &at];
    let id = derived_at(revision.at, report.id, "report_amended", &parts);
    let event = NewEvent::new(id, report.subject(), revision.at, &payload);
    match &report.contacts {
        Some(contacts) => event.with_data_key(contacts.data_key.clone()),
        None => event,
    }
}

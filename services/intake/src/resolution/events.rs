//! What declarations of resolution announce.

use eventlog::NewEvent;
use proto::events::v1::ReportResolved;
use service::wire::timestamp;
use vocabulary::{Word as _, derived_at};

use super::Resolution;
use crate::reports::Report;

/// Announces a declaration. The id names its moment too: after a restore another one takes the
/// number of a lost one.
pub(crate) fn resolved(report: &Report, resolution: &Resolution) -> NewEvent {
    let payload = ReportResolved {
        report_id: report.id.to_string(),
        reference: report.reference.to_string(),
        number: resolution.number,
        resolved_at: Some(timestamp(resolution.resolved_at)),
        declared_at: Some(timestamp(resolution.declared_at)),
        declared_by: resolution.declared_by.number(),
        sealed_how: resolution.sealed_how.clone().into(),
        on_behalf: report.is_on_behalf(resolution.declared_by),
    };
    let at = resolution.declared_at;
    let parts: [&[u8]; 3] = [
        report.id.as_bytes(),
        &resolution.number.to_be_bytes(),
        &at.unix_timestamp_nanos().to_be_bytes(),
    ];
    let id = derived_at(at, report.id, "report_resolved", &parts);
    NewEvent::new(id, report.subject(), at, &payload)
}

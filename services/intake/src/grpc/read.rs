//! Reports are read, with a trace of who read them.

use platform::{
    AuditEntry, Caller, Deadline, Error, Outcome, PageToken, Result, audit, now, read_transaction,
};
use prost::Message as _;
use proto::intake::v1 as pb;
use serde_json::json;

use super::Reports;
use crate::{
    convert,
    domain::{Report, sees_contacts},
    store::{self, Position},
};

/// The most reports that a page holds.
const MAX_PAGE: u32 = 200;
/// The most bytes that a page holds, but for a report that is larger alone: clients
/// take 4 MiB.
const MAX_PAGE_BYTES: usize = 2 << 20;

impl Reports {
    pub(super) async fn get(
        &self,
        caller: &Caller,
        request: &pb::GetReportRequest,
    ) -> Result<pb::GetReportResponse> {
        let wanted = convert::wanted_report(&request.report_id)?;
        let mut transaction = self.pool.begin().await?;
        let report = store::find(&mut transaction, &wanted, &caller.parties()).await?;
        // What is not visible leaves the same trace as what does not exist.
        let (object, outcome) = match &report {
            Some(report) => (report.subject(), Outcome::Done),
            None => (wanted.subject(), Outcome::NotVisible),
        };
        let entry = AuditEntry {
            caller,
            action: "report.get",
            object: &object,
            outcome,
            detail: json!({}),
            at: now(),
        };
        audit(&mut transaction, entry).await?;
        transaction.commit().await?;
        let report = report.ok_or(Error::NotFound("report"))?;
        Ok(pb::GetReportResponse {
            report: Some(self.shown(caller, &report)),
        })
    }

    pub(super) async fn list(
        &self,
        caller: &Caller,
        deadline: Option<Deadline>,
        request: pb::ListReportsRequest,
    ) -> Result<pb::ListReportsResponse> {
        let filter = convert::report_filter(&request)?;
        let size = convert::page_size(request.page_size, MAX_PAGE);
        let token = request.page_token.clone();
        let bound = pb::ListReportsRequest {
            page_size: 0,
            page_token: String::new(),
            ..request
        };
        let key = bound.encode_to_vec();
        let after: Option<Position> = PageToken::decode(&token, &key)?;

        let mut read = read_transaction(&self.read_pool, deadline).await?;
        let mut reports =
            store::list(&mut read, &filter, after, size + 1, &caller.parties()).await?;
        drop(read);
        let more = reports.len() > size as usize;
        reports.truncate(size as usize);
        let entry = AuditEntry {
            caller,
            action: "report.list",
            object: "report",
            outcome: Outcome::Done,
            detail: json!({
                "routing_region": bound.routing_region,
                "kind": filter.kind.map(vocabulary::ReportKind::as_str),
                "state": filter.state.map(crate::domain::ReportState::as_str),
                "declared_after": filter.declared_after.map(time::OffsetDateTime::unix_timestamp),
                "declared_before": filter.declared_before.map(time::OffsetDateTime::unix_timestamp),
                "continued": after.is_some(),
                "reports": reports.len(),
            }),
            at: now(),
        };
        let mut conn = self.pool.acquire().await?;
        audit(&mut conn, entry).await?;
        drop(conn);

        // A page ends early where clients would not take more.
        let (mut page, mut bytes) = (Vec::new(), 0);
        for report in &reports {
            let shown = self.shown(caller, report);
            bytes += shown.encoded_len();
            if bytes > MAX_PAGE_BYTES && !page.is_empty() {
                break;
            }
            page.push(shown);
        }
        let last = reports.get(page.len() - usize::from(!page.is_empty()));
        let next_page_token = match last {
            Some(last) if more || page.len() < reports.len() => {
                PageToken::encode(&Position::of(last), &key)
            }
            _ => String::new(),
        };
        Ok(pb::ListReportsResponse {
            reports: page,
            next_page_token,
        })
    }

    /// A report as this caller may see it. Contacts that do not open are left out, or
    /// one report would hide a whole list.
    pub(super) fn shown(&self, caller: &Caller, report: &Report) -> pb::Report {
        let sealed = report.contacts.as_ref();
        let opened = sealed
            .filter(|_| sees_contacts(caller, report))
            .map(|sealed| convert::open_contacts(&self.master, report.id, sealed));
        if let Some(Err(error)) = &opened {
            tracing::error!(
                report.id = %report.id,
                error.message = %error,
                "the contacts of a report do not open: is the master key the one of this installation?",
            );
        }
        convert::report(report, opened.and_then(Result::ok).as_ref())
    }
}

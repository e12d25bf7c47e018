//! What is kept of each report, and what was raised.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use service::wire;
use sqlx::{PgConnection, types::Json};
use time::OffsetDateTime;
use uuid::Uuid;

use super::{Recipient, ReportProjection, ReportSummary};

/// Takes the reports for this transaction, in the order of their ids, so that
/// the consumers of two logs never wait for each other in a circle. One that
/// was never heard of is known as empty.
pub(super) async fn take(
    conn: &mut PgConnection,
    report_ids: &[Uuid],
) -> sqlx::Result<BTreeMap<Uuid, ReportProjection>> {
    sqlx::query!(
        "insert into known_report (report_id)
         select report_id from unnest($1::uuid[]) as asked (report_id) order by report_id
         on conflict do nothing",
        report_ids,
    )
    .execute(&mut *conn)
    .await?;
    let rows = sqlx::query!(
        r#"select report_id, situation as "summary: Json<ReportSummary>", back_dated, test,
                  sealed_contacts, data_key, told as "notified: Json<Vec<String>>", case_id,
                  case_revision, major, awaiting_closing,
                  awaiting_messages as "awaiting_messages: Json<Vec<(Uuid, String)>>"
           from known_report where report_id = any ($1) order by report_id for update"#,
        report_ids,
    )
    .fetch_all(conn)
    .await?;
    let known = rows.into_iter().map(|row| {
        let notified = row.notified.iter();
        let known = ReportProjection {
            summary: row.summary.map(|summary| summary.0),
            back_dated: row.back_dated,
            test: row.test,
            sealed_contacts: row.sealed_contacts,
            data_key: row.data_key,
            notified: notified.map(|slug| Recipient::stored(slug)).collect(),
            case_id: row.case_id,
            case_revision: row.case_revision.cast_unsigned(),
            major: row.major,
            awaiting_closing: row.awaiting_closing,
            awaiting_messages: row.awaiting_messages.0,
        };
        (row.report_id, known)
    });
    Ok(known.collect())
}

/// Keeps what is known of taken reports, in one statement.
pub(super) async fn keep(
    conn: &mut PgConnection,
    reports: &BTreeMap<Uuid, ReportProjection>,
) -> sqlx::Result<()> {
    let rows: Vec<Row<'_>> = reports.iter().map(Row::of).collect();
    sqlx::query_file!(
        "src/notices/sql/update_report_projections.sql",
        Json(&rows) as Json<&Vec<Row<'_>>>,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// A row of `known_report`.
#[derive(Debug, Serialize)]
struct Row<'a> {
    report_id: Uuid,
    situation: Option<&'a ReportSummary>,
    back_dated: bool,
    test: bool,
    sealed_contacts: Option<String>,
    data_key: Option<String>,
    told: Vec<String>,
    case_id: Option<Uuid>,
    case_revision: u64,
    major: bool,
    awaiting_closing: Option<Uuid>,
    awaiting_messages: &'a [(Uuid, String)],
}

impl<'a> Row<'a> {
    fn of((report_id, known): (&Uuid, &'a ReportProjection)) -> Self {
        Self {
            report_id: *report_id,
            situation: known.summary.as_ref(),
            back_dated: known.back_dated,
            test: known.test,
            sealed_contacts: known.sealed_contacts.as_deref().map(wire::bytea),
            data_key: known.data_key.as_deref().map(wire::bytea),
            told: known.notified.iter().map(ToString::to_string).collect(),
            case_id: known.case_id,
            case_revision: known.case_revision,
            major: known.major,
            awaiting_closing: known.awaiting_closing,
            awaiting_messages: &known.awaiting_messages,
        }
    }
}

/// A line of the feed about to be raised.
#[derive(Clone, Copy, Debug, Serialize)]
pub(super) struct NewNotification {
    /// Derived from the event and the rule.
    pub(super) notification_id: Uuid,
    /// The event that caused it.
    pub(super) event_id: Uuid,
    /// The rule that raises it.
    pub(super) rule: &'static str,
    /// The report it is about.
    pub(super) report_id: Uuid,
}

/// Records what is raised and gives back the ids of those that are new: nothing is
/// announced twice.
pub(super) async fn record(
    conn: &mut PgConnection,
    notifications: &[NewNotification],
    raised_at: OffsetDateTime,
) -> sqlx::Result<BTreeSet<Uuid>> {
    let recorded = sqlx::query_scalar!(
        "insert into notification (notification_id, event_id, rule, report_id, raised_at)
         select notification_id, event_id, rule, report_id, $2
         from jsonb_populate_recordset(null::notification, $1)
         on conflict do nothing
         returning notification_id",
        Json(notifications) as Json<&[NewNotification]>,
        raised_at,
    )
    .fetch_all(conn)
    .await?;
    Ok(recorded.into_iter().collect())
}

//! What is kept of each report, and what was raised.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use service::wire;
use sqlx::{PgConnection, types::Json};
use time::OffsetDateTime;
use uuid::Uuid;

use super::{Recipient, ReportProjection, ReportSummary};

/// Takes those of the reports that were heard of for this transaction, in the order of
/// their ids, so that the consumers of two logs hardly ever wait for each other in a circle:
/// then PostgreSQL has one of them begin again.
pub(super) async fn take(
    conn: &mut PgConnection,
    report_ids: &[Uuid],
) -> sqlx::Result<BTreeMap<Uuid, ReportProjection>> {
    let rows = sqlx::query!(
        r#"select report_id, report_revision, qualified, situation as "summary: Json<ReportSummary>", back_dated, test,
                  sealed_contacts, data_key, told as "notified: Json<Vec<String>>", case_id,
                  case_revision, major, awaiting_closing,
                  awaiting_messages as "awaiting_messages: Json<Vec<(Uuid, String)>>",
                  awaiting_due as "awaiting_due: Json<BTreeMap<Uuid, Due>>"
           from known_report where report_id = any ($1) order by report_id for update"#,
        report_ids,
    )
    .fetch_all(conn)
    .await?;
    let known = rows.into_iter().map(|row| {
        let notified = row.notified.iter();
        let known = ReportProjection {
            report_revision: row.report_revision.map(i64::cast_unsigned),
            summary: row.summary.map(|summary| summary.0),
            back_dated: row.back_dated,
            test: row.test,
            sealed_contacts: row.sealed_contacts,
            data_key: row.data_key,
            notified: notified.map(|slug| Recipient::stored(slug)).collect(),
            case_id: row.case_id,
            case_revision: row.case_revision.cast_unsigned(),
            major: row.major,
            qualified: row.qualified.unwrap_or_default(),
            awaiting_closing: row.awaiting_closing,
            awaiting_messages: row.awaiting_messages.0,
            awaiting_due: row
                .awaiting_due
                .map(|due| due.0.into_iter().map(|(id, Due(at))| (id, at)).collect())
                .unwrap_or_default(),
        };
        (row.report_id, known)
    });
    Ok(known.collect())
}

/// Keeps what is known of taken reports, and of those that were never heard of before. Gives
/// back those of the latter that somebody else has kept meanwhile: nothing of them is.
pub(super) async fn keep(
    conn: &mut PgConnection,
    known: &BTreeMap<Uuid, ReportProjection>,
    taken: &BTreeSet<Uuid>,
) -> sqlx::Result<Vec<Uuid>> {
    let (old, new): (Vec<_>, Vec<_>) = known.iter().partition(|(id, _)| taken.contains(id));
    if !old.is_empty() {
        let rows: Vec<Row<'_>> = old.into_iter().map(Row::of).collect();
        sqlx::query_file!(
            "src/notices/sql/update_report_projections.sql",
            Json(&rows) as Json<&Vec<Row<'_>>>,
        )
        .execute(&mut *conn)
        .await?;
    }
    if new.is_empty() {
        return Ok(Vec::new());
    }
    let mut missed: BTreeSet<Uuid> = new.iter().map(|(id, _)| **id).collect();
    let rows: Vec<Row<'_>> = new.into_iter().map(Row::of).collect();
    let inserted = sqlx::query_file_scalar!(
        "src/notices/sql/insert_report_projections.sql",
        Json(&rows) as Json<&Vec<Row<'_>>>,
    )
    .fetch_all(conn)
    .await?;
    for report_id in inserted {
        missed.remove(&report_id);
    }
    Ok(missed.into_iter().collect())
}

/// A row of `known_report`.
#[derive(Debug, Serialize)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each tells something else of the report"
)]
struct Row<'a> {
    report_id: Uuid,
    report_revision: Option<u64>,
    qualified: bool,
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
    awaiting_due: Option<BTreeMap<Uuid, Due>>,
}

/// Until when something is expected.
#[derive(Debug, Serialize, Deserialize)]
#[serde(transparent)]
struct Due(#[serde(with = "time::serde::rfc3339")] OffsetDateTime);

impl<'a> Row<'a> {
    fn of((report_id, known): (&Uuid, &'a ReportProjection)) -> Self {
        Self {
            report_id: *report_id,
            report_revision: known.report_revision,
            qualified: known.qualified,
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
            awaiting_due: (!known.awaiting_due.is_empty()).then(|| {
                let due = known.awaiting_due.iter();
                due.map(|(id, at)| (*id, Due(*at))).collect()
            }),
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
/// announced twice. Each is looked up, and not left to a conflict, for which the database would
/// write it twice: nobody else applies its event meanwhile.
pub(super) async fn record(
    conn: &mut PgConnection,
    notifications: &[NewNotification],
    raised_at: OffsetDateTime,
) -> sqlx::Result<BTreeSet<Uuid>> {
    let recorded = sqlx::query_scalar!(
        "insert into notification (notification_id, event_id, rule, report_id, raised_at)
         select distinct on (notification_id) notification_id, event_id, rule, report_id, $2
         from jsonb_populate_recordset(null::notification, $1) as new
         where (
             select known.event_id from notification as known
             where known.notification_id = new.notification_id
         ) is null
         returning notification_id",
        Json(notifications) as Json<&[NewNotification]>,
        raised_at,
    )
    .fetch_all(conn)
    .await?;
    Ok(recorded.into_iter().collect())
}

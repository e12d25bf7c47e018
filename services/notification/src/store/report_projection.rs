//! What is kept of each report.

use std::collections::BTreeMap;

use sqlx::{PgConnection, types::Json};
use uuid::Uuid;

use crate::domain::{mail_draft::Recipient, projection::ReportProjection, summary::ReportSummary};

/// Takes the reports for this transaction, in the order of their ids, so that
/// the consumers of two logs never wait for each other in a circle. One that
/// was never heard of is known as empty.
pub(crate) async fn take(
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
                  case_revision, major, awaiting_closing
           from known_report where report_id = any ($1) order by report_id for update"#,
        report_ids,
    )
    .fetch_all(conn)
    .await?;
    let known = rows.into_iter().map(|row| {
        let notified = row
            .notified
            .iter()
            .map(|slug| Recipient::stored(slug))
            .collect();
        let known = ReportProjection {
            summary: row.summary.map(|summary| summary.0),
            back_dated: row.back_dated,
            test: row.test,
            sealed_contacts: row.sealed_contacts,
            data_key: row.data_key,
            notified,
            case_id: row.case_id,
            case_revision: row.case_revision.cast_unsigned(),
            major: row.major,
            awaiting_closing: row.awaiting_closing,
        };
        (row.report_id, known)
    });
    Ok(known.collect())
}

/// Keeps what is known of taken reports, in one statement.
pub(crate) async fn keep(
    conn: &mut PgConnection,
    reports: &BTreeMap<Uuid, ReportProjection>,
) -> sqlx::Result<()> {
    let ids: Vec<Uuid> = reports.keys().copied().collect();
    let all: Vec<&ReportProjection> = reports.values().collect();
    let summaries: Vec<Option<Json<&ReportSummary>>> = all
        .iter()
        .map(|known| known.summary.as_ref().map(Json))
        .collect();
    let back_dated: Vec<bool> = all.iter().map(|known| known.back_dated).collect();
    let tests: Vec<bool> = all.iter().map(|known| known.test).collect();
    let contacts: Vec<Option<&[u8]>> = all
        .iter()
        .map(|known| known.sealed_contacts.as_deref())
        .collect();
    let data_keys: Vec<Option<&[u8]>> = all.iter().map(|known| known.data_key.as_deref()).collect();
    let notified: Vec<Json<Vec<String>>> = all
        .iter()
        .map(|known| Json(known.notified.iter().map(ToString::to_string).collect()))
        .collect();
    let cases: Vec<Option<Uuid>> = all.iter().map(|known| known.case_id).collect();
    let revisions: Vec<i64> = all
        .iter()
        .map(|known| known.case_revision.cast_signed())
        .collect();
    let major: Vec<bool> = all.iter().map(|known| known.major).collect();
    let awaiting: Vec<Option<Uuid>> = all.iter().map(|known| known.awaiting_closing).collect();
    sqlx::query_file!(
        "src/store/sql/update_report_projections.sql",
        &ids,
        &summaries as &[Option<Json<&ReportSummary>>],
        &back_dated,
        &tests,
        &contacts as &[Option<&[u8]>],
        &data_keys as &[Option<&[u8]>],
        &notified as &[Json<Vec<String>>],
        &cases as &[Option<Uuid>],
        &revisions,
        &major,
        &awaiting as &[Option<Uuid>],
    )
    .execute(conn)
    .await?;
    Ok(())
}

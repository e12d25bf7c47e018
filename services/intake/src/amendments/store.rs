//! The revisions of reports at rest.

use std::collections::BTreeMap;

use platform::{Error, Result};
use serde_json::{Value, json};
use service::wire::{bytea, timestamptz};
use sqlx::{PgConnection, types::Json};
use uuid::Uuid;

use super::Revision;
use crate::reports::{Facts, Report, ReportRow};

/// The facts of a report as they rest, with what a later release may have written among them.
pub(crate) async fn facts(conn: &mut PgConnection, report_id: Uuid) -> Result<Value> {
    let facts = sqlx::query_scalar!(
        r#"select facts as "facts: Value" from report where report_id = $1"#,
        report_id,
    );
    Ok(facts.fetch_one(conn).await?)
}

/// Keeps what a locked report said, and writes what it says now, with its facts as they rest.
pub(crate) async fn amend(
    conn: &mut PgConnection,
    before: &Report,
    after: &Report,
    facts: &Value,
) -> Result<()> {
    sqlx::query_file!(
        "src/amendments/sql/keep_revision.sql",
        before.id,
        before.declared_revision().cast_signed(),
    )
    .execute(&mut *conn)
    .await?;
    #[cfg(feature = "mutants")]
    if platform::mutant::Mutant::AmendWithoutTheRevision.is_alive() {
        sqlx::query("delete from report_revision where report_id = $1")
            .bind(before.id)
            .execute(&mut *conn)
            .await?;
    }
    sqlx::query_file!("src/amendments/sql/amend_report.sql", row(after, facts))
        .execute(conn)
        .await?;
    Ok(())
}

/// A page of the revisions of a report, newest first, each with the report as it stood: those
/// below a number.
pub(super) async fn page(
    conn: &mut PgConnection,
    report_id: Uuid,
    below: Option<u64>,
    limit: i64,
) -> Result<Vec<(Revision, Report)>> {
    let below = below.map(|number| i64::try_from(number).unwrap_or(i64::MAX));
    read(conn, &[report_id], below, Some(limit)).await
}

/// A report as it was submitted, if it was amended since.
pub(crate) async fn as_submitted(conn: &mut PgConnection, report: Report) -> Result<Report> {
    if report.amendment.is_none() {
        return Ok(report);
    }
    let first = read(conn, &[report.id], Some(2), None).await?.pop();
    Ok(first.map_or(report, |(_, first)| first))
}

/// The revisions of those of these reports that were amended, each from the submission on.
pub(crate) async fn revisions_of(
    conn: &mut PgConnection,
    reports: &[Report],
) -> Result<BTreeMap<Uuid, Vec<Report>>> {
    let amended = reports.iter().filter(|report| report.amendment.is_some());
    let amended: Vec<Uuid> = amended.map(|report| report.id).collect();
    let mut revisions: BTreeMap<Uuid, Vec<Report>> = BTreeMap::new();
    if amended.is_empty() {
        return Ok(revisions);
    }
    for (_, report) in read(conn, &amended, None, None).await?.into_iter().rev() {
        revisions.entry(report.id).or_default().push(report);
    }
    Ok(revisions)
}

async fn read(
    conn: &mut PgConnection,
    report_ids: &[Uuid],
    below: Option<i64>,
    limit: Option<i64>,
) -> Result<Vec<(Revision, Report)>> {
    let rows = sqlx::query_file_as!(
        ReportRow,
        "src/amendments/sql/read_revisions.sql",
        report_ids,
        below,
        limit,
    );
    let mut revisions = Vec::new();
    for row in rows.fetch_all(conn).await? {
        let mut report = Report::try_from(row).map_err(Error::internal)?;
        if let Some(revision) = report.amendment.take() {
            // Who submitted a report did not amend it.
            report.amendment = Some(revision.clone()).filter(|it| it.number > 1);
            revisions.push((revision, report));
        }
    }
    Ok(revisions)
}

/// What an amendment writes of a report.
fn row(report: &Report, facts: &Value) -> Value {
    let structure = &report.structure;
    let revision = report.amendment.as_ref();
    json!({
        "report_id": report.id,
        "facts": facts,
        "sealed_contacts": report.contacts.as_ref().map(|contacts| bytea(&contacts.sealed)),
        "structure_key": structure.key.to_string(),
        "structure_name": structure.name,
        "structure_kind": structure.kind,
        "department": structure.department,
        "town": structure.town,
        "operator_status": structure.operator_status,
        "link_verified": structure.link.is_verified(),
        "routing_region": report.routing_region,
        "visible_to": report.visible_to,
        "cause_report_id": report.cause,
        "revision": report.revision,
        "declared_revision": revision.map(|it| it.number),
        "stage": revision.map(|it| it.stage),
        "amended_by": revision.map(|it| &it.author),
        "amended_as": revision.map(|it| it.role),
        "amended_at": revision.map(|it| timestamptz(it.at)),
        "changed_paths": revision.map(|it| &it.changed_paths),
    })
}

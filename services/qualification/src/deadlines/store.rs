//! The clocks of reports at rest.

use std::collections::{HashMap, HashSet};

use platform::Result;
use service::jobs::NewJob;
use sqlx::{PgConnection, types::Json};
use time::OffsetDateTime;
use uuid::Uuid;

use super::ReportClock;

/// Reads the clocks of these cases; one of an earlier release may have none.
pub(crate) async fn find(
    conn: &mut PgConnection,
    case_ids: &[Uuid],
) -> Result<HashMap<Uuid, ReportClock>> {
    if case_ids.is_empty() {
        return Ok(HashMap::new());
    }
    let rows = sqlx::query!(
        r#"select case_id, clock as "clock: Json<ReportClock>" from report_clock
           where case_id = any($1)"#,
        case_ids,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| (row.case_id, row.clock.0))
        .collect())
}

/// Writes the clocks of cases that the transaction has locked or opened.
pub(crate) async fn keep(conn: &mut PgConnection, clocks: &[(Uuid, &ReportClock)]) -> Result<()> {
    if clocks.is_empty() {
        return Ok(());
    }
    let case_ids: Vec<_> = clocks.iter().map(|(case_id, _)| *case_id).collect();
    let due: Vec<_> = clocks
        .iter()
        .map(|(_, clock)| clock.next_due_at())
        .collect();
    let clocks: Vec<_> = clocks.iter().map(|(_, clock)| Json(*clock)).collect();
    sqlx::query!(
        "insert into report_clock (case_id, clock, due_at)
         select case_id, clock, due_at
         from unnest($1::uuid[], $2::jsonb[], $3::timestamptz[]) as new (case_id, clock, due_at)
         on conflict (case_id) do update set clock = excluded.clock, due_at = excluded.due_at",
        &case_ids,
        &clocks as &[Json<&ReportClock>],
        &due as &[Option<OffsetDateTime>],
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Finds which of these jobs were done.
pub(super) async fn done(conn: &mut PgConnection, jobs: &[&NewJob]) -> Result<HashSet<Uuid>> {
    if jobs.is_empty() {
        return Ok(HashSet::new());
    }
    let subjects: Vec<_> = jobs.iter().map(|job| job.subject.clone()).collect();
    let job_ids: Vec<_> = jobs.iter().map(|job| job.job_id).collect();
    let done = sqlx::query_scalar!(
        "select job_id from job_done where subject = any($1) and job_id = any($2)",
        &subjects,
        &job_ids,
    )
    .fetch_all(conn)
    .await?;
    Ok(done.into_iter().collect())
}

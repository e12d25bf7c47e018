//! Jobs as they rest.

use serde::Serialize;
use sqlx::{PgConnection, PgPool, types::Json};
use time::OffsetDateTime;
use uuid::Uuid;

use super::{Job, NewJob};

/// How many jobs of a state are counted: more are told as so many.
const COUNTED: i64 = 10_000;

/// What came of an attempt, to be recorded.
#[derive(Debug, Serialize)]
pub(super) struct Attempt {
    pub(super) job_id: Uuid,
    /// Which attempt it was, from one.
    pub(super) attempt: u32,
    #[serde(with = "time::serde::rfc3339")]
    pub(super) started_at: OffsetDateTime,
    #[serde(with = "time::serde::rfc3339")]
    pub(super) ended_at: OffsetDateTime,
    pub(super) outcome: &'static str,
    #[serde(with = "time::serde::rfc3339::option")]
    pub(super) due_at: Option<OffsetDateTime>,
    /// Refusals so far, with this attempt.
    pub(super) refusals: u32,
    pub(super) error_class: Option<String>,
}

/// How the queue stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct QueueStats {
    pub(super) pending: i64,
    pub(super) dead: i64,
    /// Since when the oldest pending job waits, of those that are counted.
    pub(super) oldest: Option<OffsetDateTime>,
}

/// Adds jobs; one that exists is left as it is.
pub async fn add_jobs(
    conn: &mut PgConnection,
    jobs: &[NewJob],
    now: OffsetDateTime,
) -> sqlx::Result<()> {
    if jobs.is_empty() {
        return Ok(());
    }
    // In the order of their ids: writers of the same jobs never wait in a circle.
    sqlx::query!(
        "insert into job (job_id, kind, subject, urgent, due_at, first_due_at, created_at,
                          traceparent, payload)
         select job_id, kind, subject, urgent, due_at, due_at, $2, traceparent, payload
         from jsonb_to_recordset($1) as new (
             job_id uuid, kind text, subject text, urgent boolean, due_at timestamptz,
             traceparent text, payload jsonb
         )
         order by job_id
         on conflict do nothing",
        Json(jobs) as Json<&[NewJob]>,
        now,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Makes a job that was given up due again, with all its refusals forgotten; tells whether
/// there is one.
pub async fn make_job_due(
    conn: &mut PgConnection,
    job_id: Uuid,
    now: OffsetDateTime,
) -> sqlx::Result<bool> {
    let due = sqlx::query!(
        "update job set due_at = $2, refusals = 0, claimed_until = null
         where job_id = $1 and due_at is null",
        job_id,
        now,
    )
    .execute(conn)
    .await?;
    Ok(due.rows_affected() > 0)
}

/// Claims at most `limit` of the jobs that have been due longest, urgent ones first;
/// nobody else has them until `until`.
pub(super) async fn claim(
    pool: &PgPool,
    kinds: &[String],
    now: OffsetDateTime,
    until: OffsetDateTime,
    limit: usize,
) -> sqlx::Result<Vec<Job>> {
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let rows = sqlx::query_file!("src/jobs/sql/claim.sql", now, until, limit, kinds)
        .fetch_all(pool)
        .await?;
    let claimed = rows.into_iter().map(|row| Job {
        job_id: row.job_id,
        kind: row.kind,
        subject: row.subject,
        payload: row.payload,
        traceparent: row.traceparent,
        first_due_at: row.first_due_at,
        attempts: row.attempts.cast_unsigned(),
        refusals: row.refusals.cast_unsigned(),
        claim_expired: row.claim_expired,
    });
    Ok(claimed.collect())
}

/// Records attempts of a claim until `until`, and what becomes of the jobs. Recording
/// again changes nothing.
pub(super) async fn record(
    pool: &PgPool,
    until: OffsetDateTime,
    attempts: &[Attempt],
) -> sqlx::Result<()> {
    let attempts = Json(attempts);
    sqlx::query_file!("src/jobs/sql/record.sql", until, attempts as Json<&[Attempt]>)
        .execute(pool)
        .await?;
    Ok(())
}

/// Gives back what was claimed until `until` and not tried.
pub(super) async fn give_back(
    pool: &PgPool,
    until: OffsetDateTime,
    untried: &[Uuid],
) -> sqlx::Result<()> {
    sqlx::query!(
        "update job set claimed_until = null, attempts = attempts - 1
         where job_id = any($1) and claimed_until = $2",
        untried,
        until,
    )
    .execute(pool)
    .await?;
    Ok(())
}

/// How the queue stands of these kinds, counted up to [`COUNTED`]: it is asked again and
/// again, most of all while there is much to count.
pub(super) async fn queue_stats(pool: &PgPool, kinds: &[String]) -> sqlx::Result<QueueStats> {
    sqlx::query_as!(
        QueueStats,
        r#"select count(*) as "pending!",
                  min(first_due_at) as oldest,
                  (select count(*) from (select from job where due_at is null limit $1) d) as "dead!"
           from (select first_due_at from job
                 where due_at is not null and kind = any($2)
                 order by urgent desc, due_at limit $1) p"#,
        COUNTED,
        kinds,
    )
    .fetch_one(pool)
    .await
}

//! Jobs as they rest.

use serde_json::Value;
use sqlx::{AssertSqlSafe, PgConnection, PgPool};
use time::OffsetDateTime;
use uuid::Uuid;

use super::{Job, NewJob};
use crate::wire;

/// The outcome of an attempt that did its job.
pub(super) const DONE: &str = "done";

/// What came of an attempt, to be recorded.
pub(super) struct Attempt<'a> {
    pub(super) started_at: OffsetDateTime,
    pub(super) ended_at: OffsetDateTime,
    pub(super) outcome: &'static str,
    pub(super) due_at: Option<OffsetDateTime>,
    /// Refusals so far, with this attempt.
    pub(super) refusals: i32,
    pub(super) error_class: Option<&'a str>,
}

/// Writes jobs, each once and in the order of their ids: writers of the same jobs never wait in a
/// circle. Column by column, since payloads read within one document would double what a job costs.
macro_rules! insert_jobs {
    ($conn:expr, $jobs:expr, $now:expr, $end:literal) => {
        sqlx::query!(
            "insert into job (job_id, kind, subject, urgent, due_at, first_due_at, created_at,
                              traceparent, payload)
             select distinct on (kind, urgent, due_at, job_id) job_id, kind, subject, urgent, due_at,
                    greatest(due_at, $8), $8, traceparent, payload
             from unnest($1::uuid[], $2::text[], $3::text[], $4::boolean[], $5::timestamptz[],
                         $6::text[], $7::jsonb[])
                 as new (job_id, kind, subject, urgent, due_at, traceparent, payload)
             order by job_id"
                + $end,
            &column($jobs, |job| job.job_id),
            &column($jobs, |job| job.kind.as_str()) as &[&str],
            &column($jobs, |job| job.subject.as_str()) as &[&str],
            &column($jobs, |job| job.urgent),
            &column($jobs, |job| job.due_at),
            &column($jobs, |job| job.traceparent.as_deref()) as &[Option<&str>],
            &column($jobs, |job| &job.payload) as &[&Value],
            $now,
        )
        .execute($conn)
        .await
    };
}

/// Adds jobs; one that exists is left as it is.
pub async fn add_jobs(
    conn: &mut PgConnection,
    jobs: &[NewJob],
    now: OffsetDateTime,
) -> sqlx::Result<()> {
    if !jobs.is_empty() {
        insert_jobs!(conn, jobs, now, " on conflict do nothing")?;
    }
    Ok(())
}

/// Adds jobs of which none can be in the queue, each by one record of the database's log less.
/// One that is there all the same, in the same place, is an error.
pub async fn add_new_jobs(
    conn: &mut PgConnection,
    jobs: &[NewJob],
    now: OffsetDateTime,
) -> sqlx::Result<()> {
    if !jobs.is_empty() {
        insert_jobs!(conn, jobs, now, "")?;
    }
    Ok(())
}

/// The values of one column of the jobs.
fn column<'a, T>(jobs: &'a [NewJob], of: impl Fn(&'a NewJob) -> T) -> Vec<T> {
    jobs.iter().map(of).collect()
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
    );
    Ok(due.execute(conn).await?.rows_affected() > 0)
}

/// Whether a job of these kinds is due that nobody has claimed.
pub(super) async fn is_due(
    pool: &PgPool,
    kinds: &[String],
    now: OffsetDateTime,
) -> sqlx::Result<bool> {
    sqlx::query_scalar!(
        r#"select exists (
               select
               from unnest($1::text[]) as known (kind)
               cross join (values (true), (false)) as class (urgent)
               cross join lateral (
                   select from job
                   where kind = known.kind and urgent = class.urgent and due_at <= $2
                       and (claimed_until is null or claimed_until <= $2)
                   order by due_at
                   limit 1
               ) as due
           ) as "due!""#,
        kinds,
        now,
    )
    .fetch_one(pool)
    .await
}

/// Claims the job of these kinds that has been due longest, an urgent one first; nobody
/// else has it until `until`.
pub(super) async fn claim(
    pool: &PgPool,
    kinds: &[String],
    now: OffsetDateTime,
    until: OffsetDateTime,
) -> sqlx::Result<Option<Job>> {
    sqlx::query_file_as!(Job, "src/jobs/sql/claim.sql", now, until, kinds)
        .fetch_optional(pool)
        .await
}

/// Records an attempt of a claim until `until`, and what becomes of the job; tells whether
/// that changed the job. Recording again changes nothing.
pub(super) async fn record(
    pool: &PgPool,
    job: &Job,
    attempt: &Attempt<'_>,
    until: OffsetDateTime,
) -> sqlx::Result<bool> {
    let record = async || {
        sqlx::query_file_scalar!(
            "src/jobs/sql/record.sql",
            job.job_id,
            job.attempts,
            attempt.started_at,
            attempt.ended_at,
            attempt.outcome,
            attempt.due_at,
            attempt.refusals,
            attempt.error_class,
            until,
            job.kind,
            job.urgent,
            job.due_at,
        )
        .fetch_one(pool)
        .await
    };
    let changed = match record().await {
        // The month has no table yet.
        Err(sqlx::Error::Database(error)) if error.is_check_violation() => {
            make_months(pool, attempt.ended_at).await?;
            record().await?
        }
        recorded => recorded?,
    };
    if changed || attempt.outcome != DONE {
        return Ok(changed);
    }
    // Somebody who claimed it after us has moved it in the queue, or given it up.
    let done = sqlx::query_file!(
        "src/jobs/sql/record_moved.sql",
        job.kind,
        job.job_id,
        attempt.ended_at,
    );
    Ok(done.execute(pool).await?.rows_affected() > 0)
}

/// How many jobs of these kinds are pending, counted up to 10,000 of each, since when the
/// oldest of those waits, and how many jobs are dead, up to 10,000: it is asked again and
/// again, most of all while there is much to count.
pub(super) async fn stats(
    pool: &PgPool,
    kinds: &[String],
) -> sqlx::Result<(i64, i64, Option<OffsetDateTime>)> {
    let row = sqlx::query!(
        r#"select coalesce(sum(pending), 0)::bigint as "pending!", min(oldest) as oldest,
                  (select count(*) from (select from job where due_at is null limit 10000) d) as "dead!"
           from unnest($1::text[]) as known (kind)
           cross join lateral (
               select count(*) as pending, min(first_due_at) as oldest
               from (select first_due_at from job
                     where kind = known.kind and due_at is not null
                     order by urgent desc, due_at limit 10000) as next
           ) as of_kind"#,
        kinds,
    )
    .fetch_one(pool)
    .await?;
    Ok((row.pending, row.dead, row.oldest))
}

/// Makes the tables of this month and the next.
pub(super) async fn make_months(pool: &PgPool, now: OffsetDateTime) -> sqlx::Result<()> {
    keep_months(pool, include_str!("sql/make_months.sql"), now).await
}

/// Drops the tables of months that are over a year old, but for those in use.
pub(super) async fn drop_months(pool: &PgPool, now: OffsetDateTime) -> sqlx::Result<()> {
    keep_months(pool, include_str!("sql/drop_months.sql"), now).await
}

async fn keep_months(pool: &PgPool, sql: &str, now: OffsetDateTime) -> sqlx::Result<()> {
    let now = format!("set local vigie.now = '{}';", wire::timestamptz(now));
    let mut transaction = pool.begin().await?;
    sqlx::raw_sql(AssertSqlSafe(now + sql))
        .execute(&mut *transaction)
        .await?;
    transaction.commit().await
}

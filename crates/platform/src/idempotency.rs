//! The same request twice is done once and answered twice.

use sqlx::{PgConnection, PgPool};
use time::{Duration, OffsetDateTime};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::{Caller, Error, Result};

/// For how long an answer is kept.
const KEPT: Duration = Duration::days(30);

/// How long between two purges.
const PURGE_EVERY: std::time::Duration = std::time::Duration::from_hours(1);
/// How many keys one step of the purge removes.
const PURGE_STEP: i64 = 1_000;

/// What tells one request of one caller from all others.
#[derive(Debug, Clone, Copy)]
pub struct RequestKey<'a> {
    /// Who asks.
    pub caller: &'a Caller,
    /// Which RPC, as in `SubmitReport`.
    pub method: &'static str,
    /// The identifier that the client made for the request.
    pub request_id: Uuid,
}

/// What is known of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Claim {
    /// It is new: do the work and call [`complete_request`] in the same transaction.
    New,
    /// It was done: answer this again.
    Replay(Vec<u8>),
}

/// Claims the key in the caller's transaction.
///
/// A twin that runs at the same moment is waited for. The same key with another
/// hash is refused with `REQUEST_ID_REUSED`.
pub async fn claim_request(
    conn: &mut PgConnection,
    key: &RequestKey<'_>,
    request_hash: &[u8],
    now: OffsetDateTime,
) -> Result<Claim> {
    let claimed = sqlx::query!(
        "insert into idempotency_key (caller_subject, method, request_id, request_hash, created_at)
         values ($1, $2, $3, $4, $5)
         on conflict do nothing",
        key.caller.subject,
        key.method,
        key.request_id,
        request_hash,
        now,
    )
    .execute(&mut *conn)
    .await?;
    if claimed.rows_affected() == 1 {
        return Ok(Claim::New);
    }

    let earlier = sqlx::query!(
        "select request_hash, response from idempotency_key
         where caller_subject = $1 and method = $2 and request_id = $3",
        key.caller.subject,
        key.method,
        key.request_id,
    )
    .fetch_optional(conn)
    .await?;
    let Some(earlier) = earlier else {
        return Err(Error::aborted(
            "CONCURRENT_CHANGE",
            "cette requête est en cours d'oubli ; réessayez",
        ));
    };
    if earlier.request_hash != request_hash {
        return Err(Error::already_exists(
            "REQUEST_ID_REUSED",
            "ce request_id a servi pour une autre requête",
        ));
    }
    match earlier.response {
        Some(response) => Ok(Claim::Replay(response)),
        None => Err(Error::internal(
            "a request was committed without its response",
        )),
    }
}

/// Keeps the answer of a claimed request, in the transaction that claimed it.
pub async fn complete_request(
    conn: &mut PgConnection,
    key: &RequestKey<'_>,
    response: &[u8],
) -> Result<()> {
    let completed = sqlx::query!(
        "update idempotency_key set response = $4
         where caller_subject = $1 and method = $2 and request_id = $3",
        key.caller.subject,
        key.method,
        key.request_id,
        response,
    )
    .execute(conn)
    .await?;
    if completed.rows_affected() == 1 {
        Ok(())
    } else {
        Err(Error::internal(
            "a request was completed without being claimed",
        ))
    }
}

/// Forgets requests older than 30 days, now and every hour until the shutdown.
pub async fn keep_requests_purged(pool: PgPool, shutdown: CancellationToken) {
    let purging = async {
        loop {
            if let Err(error) = purge_requests(&pool, crate::now()).await {
                tracing::warn!(%error, "old request keys were not purged; the next round tries again");
            }
            tokio::time::sleep(PURGE_EVERY).await;
        }
    };
    shutdown.run_until_cancelled(purging).await;
}

/// Forgets requests older than 30 days in small steps; gives back how many.
pub async fn purge_requests(pool: &PgPool, now: OffsetDateTime) -> Result<u64> {
    let mut purged = 0;
    loop {
        let step = sqlx::query!(
            "delete from idempotency_key
             where (caller_subject, method, request_id) in (
                 select caller_subject, method, request_id from idempotency_key
                 where created_at < $1
                 order by created_at
                 limit $2
                 for update skip locked
             )",
            now - KEPT,
            PURGE_STEP,
        )
        .execute(pool)
        .await?
        .rows_affected();
        purged += step;
        if step < PURGE_STEP.unsigned_abs() {
            return Ok(purged);
        }
    }
}

//! The same request twice is done once and answered twice.

use sqlx::{PgConnection, PgPool};
use time::{Duration, OffsetDateTime};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::{Caller, Error, Result, SealingKey};

/// For how long an answer is kept.
const KEPT: Duration = Duration::days(30);

/// For how long the hash of a request rests as it was made, so that the release before, which
/// knows no other, recognises a retry while both run. The release after this one may key it at
/// once.
const PLAIN: Duration = Duration::HOUR;
/// What a keyed hash begins with; one that is not keyed is shorter.
const KEYED: u8 = 1;
/// Binds a sealed hash to its use.
const HASH_PURPOSE: &[u8] = b"request_hash";
/// The bytes of a hash that is not keyed (SHA-256).
const HASH_LEN: i32 = 32;

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
/// hash is refused with `REQUEST_ID_REUSED`; `sealing_key` is that of
/// [`keep_request_hashes_keyed`], where the service runs it.
pub async fn claim_request(
    conn: &mut PgConnection,
    key: &RequestKey<'_>,
    request_hash: &[u8],
    sealing_key: Option<&SealingKey>,
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
    let is_keyed = |key: &SealingKey| is_keyed(key, &earlier.request_hash, request_hash);
    if earlier.request_hash != request_hash && !sealing_key.is_some_and(is_keyed) {
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

/// Keys the hashes of requests that are older than an hour, now and every hour until the
/// shutdown: nobody who reads the table alone guesses by them what somebody wrote.
pub async fn keep_request_hashes_keyed(
    pool: PgPool,
    sealing_key: SealingKey,
    shutdown: CancellationToken,
) {
    let keying = async {
        loop {
            if let Err(error) = key_request_hashes(&pool, &sealing_key, crate::now()).await {
                tracing::warn!(%error, "hashes of requests were not keyed; the next round tries again");
            }
            tokio::time::sleep(PURGE_EVERY).await;
        }
    };
    shutdown.run_until_cancelled(keying).await;
}

/// Keys the hashes of requests that are older than an hour in small steps; gives back how many.
pub async fn key_request_hashes(
    pool: &PgPool,
    sealing_key: &SealingKey,
    now: OffsetDateTime,
) -> Result<u64> {
    let mut done = 0;
    // A step goes on where the one before ended, and does not pass again over what that keyed.
    let mut from = OffsetDateTime::UNIX_EPOCH;
    loop {
        let mut transaction = pool.begin().await?;
        let plain = sqlx::query!(
            "select caller_subject, method, request_id, request_hash, created_at
             from idempotency_key
             where created_at < $1
                 and created_at >= $4
                 and octet_length(request_hash) = $2
             order by created_at
             limit $3
             for update skip locked",
            now - PLAIN,
            HASH_LEN,
            PURGE_STEP,
            from,
        )
        .fetch_all(&mut *transaction)
        .await?;
        let mut keys = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        for row in &plain {
            keys.0.push(row.caller_subject.clone());
            keys.1.push(row.method.clone());
            keys.2.push(row.request_id);
            keys.3.push(keyed(sealing_key, &row.request_hash));
        }
        sqlx::query!(
            "update idempotency_key as key
             set request_hash = keyed.request_hash
             from unnest($1::text[], $2::text[], $3::uuid[], $4::bytea[])
                 as keyed (caller_subject, method, request_id, request_hash)
             where key.caller_subject = keyed.caller_subject
                 and key.method = keyed.method
                 and key.request_id = keyed.request_id",
            &keys.0,
            &keys.1,
            &keys.2,
            &keys.3,
        )
        .execute(&mut *transaction)
        .await?;
        transaction.commit().await?;
        from = plain.last().map_or(from, |row| row.created_at);
        done += keys.0.len() as u64;
        if keys.0.len() < usize::try_from(PURGE_STEP).unwrap_or(usize::MAX) {
            return Ok(done);
        }
    }
}

/// The hash as it rests under the key. It is sealed, as every seal names its key and opens under
/// the earlier ones: a retry after a rotation is recognised.
fn keyed(sealing_key: &SealingKey, request_hash: &[u8]) -> Vec<u8> {
    let sealed = sealing_key.seal(HASH_PURPOSE, request_hash);
    [&[KEYED], sealed.as_slice()].concat()
}

/// Whether what rests is the hash of a request, under whichever of the keys.
fn is_keyed(sealing_key: &SealingKey, rests: &[u8], request_hash: &[u8]) -> bool {
    let Some(sealed) = rests.strip_prefix(&[KEYED]) else {
        return false;
    };
    let opened = sealing_key.open(HASH_PURPOSE, sealed);
    opened.is_ok_and(|opened| opened == request_hash)
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

//! What an operator does after a database was restored.

use platform::{AuditEntry, Caller, Error, Outcome, audit};
use serde_json::json;
use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

/// Gives the log of the schema a new incarnation, after any restore or lossy
/// promotion: its consumers then stop rather than mix two histories. Audited.
pub async fn reincarnate(
    conn: &mut PgConnection,
    caller: &Caller,
    now: OffsetDateTime,
) -> platform::Result<Uuid> {
    let incarnation = Uuid::now_v7();
    let meta = sqlx::query!(
        "update eventlog_meta set incarnation = $1, reincarnated_at = $2 returning producer",
        incarnation,
        now,
    )
    .fetch_optional(&mut *conn)
    .await?
    .ok_or(Error::NotFound("log"))?;
    // Positions of the lost history say nothing about this one: until consumers
    // report again, everything is kept.
    sqlx::query!("update eventlog_registration set position = 0")
        .execute(&mut *conn)
        .await?;
    audit(
        conn,
        AuditEntry {
            caller,
            action: "log.reincarnate",
            object: &meta.producer,
            outcome: Outcome::Done,
            detail: json!({ "incarnation": incarnation }),
            at: now,
        },
    )
    .await?;
    Ok(incarnation)
}

/// Makes a consumer of the schema accept whatever history the producer's log has
/// now, by starting over from a snapshot: effects meet what exists. Audited. The name of
/// a service means all its consumers of that log.
///
/// A consumer that runs takes it up by itself within seconds.
pub async fn adopt(
    conn: &mut PgConnection,
    consumer: &str,
    producer: &str,
    caller: &Caller,
    now: OffsetDateTime,
) -> platform::Result<()> {
    let adopted = sqlx::query!(
        "update consumer_offset set incarnation = null, position = 0, stopped = null, moved_at = $3
         where (consumer = $1 or split_part(consumer, '/', 1) = $1) and producer = $2",
        consumer,
        producer,
        now,
    )
    .execute(&mut *conn)
    .await?;
    if adopted.rows_affected() == 0 {
        return Err(Error::NotFound("consumer"));
    }
    audit(
        conn,
        AuditEntry {
            caller,
            action: "log.adopt",
            object: &format!("{consumer} of {producer}"),
            outcome: Outcome::Done,
            detail: json!({}),
            at: now,
        },
    )
    .await
}

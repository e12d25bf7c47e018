//! Whether a consumer is through with a log.

use proto::eventlog::v1::DescribeResponse;
use sqlx::PgConnection;
use uuid::Uuid;

/// Whether what `conn` sees holds the effects of every event up to the heads that
/// the producer told: none is still to come, none is parked, and the consumer is
/// not stopped.
pub async fn is_applied(
    conn: &mut PgConnection,
    consumer: &str,
    log: &DescribeResponse,
) -> platform::Result<bool> {
    let Ok(incarnation) = Uuid::try_parse(&log.incarnation) else {
        return Ok(false);
    };
    let shards: Vec<i32> = log
        .heads
        .iter()
        .map(|head| head.shard.cast_signed())
        .collect();
    let heads: Vec<i64> = log
        .heads
        .iter()
        .map(|head| head.position.cast_signed())
        .collect();
    let applied = sqlx::query_file_scalar!(
        "src/sql/is_applied.sql",
        consumer,
        log.producer,
        incarnation,
        &shards,
        &heads,
    )
    .fetch_one(conn)
    .await?;
    Ok(applied)
}

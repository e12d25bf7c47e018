//! Destroys keys, and with them what was sealed under them.

use sqlx::PgConnection;

/// Destroys the data keys in every event about these subjects, in the log of the schema
/// and among what its consumers parked. Returns how many events had one.
pub async fn erase_data_keys(
    conn: &mut PgConnection,
    subjects: &[String],
) -> platform::Result<u64> {
    let logged = sqlx::query!(
        "update event set data_key = null where subject = any($1) and data_key is not null",
        subjects,
    )
    .execute(&mut *conn)
    .await?;
    let parked = sqlx::query!(
        "update parked_event set data_key = null where subject = any($1) and data_key is not null",
        subjects,
    )
    .execute(conn)
    .await?;
    Ok(logged.rows_affected() + parked.rows_affected())
}

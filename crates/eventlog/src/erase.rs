//! Destroys keys, and with them what was sealed under them.

use sqlx::PgConnection;

/// Destroys the data key in every event about a subject, in the log of the schema
/// and among what its consumers parked. Returns how many events had it.
pub async fn erase_data_keys(conn: &mut PgConnection, subject: &str) -> platform::Result<u64> {
    let logged = sqlx::query!(
        "update event set data_key = null where subject = $1 and data_key is not null",
        subject,
    )
    .execute(&mut *conn)
    .await?;
    let parked = sqlx::query!(
        "update parked_event set data_key = null where subject = $1 and data_key is not null",
        subject,
    )
    .execute(conn)
    .await?;
    Ok(logged.rows_affected() + parked.rows_affected())
}

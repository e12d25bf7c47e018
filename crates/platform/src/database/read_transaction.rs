//! Read-only transactions that end with the call that they serve.

use std::time::Duration;

use sqlx::{AssertSqlSafe, PgPool, Postgres, Transaction};

use crate::{Deadline, Result};

/// The time of a read without a deadline.
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(10);

/// Begins a read-only transaction whose statements take no longer than the call waits.
///
/// PostgreSQL ends a statement at the deadline, and about three seconds after the call was
/// dropped: the pool closes a connection that is still busy then.
pub async fn read_transaction(
    pool: &PgPool,
    deadline: Option<Deadline>,
) -> Result<Transaction<'static, Postgres>> {
    let left = deadline.map_or(DEFAULT_TIMEOUT, Deadline::remaining);
    // Zero would mean no limit.
    let timeout = left.as_millis().max(1);
    let begin = format!("begin read only; set local statement_timeout = {timeout}");
    Ok(pool.begin_with(AssertSqlSafe(begin)).await?)
}

//! Work that runs again when PostgreSQL asks for it.

use futures::future::BoxFuture;
use platform::{Error, Result};
use sqlx::{PgConnection, PgPool, PgTransaction};

use crate::backoff;

const TRIES: u32 = 5;

/// Runs work in a transaction, and runs it again after a deadlock, a lock
/// time-out, a serialization failure or a lost connection, a few times.
///
/// A commit whose answer was lost may have happened: only for work that meets
/// what exists and does nothing then (derived ids, `on conflict do nothing`).
///
/// What the work needs is handed to it as `with`, each time anew:
///
/// ```no_run
/// use futures::FutureExt as _;
///
/// # async fn story(pool: sqlx::PgPool, log: eventlog::Log, event: eventlog::NewEvent) -> platform::Result<()> {
/// eventlog::in_transaction(&pool, &(&log, &event), |conn, (log, event)| {
///     async move { log.append(conn, std::slice::from_ref(event)).await }.boxed()
/// })
/// .await?;
/// log.committed();
/// # Ok(())
/// # }
/// ```
pub async fn in_transaction<C: Sync, T>(
    pool: &PgPool,
    with: &C,
    work: impl for<'c> Fn(&'c mut PgConnection, &'c C) -> BoxFuture<'c, Result<T>>,
) -> Result<T> {
    let mut failures = 0;
    loop {
        match platform::in_time(attempt(pool, with, &work)).await {
            Err(error) if worth_another_try(&error) && failures + 1 < TRIES => {
                failures += 1;
                tracing::debug!(failures, cause = %error, "running a transaction again");
                tokio::time::sleep(backoff::delay(failures)).await;
            }
            done => return done,
        }
    }
}

async fn attempt<C: Sync, T>(
    pool: &PgPool,
    with: &C,
    work: &impl for<'c> Fn(&'c mut PgConnection, &'c C) -> BoxFuture<'c, Result<T>>,
) -> Result<T> {
    let mut transaction = pool.begin().await?;
    match work(&mut transaction, with).await {
        Ok(done) => {
            transaction.commit().await?;
            Ok(done)
        }
        Err(error) => {
            roll_back(transaction).await;
            Err(error)
        }
    }
}

/// Rolls back at once: a transaction that is only dropped keeps its locks until
/// its connection is back in the pool.
pub(crate) async fn roll_back(transaction: PgTransaction<'_>) {
    // A connection that is lost rolls back by itself.
    let _ = transaction.rollback().await;
}

/// What came of PostgreSQL itself; an `ABORTED` of the domain would come again.
fn worth_another_try(error: &Error) -> bool {
    matches!(error.code(), "CONCURRENT_CHANGE" | "DATABASE_UNAVAILABLE")
}

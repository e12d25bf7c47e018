//! Shares what is due with the release before, which knows the table `delivery` alone: see
//! the migration 0007. To be removed with that table.

use std::{sync::Arc, time::Duration};

use service::jobs::Jobs;
use sqlx::PgPool;
use time::OffsetDateTime;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

const POLL: Duration = Duration::from_secs(1);

/// Delivers until the shutdown, what the release before made due too; never fails.
pub(crate) async fn run(jobs: Jobs, shutdown: CancellationToken) {
    let (pool, due) = (jobs.pool.clone(), Arc::clone(&jobs.wake));
    let take_over = async {
        loop {
            match platform::in_time(take_over(&pool, platform::now())).await {
                Ok(0) => sleep(POLL).await,
                Ok(_) => due.notify_waiters(),
                Err(error) => {
                    tracing::warn!(%error, "older deliveries wait");
                    sleep(POLL).await;
                }
            }
        }
    };
    tokio::join!(
        jobs.run(shutdown.clone()),
        shutdown.run_until_cancelled(take_over),
    );
    hand_back(&pool).await;
}

/// Makes jobs of the deliveries that are undone and nobody is sending; tells of how many.
pub(super) async fn take_over(pool: &PgPool, now: OffsetDateTime) -> platform::Result<u64> {
    let taken = sqlx::query_file!("src/deliveries/sql/take_over.sql", now);
    Ok(taken.execute(pool).await?.rows_affected())
}

/// Makes deliveries of the jobs that nobody is doing, once the workers of this process have
/// ended.
pub(super) async fn hand_back(pool: &PgPool) {
    let now = platform::now();
    let work = async {
        sqlx::query_file!("src/deliveries/sql/hand_back.sql", now)
            .execute(pool)
            .await?;
        Ok::<_, platform::Error>(())
    };
    if let Err(error) = platform::in_time(work).await {
        tracing::warn!(%error, "what is due waits for a process of this release");
    }
}

//! Takes over what the release before makes due: its processes put what waits into the table
//! `delivery` when they stop. To be removed with that table.

use std::time::{Duration, Instant};

use platform::{Result, in_time};
use service::jobs::Jobs;
use sqlx::PgPool;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

const POLL: Duration = Duration::from_secs(1);
/// For how long older deliveries may wait before somebody must act: no gauge counts them.
const WAITED: Duration = Duration::from_mins(1);

/// Takes older deliveries over until the shutdown; never fails. A round that has begun ends.
pub(crate) async fn take_over_until(jobs: Jobs, shutdown: CancellationToken) {
    let mut failing_since = None;
    while !shutdown.is_cancelled() {
        match take_over(&jobs.pool).await {
            Ok(taken) => {
                failing_since = None;
                if taken > 0 {
                    jobs.wake.notify_waiters();
                    continue;
                }
            }
            Err(error) => {
                let since = *failing_since.get_or_insert_with(Instant::now);
                if since.elapsed() < WAITED {
                    tracing::warn!(%error, "older deliveries wait");
                } else {
                    tracing::error!(%error, "older deliveries have waited for a minute");
                    failing_since = None;
                }
            }
        }
        shutdown.run_until_cancelled(sleep(POLL)).await;
    }
}

/// Makes jobs of deliveries that are undone and nobody is sending; tells of how many.
pub(super) async fn take_over(pool: &PgPool) -> Result<u64> {
    let taken = sqlx::query_file!("src/deliveries/sql/take_over.sql", platform::now());
    in_time(async { Ok(taken.execute(pool).await?.rows_affected()) }).await
}

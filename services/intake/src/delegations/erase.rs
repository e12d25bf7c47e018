//! Who a delegate was is erased some time after the end of the delegation.

use std::time::Duration;

use platform::{Result, now};
use sqlx::PgPool;
use time::OffsetDateTime;
use tokio_util::sync::CancellationToken;

use super::store;

/// For how long after the end it is known who the delegate was.
const KEPT: time::Duration = time::Duration::days(90);
/// How long between two rounds.
const EVERY: Duration = Duration::from_hours(1);

/// Erases the names and the subjects of delegates whose delegation ended long enough ago, now and
/// every hour until the shutdown.
pub(crate) async fn keep_delegates_erased(pool: PgPool, shutdown: CancellationToken) {
    let erasing = async {
        loop {
            if let Err(error) = erase_ended(&pool, now()).await {
                tracing::warn!(%error, "delegates were not erased; the next round tries again");
            }
            tokio::time::sleep(EVERY).await;
        }
    };
    shutdown.run_until_cancelled(erasing).await;
}

/// Erases them in small steps; gives back of how many delegations.
pub(crate) async fn erase_ended(pool: &PgPool, now: OffsetDateTime) -> Result<u64> {
    let mut erased = 0;
    loop {
        let mut conn = pool.acquire().await?;
        let step = store::erase_ended(&mut conn, now - KEPT).await?;
        erased += step;
        if step == 0 {
            return Ok(erased);
        }
    }
}

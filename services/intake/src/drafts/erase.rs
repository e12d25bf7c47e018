//! Drafts that nobody saved for thirty days are erased, with their keys.

use std::time::Duration;

use platform::{Result, now};
use sqlx::PgPool;
use time::OffsetDateTime;
use tokio_util::sync::CancellationToken;

use super::{expiry, store};

/// How long between two rounds.
const EVERY: Duration = Duration::from_hours(1);

/// Erases drafts that are kept no longer, now and every hour until the shutdown. Until then
/// nobody sees them.
pub(crate) async fn keep_drafts_erased(pool: PgPool, shutdown: CancellationToken) {
    let erasing = async {
        loop {
            if let Err(error) = erase_expired(&pool, now()).await {
                tracing::warn!(%error, "old drafts were not erased; the next round tries again");
            }
            tokio::time::sleep(EVERY).await;
        }
    };
    shutdown.run_until_cancelled(erasing).await;
}

/// Erases the drafts that are kept no longer in small steps; gives back how many.
pub(crate) async fn erase_expired(pool: &PgPool, now: OffsetDateTime) -> Result<u64> {
    let mut erased = 0;
    loop {
        let mut conn = pool.acquire().await?;
        let step = store::erase_expired(&mut conn, expiry(now)).await?;
        erased += step;
        if step == 0 {
            return Ok(erased);
        }
    }
}

//! Shares what is due with the release before, which knows the table `delivery` alone: see
//! the migration 0007. To be removed with that table.

use std::time::{Duration, Instant};

use platform::{Result, in_time};
use service::jobs::Jobs;
use sqlx::PgPool;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::{digest, mail};
use crate::notices::Template;

const POLL: Duration = Duration::from_secs(1);
/// For how long older deliveries may wait before somebody must act: no gauge counts them.
const WAITED: Duration = Duration::from_mins(1);

/// Delivers until the shutdown, what the release before made due too; never fails.
pub(crate) async fn run(jobs: Jobs, shutdown: CancellationToken) {
    let (pool, grace) = (jobs.pool.clone(), jobs.policy.grace);
    let stopped = async {
        shutdown.cancelled().await;
        Instant::now()
    };
    let ((), (), stopped) = tokio::join!(
        jobs.clone().run(shutdown.clone()),
        take_over_until(&jobs, &shutdown),
        stopped,
    );
    // The service waits for twice the grace.
    match hand_back(&pool, &jobs.cut_off(), stopped + grace * 9 / 5).await {
        Ok(0) => {}
        Ok(left) => tracing::error!(
            jobs.left = left,
            "jobs are left that the release before does not see: start this one again",
        ),
        Err(error) => tracing::warn!(%error, "what is due waits for a process of this release"),
    }
}

/// Takes older deliveries over until the shutdown; a round that has begun ends.
async fn take_over_until(jobs: &Jobs, shutdown: &CancellationToken) {
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

/// Makes deliveries of the jobs that nobody is doing, once the workers of this process have
/// ended and these were cut off, until there are none or it is too late; tells how many are
/// left.
pub(super) async fn hand_back(pool: &PgPool, cut_off: &[Uuid], until: Instant) -> Result<i64> {
    let (kinds, now) = (kinds(), platform::now());
    let count = async || {
        let left = sqlx::query_scalar!(
            r#"select count(*) as "left!" from job
               where kind = any($2)
                   and (claimed_until is null or claimed_until <= $1 or job_id = any($3))"#,
            now,
            &kinds,
            cut_off,
        );
        in_time(async { Ok(left.fetch_one(pool).await?) }).await
    };
    // No more than there were: other processes of this release take them again.
    let mut left = count().await?;
    while left > 0 && Instant::now() < until {
        let batch =
            sqlx::query_file_scalar!("src/deliveries/sql/hand_back.sql", now, &kinds, cut_off);
        let returned: Result<_> = in_time(async { Ok(batch.fetch_one(pool).await?) }).await;
        match returned? {
            0 => return count().await,
            returned => left = (left - returned).max(0),
        }
    }
    Ok(left)
}

/// The kinds of jobs that the release before sends too.
fn kinds() -> Vec<String> {
    let mails = Template::ALL.into_iter().map(mail::kind);
    mails.chain([digest::KIND.to_owned()]).collect()
}

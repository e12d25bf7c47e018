//! Keeps the log in order: partitions made ahead, marks set, old events dropped.

use std::time::Duration;

use time::OffsetDateTime;
use tokio_util::sync::CancellationToken;

use crate::{
    Log,
    outage::Outage,
    partition::{self, Partition},
    relay::STREAMS_KEPT,
};

const ROUND: Duration = Duration::from_mins(1);
/// How far apart marks are.
const MARK: time::Duration = time::Duration::minutes(5);

/// Makes partitions ahead, marks positions and drops what nobody needs. Any
/// number may run: one at a time works.
#[derive(Debug)]
pub struct Maintenance {
    log: Log,
    retention: time::Duration,
}

impl Maintenance {
    /// Keeps events for at least `retention`, and as long as the slowest
    /// registered consumer needs them.
    pub fn new(log: Log, retention: time::Duration) -> Self {
        Self { log, retention }
    }

    /// Works until the shutdown; never fails.
    pub async fn run(self, shutdown: CancellationToken) {
        let mut outage = Outage::of("PostgreSQL (maintenance of the log)");
        let work = async {
            loop {
                match self.step(platform::now()).await {
                    Ok(()) => {
                        outage.over();
                        tokio::time::sleep(ROUND).await;
                    }
                    Err(error) => tokio::time::sleep(outage.failed(&error)).await,
                }
            }
        };
        shutdown.run_until_cancelled(work).await;
    }

    /// Does one round, unless another replica is at it.
    pub async fn step(&self, now: OffsetDateTime) -> platform::Result<()> {
        let mut transaction = self.log.pool().begin().await?;
        let mine = sqlx::query!("select incarnation from eventlog_meta for update skip locked")
            .fetch_optional(&mut *transaction)
            .await?;
        if mine.is_none() {
            return Ok(());
        }
        partition::make_ahead(&mut transaction).await?;
        sqlx::query!(
            "insert into eventlog_mark (shard, position, at)
             select shard, position, $1 from eventlog_head
             where not exists (select from eventlog_mark where at > $2)",
            now,
            now - MARK,
        )
        .execute(&mut *transaction)
        .await?;
        // The youngest of the marks that are old enough says it all.
        sqlx::query!(
            "delete from eventlog_mark
             where at < (select max(at) from eventlog_mark where at <= $1)",
            now - self.retention.max(STREAMS_KEPT),
        )
        .execute(&mut *transaction)
        .await?;
        transaction.commit().await?;
        self.drop_old(now).await
    }

    /// Drops the partitions that are older than the retention and below the
    /// slowest consumer, one transaction each.
    async fn drop_old(&self, now: OffsetDateTime) -> platform::Result<()> {
        loop {
            let mut transaction = self.log.pool().begin().await?;
            // Readers wait behind us while we wait: rather try again later.
            sqlx::query!("set local lock_timeout = '200ms'")
                .execute(&mut *transaction)
                .await?;
            sqlx::query!("select incarnation from eventlog_meta for update")
                .fetch_one(&mut *transaction)
                .await?;
            let droppable = sqlx::query_file_scalar!("src/sql/droppable.sql", now - self.retention)
                .fetch_one(&mut *transaction)
                .await?;
            let oldest = partition::existing(&mut transaction)
                .await?
                .first()
                .copied();
            let Some(partition) = oldest.filter(|oldest| oldest.last() <= droppable) else {
                return Ok(());
            };
            // The next positions of the quietest shard need a partition too.
            if partition >= Partition::of(droppable + 1) {
                return Ok(());
            }
            sqlx::query!("update eventlog_floor set position = $1", partition.last())
                .execute(&mut *transaction)
                .await?;
            partition::drop(&mut transaction, partition).await?;
            transaction.commit().await?;
            tracing::info!(
                producer = self.log.producer(),
                floor = partition.last(),
                "dropped events that every consumer has applied",
            );
        }
    }
}

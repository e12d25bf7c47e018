//! Keeps the log in order: partitions made ahead, marks set, old events dropped.

use std::time::Duration;

use sqlx::PgConnection;
use time::OffsetDateTime;
use tokio_util::sync::CancellationToken;

use crate::{Log, outage::Outage, partition, relay::STREAMS_KEPT, transaction::roll_back};

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
        let free = sqlx::query!("select incarnation from eventlog_meta for update skip locked")
            .fetch_optional(&mut *transaction)
            .await?;
        if free.is_none() {
            return Ok(());
        }
        partition::make_ahead(&mut transaction).await?;
        self.mark(&mut transaction, now).await?;
        transaction.commit().await?;
        while self.drop_oldest(now).await? == Dropped::One {}
        Ok(())
    }

    /// Notes where the heads stand, from time to time.
    async fn mark(&self, conn: &mut PgConnection, now: OffsetDateTime) -> platform::Result<()> {
        sqlx::query!(
            "insert into eventlog_mark (shard, position, at)
             select shard, position, $1 from eventlog_head
             where not exists (select from eventlog_mark where at > $2)",
            now,
            now - MARK,
        )
        .execute(&mut *conn)
        .await?;
        // The youngest of the marks that are old enough says it all.
        sqlx::query!(
            "delete from eventlog_mark
             where at < (select max(at) from eventlog_mark where at <= $1)",
            now - self.retention.max(STREAMS_KEPT),
        )
        .execute(conn)
        .await?;
        Ok(())
    }

    /// Drops the oldest partition if all of it is older than the retention and
    /// below the slowest consumer.
    async fn drop_oldest(&self, now: OffsetDateTime) -> platform::Result<Dropped> {
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
        let partitions = partition::existing(&mut transaction).await?;
        let Some(&oldest) = partitions
            .first()
            .filter(|oldest| oldest.last() <= droppable)
        else {
            roll_back(transaction).await;
            return Ok(Dropped::Nothing);
        };
        sqlx::query!("update eventlog_floor set position = $1", oldest.last())
            .execute(&mut *transaction)
            .await?;
        partition::drop(&mut transaction, oldest).await?;
        transaction.commit().await?;
        tracing::info!(
            eventlog.producer = self.log.producer(),
            eventlog.floor = oldest.last(),
            "dropped events that every consumer has applied",
        );
        Ok(Dropped::One)
    }
}

/// Whether a partition was dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Dropped {
    One,
    Nothing,
}

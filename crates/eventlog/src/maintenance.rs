//! Keeps the log in order: partitions made ahead, marks set, old events dropped.

use std::time::Duration;

use sqlx::{PgConnection, PgPool};
use time::{OffsetDateTime, UtcOffset};
use tokio_util::sync::CancellationToken;

use crate::{Log, backoff::Backoff, partition, publisher::STREAMS_KEPT, transaction::roll_back};

const ROUND: Duration = Duration::from_mins(1);
/// How far apart marks are.
const MARK: time::Duration = time::Duration::minutes(5);

/// Makes partitions ahead and each month, marks positions and drops what nobody needs. Any
/// number may run: one at a time works.
#[derive(Debug)]
pub struct Maintenance {
    log: Log,
    pool: PgPool,
    retention: time::Duration,
}

impl Maintenance {
    /// Keeps events for at least `retention`, and as long as the slowest
    /// registered consumer needs them. Works through a pool of the log's schema whose
    /// statements may take minutes: to end a partition it must be read.
    pub fn new(log: Log, pool: PgPool, retention: time::Duration) -> Self {
        Self {
            log,
            pool,
            retention,
        }
    }

    /// Works until the shutdown; never fails.
    pub async fn run(self, shutdown: CancellationToken) {
        let mut backoff = Backoff::new("PostgreSQL (maintenance of the log)");
        let work = async {
            loop {
                match self.step(platform::now()).await {
                    Ok(()) => {
                        backoff.reset();
                        tokio::time::sleep(ROUND).await;
                    }
                    Err(error) => tokio::time::sleep(backoff.failed(&error)).await,
                }
            }
        };
        shutdown.run_until_cancelled(work).await;
    }

    /// Does one round, unless another replica is at it.
    pub async fn step(&self, now: OffsetDateTime) -> platform::Result<()> {
        let mut transaction = self.pool.begin().await?;
        let free = sqlx::query!("select incarnation from eventlog_meta for update skip locked")
            .fetch_optional(&mut *transaction)
            .await?;
        if free.is_none() {
            return Ok(());
        }
        partition::make_ahead(&mut transaction).await?;
        self.mark(&mut transaction, now).await?;
        transaction.commit().await?;
        self.begin_month(now).await?;
        self.drop_old(now).await
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

    /// Begins another partition when the month of the last one is over (UTC): else a log
    /// of few events would never fill one, and drop nothing.
    async fn begin_month(&self, now: OffsetDateTime) -> platform::Result<()> {
        let mut transaction = self.pool.begin().await?;
        let begun = sqlx::query_scalar!(
            r#"select coalesce(month_begun_at, opened_at) as "begun!" from eventlog_meta for update"#
        )
        .fetch_one(&mut *transaction)
        .await?;
        let month = |at: OffsetDateTime| {
            let at = at.to_offset(UtcOffset::UTC);
            (at.year(), at.month())
        };
        if month(begun) == month(now) {
            roll_back(transaction).await;
            return Ok(());
        }
        partition::end_current(&mut transaction).await?;
        sqlx::query!("update eventlog_meta set month_begun_at = $1", now)
            .execute(&mut *transaction)
            .await?;
        transaction.commit().await?;
        Ok(())
    }

    /// Drops the partitions of which all is older than the retention and applied by
    /// every registered consumer.
    async fn drop_old(&self, now: OffsetDateTime) -> platform::Result<()> {
        let old = now - self.retention;
        let mut transaction = self.pool.begin().await?;
        sqlx::query!("select incarnation from eventlog_meta for update")
            .fetch_one(&mut *transaction)
            .await?;
        if droppable(&mut transaction, old).await?.is_none() {
            roll_back(transaction).await;
            return Ok(());
        }
        partition::lock(&mut transaction).await?;
        // Looked at again, now that nobody appends.
        let Some(end) = droppable(&mut transaction, old).await? else {
            roll_back(transaction).await;
            return Ok(());
        };
        partition::drop_up_to(&mut transaction, end).await?;
        transaction.commit().await?;
        tracing::info!(
            eventlog.producer = self.log.producer(),
            eventlog.floor = end,
            "dropped events that every consumer has applied",
        );
        Ok(())
    }
}

/// The end of the partitions of which nobody needs any event, all recorded before;
/// `None` when there is none to drop.
async fn droppable(
    conn: &mut PgConnection,
    before: OffsetDateTime,
) -> Result<Option<i64>, sqlx::Error> {
    let position = sqlx::query_file_scalar!("src/sql/droppable.sql", before)
        .fetch_one(&mut *conn)
        .await?;
    partition::full_up_to(conn, position).await
}

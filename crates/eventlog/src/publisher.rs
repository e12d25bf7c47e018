//! Publishes the log to Redis by continuing where the streams end.

use std::time::Duration;

use redis::RedisError;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::{
    Event, Log, LogMetrics,
    backoff::Backoff,
    event::by_shard,
    log::Description,
    stream::{Connection, History, Streams},
};

/// The safety net under [`Log::committed`].
const POLL: Duration = Duration::from_secs(1);
/// How often streams without news are compared with the log, so that a wiped
/// Redis fills again.
const COMPARE: Duration = Duration::from_secs(1);
/// What is committed within the time that publishing took, between these limits, goes with
/// the next: by ones, it would cost many times the work.
const SHORTEST_GATHER: Duration = Duration::from_millis(2);
const LONGEST_GATHER: Duration = Duration::from_millis(10);
const TRIM: Duration = Duration::from_mins(1);
/// Streams hold the last day; who is further behind asks the producer.
pub(crate) const STREAMS_KEPT: time::Duration = time::Duration::hours(24);
/// Where an empty stream starts, counted back from the head.
const REFILL: u64 = 10_000;
const PAGE: u16 = 256;
/// Shards that are read, and published, together.
const TOGETHER: usize = 8;

/// Publishes the log to Redis. Any number may run: Redis refuses what is there.
pub struct StreamPublisher {
    log: Log,
    streams: Streams,
    metrics: LogMetrics,
    connection: Option<Connection>,
    /// Where the streams of the present history end, as far as known.
    published: Vec<u64>,
    history: Option<History>,
    compare_at: Instant,
    trim_at: Instant,
    backoff: Backoff,
}

/// Why a round of the publisher failed.
#[derive(Debug, thiserror::Error)]
pub enum PublishError {
    /// Redis is away or refuses.
    #[error("Redis: {0}")]
    Redis(#[from] RedisError),
    /// The database is away.
    #[error("database: {0}")]
    Database(#[from] platform::Error),
}

impl From<sqlx::Error> for PublishError {
    fn from(error: sqlx::Error) -> Self {
        Self::Database(error.into())
    }
}

impl StreamPublisher {
    /// Prepares the publisher of a log; connects later.
    pub fn new(log: Log, streams: Streams, metrics: LogMetrics) -> Self {
        let now = Instant::now();
        let backoff = Backoff::new(format!(
            "Redis or PostgreSQL, for the publisher of {}",
            log.producer()
        ));
        Self {
            log,
            streams,
            metrics,
            connection: None,
            published: Vec::new(),
            history: None,
            compare_at: now,
            trim_at: now,
            backoff,
        }
    }

    /// Publishes until the shutdown; never fails.
    pub async fn run(mut self, shutdown: CancellationToken) {
        let log = self.log.clone();
        let work = async {
            loop {
                // Registered before looking, so that no commit is missed.
                let appended = log.appended().notified();
                tokio::pin!(appended);
                appended.as_mut().enable();
                let began = Instant::now();
                match self.step().await {
                    Ok(published) => {
                        self.backoff.reset();
                        if published > 0 {
                            let took = began.elapsed();
                            tokio::time::sleep(took.clamp(SHORTEST_GATHER, LONGEST_GATHER)).await;
                        }
                        let _ = tokio::time::timeout(POLL, appended).await;
                    }
                    Err(error) => {
                        self.connection = None;
                        self.metrics.publish_errors.inc();
                        tokio::time::sleep(self.backoff.failed(&error)).await;
                    }
                }
            }
        };
        shutdown.run_until_cancelled(work).await;
    }

    /// Publishes what follows the ends of the streams; returns how much.
    pub async fn step(&mut self) -> Result<u64, PublishError> {
        let description = platform::in_time(self.description()).await?;
        let history = History {
            producer: self.log.producer(),
            incarnation: description.incarnation,
        };
        if self.history.as_ref() != Some(&history) {
            self.published = vec![0; description.heads.len()];
            self.compare_at = Instant::now();
            self.history = Some(history.clone());
        }
        let behind: u64 = description
            .heads
            .iter()
            .zip(&self.published)
            .map(|(head, published)| head.saturating_sub(*published))
            .sum();
        self.metrics.unpublished.set(behind.cast_signed());

        let open = self.connection.take().filter(Connection::is_current);
        let connection = if let Some(connection) = open {
            connection
        } else {
            // Whatever answers now may not have what was published before.
            self.compare_at = Instant::now();
            self.streams.connect().await?
        };
        let published = self.publish(&connection, &history, &description).await;
        // Also where nothing can be added: what is forgotten makes room in a full Redis.
        if Instant::now() >= self.trim_at {
            platform::in_time(self.trim(&connection, &history)).await?;
            self.trim_at = Instant::now() + TRIM;
        }
        let published = published?;
        self.connection = Some(connection);
        Ok(published)
    }

    async fn description(&self) -> platform::Result<Description> {
        let mut conn = self.log.pool().acquire().await?;
        self.log.describe(&mut conn).await
    }

    async fn pages(&self, after: &[(u16, u64)]) -> platform::Result<Vec<Event>> {
        let mut conn = self.log.pool().acquire().await?;
        self.log.pages(&mut conn, after, PAGE).await
    }

    async fn publish(
        &mut self,
        connection: &Connection,
        history: &History,
        log: &Description,
    ) -> Result<u64, PublishError> {
        let everything = Instant::now() >= self.compare_at;
        let shards: Vec<u16> = (0..self.log.shards())
            .filter(|&shard| {
                everything || log.heads[usize::from(shard)] > self.published[usize::from(shard)]
            })
            .collect();
        if shards.is_empty() {
            return Ok(0);
        }
        let mut behind: Vec<(u16, u64)> = Vec::new();
        let ends = connection.last(history, &shards).await?;
        for (&shard, end) in shards.iter().zip(ends) {
            let (head, floor) = (
                log.heads[usize::from(shard)],
                log.floors[usize::from(shard)],
            );
            // What was dropped is not published any more, wherever the stream ends.
            let position = end.unwrap_or(head.saturating_sub(REFILL)).max(floor);
            if position > head
                && self.published[usize::from(shard)] <= head
                && self.is_beyond(history, shard, position).await?
            {
                tracing::error!(
                    eventlog.producer = history.producer,
                    eventlog.shard = shard,
                    eventlog.position = position,
                    eventlog.head = head,
                    runbook = crate::RUNBOOK,
                    "a stream of Redis is ahead of the log: the database was restored without a new incarnation",
                );
            }
            self.published[usize::from(shard)] = position;
            if position < head {
                behind.push((shard, position));
            }
        }
        let mut count = 0;
        for some in behind.chunks(TOGETHER) {
            count += self.catch_up(connection, history, log, some).await?;
        }
        if everything {
            self.compare_at = Instant::now() + COMPARE;
        }
        self.metrics.published.inc_by(count);
        self.metrics.unpublished.set(0);
        Ok(count)
    }

    /// Publishes what follows these positions of shards, up to the heads; returns how
    /// much.
    async fn catch_up(
        &mut self,
        connection: &Connection,
        history: &History,
        log: &Description,
        behind: &[(u16, u64)],
    ) -> Result<u64, PublishError> {
        let mut behind = behind.to_vec();
        let mut count = 0;
        while !behind.is_empty() {
            let events = platform::in_time(self.pages(&behind)).await?;
            connection.publish(history, &events).await?;
            count += events.len() as u64;
            let read: Vec<(u16, u64)> = by_shard(&events)
                .filter_map(|events| events.last())
                .map(|last| (last.shard, last.position))
                .collect();
            for &(shard, position) in &read {
                self.published[usize::from(shard)] = position;
            }
            // What gave nothing was dropped meanwhile.
            behind = read;
            behind.retain(|&(shard, position)| position < log.heads[usize::from(shard)]);
        }
        Ok(count)
    }

    /// Whether a position lies beyond the head as it is now: another publisher may have
    /// published what was committed since the log was described.
    async fn is_beyond(
        &self,
        history: &History,
        shard: u16,
        position: u64,
    ) -> Result<bool, PublishError> {
        let mut conn = self.log.pool().acquire().await?;
        let now = self.log.describe(&mut conn).await?;
        Ok(now.incarnation == history.incarnation && position > now.heads[usize::from(shard)])
    }

    /// Forgets what is more than a day old, by the marks that maintenance made.
    async fn trim(&self, connection: &Connection, history: &History) -> Result<(), PublishError> {
        let marks = sqlx::query!(
            r#"select h.shard, coalesce(
                   (select m.position from eventlog_mark m
                    where m.shard = h.shard and m.at <= $1 order by m.at desc limit 1), 0) as "position!"
               from eventlog_head h"#,
            platform::now() - STREAMS_KEPT,
        )
        .fetch_all(self.log.pool())
        .await?;
        let keep_from: Vec<(u16, u64)> = marks
            .iter()
            .filter_map(|mark| {
                Some((
                    u16::try_from(mark.shard).ok()?,
                    mark.position.cast_unsigned(),
                ))
            })
            .collect();
        connection.trim(history, &keep_from).await?;
        Ok(())
    }
}

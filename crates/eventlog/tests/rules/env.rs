//! A producer and its consumers, with everything between them.

mod producer;

use std::sync::Arc;

use anyhow::Context as _;
use eventlog::{
    Apply, Consumer, EventLogConfig, Log, LogMetrics, NewEvent, Source, StreamPublisher, Streams,
};
use platform::{DatabaseConfig, Files, SealingKey};
use proto::{
    Payload as _,
    events::v1::{ReportWithdrawn, StructureRecorded},
};
use redis::AsyncCommands as _;
use sqlx::{PgConnection, PgPool};
use testkit::{Database, Postgres};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tonic::transport::Channel;
use uuid::Uuid;

use self::producer::log_service;
pub(crate) use self::producer::serve;
use crate::ledger::{Entry, Ledger};

pub(crate) const PRODUCER: &str = "intake";
pub(crate) const CONSUMER: &str = "qualification";
pub(crate) const SHARDS: u16 = 4;
/// The metric of the events that came by Redis.
pub(crate) const BY_REDIS: &str = r#"eventlog_consumer_read_events_total{consumer="qualification",producer="intake",source="redis"}"#;

/// The metric of the events that came from the producer.
pub(crate) const BY_GRPC: &str = r#"eventlog_consumer_read_events_total{consumer="qualification",producer="intake",source="grpc"}"#;

/// The producer `intake` with a log of four shards, and a database for the
/// consumer `qualification`.
pub(crate) struct TestEnv {
    pub(crate) log: Log,
    pub(crate) intake: PgPool,
    pub(crate) qualification: PgPool,
    pub(crate) metrics: Arc<platform::Metrics>,
    pub(crate) log_metrics: LogMetrics,
    channel: Channel,
    producer: Option<Running>,
}

/// A part of the env that runs until it is stopped or dropped.
pub(crate) struct Running {
    tasks: JoinSet<()>,
    shutdown: CancellationToken,
}

impl TestEnv {
    pub(crate) async fn new(label: &str) -> Self {
        Self::on(testkit::postgres().await, label).await
    }

    /// A env on a server of its own.
    pub(crate) async fn on(postgres: &Postgres, label: &str) -> Self {
        Self::upon(postgres, label, "").await
    }

    /// A env whose log holds rows already.
    pub(crate) async fn with_rows(label: &str, rows: &'static str) -> Self {
        Self::upon(testkit::postgres().await, label, rows).await
    }

    async fn upon(postgres: &Postgres, label: &str, rows: &'static str) -> Self {
        let database = postgres.database_like(label, "eventlog", prepare).await;
        let intake = pool(&database, PRODUCER).await;
        sqlx::raw_sql(rows).execute(&intake).await.unwrap();
        let qualification = pool(&database, CONSUMER).await;
        sqlx::raw_sql("create table fact (event_id uuid primary key, subject text, text text)")
            .execute(&intake)
            .await
            .unwrap();
        Ledger::create_table(&qualification).await;
        let log = Log::open(intake.clone(), PRODUCER, SHARDS).await.unwrap();
        let metrics = Arc::new(platform::Metrics::new());
        let log_metrics = LogMetrics::register(&metrics);
        let (channel, producer) = serve(log_service(&log, &intake)).await;
        Self {
            log,
            intake,
            qualification,
            metrics,
            log_metrics,
            channel,
            producer: Some(producer),
        }
    }

    /// Ends the producer's gRPC server, with its connections.
    pub(crate) async fn stop_producer(&mut self) {
        self.producer.take().unwrap().stop().await;
    }

    /// Records facts about a subject and announces each, in one transaction.
    pub(crate) async fn append(&self, subject: &str, texts: &[&str]) {
        let mut transaction = self.intake.begin().await.unwrap();
        let events: Vec<NewEvent> = texts.iter().map(|text| event(subject, text)).collect();
        for (event, text) in events.iter().zip(texts) {
            record(&mut transaction, event, subject, text).await;
        }
        self.log.append(&mut transaction, &events).await.unwrap();
        transaction.commit().await.unwrap();
        self.log.committed();
    }

    /// Announces one fact for each of so many subjects.
    pub(crate) async fn append_many(&self, range: std::ops::Range<usize>) {
        for number in range {
            self.append(
                &format!("report/{}", number % 17),
                &[&format!("{number:05}")],
            )
            .await;
        }
    }

    /// The way to the producer.
    pub(crate) fn channel(&self) -> Channel {
        self.channel.clone()
    }

    /// A consumer without Redis.
    pub(crate) fn consumer(&self, apply: &Arc<Ledger>) -> Consumer {
        self.consumer_over(apply, None)
    }

    /// Any consumer of any producer, without Redis.
    pub(crate) fn consumer_of(
        &self,
        channel: &Channel,
        name: &'static str,
        apply: Arc<dyn Apply>,
    ) -> Consumer {
        Consumer::new(
            name,
            PRODUCER,
            self.qualification.clone(),
            Source::new(channel.clone(), None),
            apply,
            self.log_metrics.clone(),
        )
    }

    /// A consumer that also reads the streams.
    pub(crate) fn consumer_over(&self, apply: &Arc<Ledger>, streams: Option<Streams>) -> Consumer {
        Consumer::new(
            CONSUMER,
            PRODUCER,
            self.qualification.clone(),
            Source::new(self.channel.clone(), streams),
            Arc::<Ledger>::clone(apply),
            self.log_metrics.clone(),
        )
    }

    pub(crate) fn publisher(&self, streams: &Streams) -> StreamPublisher {
        StreamPublisher::new(self.log.clone(), streams.clone(), self.log_metrics.clone())
    }

    /// What the consumer applied.
    pub(crate) async fn applied(&self) -> Vec<Entry> {
        Ledger::entries(&self.qualification).await
    }

    /// Waits until the consumer has applied so many events.
    pub(crate) async fn until_applied(&self, count: usize) -> Vec<Entry> {
        testkit::eventually(async || self.applied().await.len() >= count).await;
        self.applied().await
    }

    /// Waits until every event of the log was passed by the consumer's offsets.
    pub(crate) async fn until_caught_up(&self) {
        testkit::eventually(async || {
            let heads = self.heads().await;
            let offsets: Vec<i64> =
                sqlx::query_scalar("select position from consumer_offset order by shard")
                    .fetch_all(&self.qualification)
                    .await
                    .unwrap();
            offsets
                .iter()
                .map(|offset| offset.cast_unsigned())
                .eq(heads)
        })
        .await;
    }

    /// Announces facts until one comes by Redis, and waits until all are applied.
    pub(crate) async fn until_redis_is_heard(&self) {
        let before = self.metric(BY_REDIS);
        testkit::eventually(async || {
            self.append("report/heard", &["heard"]).await;
            self.metric(BY_REDIS) > before
        })
        .await;
        self.until_caught_up().await;
    }

    /// Announces structures, which no consumer must apply, in the first shard: rows as
    /// an append makes them, so many at once.
    pub(crate) async fn append_structures(&self, count: i64) {
        sqlx::query(
            "with head as (
                 update eventlog_head set position = position + $1 where shard = 0
                 returning position - $1 as before
             )
             insert into event
             (shard, position, event_id, event_type, subject, recorded_at, payload, consumers)
             select 0, before + n, gen_random_uuid(), $2, 'structure/' || n, now(), '', '{}'
             from head, generate_series(1, $1) as n",
        )
        .bind(count)
        .bind(StructureRecorded::TYPE)
        .execute(&self.intake)
        .await
        .unwrap();
    }

    pub(crate) async fn heads(&self) -> Vec<u64> {
        let mut conn = self.intake.acquire().await.unwrap();
        self.log.heads(&mut conn).await.unwrap()
    }

    /// Parked events as (text of the subject, reason), in the order of parking.
    pub(crate) async fn parked(&self) -> Vec<(String, String)> {
        sqlx::query_as("select subject, reason from parked_event order by arrival")
            .fetch_all(&self.qualification)
            .await
            .unwrap()
    }

    /// The value of a metric whose line begins like this.
    pub(crate) fn metric(&self, begin: &str) -> f64 {
        let text = self.metrics.encode();
        let line = text.lines().find(|line| line.starts_with(begin));
        line.and_then(|line| line.rsplit(' ').next()?.parse().ok())
            .unwrap_or(0.0)
    }

    /// A subject that lives in a shard.
    pub(crate) fn subject_in(&self, shard: u16) -> String {
        (0..10_000)
            .map(|number| format!("report/{number}"))
            .find(|subject| self.log.shard_of(subject) == shard)
            .unwrap()
    }
}

impl Running {
    /// Runs a consumer.
    pub(crate) fn consumer(consumer: Consumer) -> Self {
        let shutdown = CancellationToken::new();
        let mut tasks = JoinSet::new();
        tasks.spawn(consumer.run(shutdown.clone()));
        Self { tasks, shutdown }
    }

    /// Runs a publisher.
    pub(crate) fn publisher(publisher: StreamPublisher) -> Self {
        let shutdown = CancellationToken::new();
        let mut tasks = JoinSet::new();
        tasks.spawn(publisher.run(shutdown.clone()));
        Self { tasks, shutdown }
    }

    /// Asks it to end and waits for that.
    pub(crate) async fn stop(mut self) {
        self.shutdown.cancel();
        while let Some(ended) = self.tasks.join_next().await {
            ended.unwrap();
        }
    }

    /// Cuts it off wherever it is.
    pub(crate) async fn cut_off(mut self) {
        self.tasks.shutdown().await;
    }
}

/// An event about a subject.
pub(crate) fn event(subject: &str, text: &str) -> NewEvent {
    let payload = ReportWithdrawn {
        reference: text.to_owned(),
        ..ReportWithdrawn::default()
    };
    // Ids that are derived come in no order.
    NewEvent::new(
        Uuid::new_v4(),
        subject.to_owned(),
        platform::now(),
        &payload,
    )
}

/// The way to Redis, as a service would configure it.
pub(crate) fn streams(url: &str) -> Streams {
    streams_by(&EventLogConfig {
        redis_url: Some(url.into()),
        ..EventLogConfig::default()
    })
}

/// The way to Redis by all that can be configured.
pub(crate) fn streams_by(config: &EventLogConfig) -> Streams {
    Streams::open(config, SealingKey::from_bytes([7; 32]), &Files::default())
        .unwrap()
        .unwrap()
}

/// A connection to Redis for looking behind the curtain.
pub(crate) async fn redis_connection(redis: &testkit::Redis) -> redis::aio::MultiplexedConnection {
    let client = redis::Client::open(redis.url()).unwrap();
    client.get_multiplexed_async_connection().await.unwrap()
}

/// The streams of a log in Redis, by shard.
pub(crate) async fn stream_names(redis: &testkit::Redis) -> Vec<String> {
    let mut names: Vec<String> = redis_connection(redis).await.keys("vigie:*").await.unwrap();
    names.sort();
    names
}

/// How many entries the streams hold together.
pub(crate) async fn stream_entries(redis: &testkit::Redis) -> usize {
    let mut connection = redis_connection(redis).await;
    let mut entries = 0;
    for name in stream_names(redis).await {
        entries += connection.xlen::<_, usize>(name).await.unwrap();
    }
    entries
}

/// A pool as a service opens it, session time-outs included.
pub(crate) async fn pool(database: &Database, service: &str) -> PgPool {
    platform::connect(&config(database, service), service, &Files::default())
        .await
        .unwrap()
}

fn config(database: &Database, service: &str) -> DatabaseConfig {
    DatabaseConfig {
        max_connections: 24,
        acquire_timeout_ms: 10_000,
        ..DatabaseConfig::new(database.url(service), service)
    }
}

async fn prepare(database: &Database) -> anyhow::Result<()> {
    for service in [PRODUCER, CONSUMER, "statistics"] {
        platform::migrate(
            &config(database, service),
            &[&platform::MIGRATOR, &eventlog::MIGRATOR],
        )
        .await
        .context(service)?;
    }
    Ok(())
}

async fn record(conn: &mut PgConnection, event: &NewEvent, subject: &str, text: &str) {
    sqlx::query("insert into fact (event_id, subject, text) values ($1, $2, $3)")
        .bind(event.id())
        .bind(subject)
        .bind(text)
        .execute(conn)
        .await
        .unwrap();
}

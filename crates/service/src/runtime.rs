//! The process of a service around its features.

use std::sync::Arc;

use eventlog::{
    Apply, Consumer, ConsumerHandle, Log, LogMetrics, Maintenance, Snapshot, Source,
    StreamPublisher, Streams, consumer_service, event_log_service,
};
use platform::{
    AuditSealer, Authenticator, Exposed, Files, Listeners, Metrics, Readiness, SealingKey,
    StartError, Tasks, check_migrated, connect, internal_channel, keep_request_hashes_keyed,
    keep_requests_purged, serve,
};
use sqlx::{PgPool, migrate::Migrator};
use tokio_util::sync::CancellationToken;
use tonic::{service::Routes, transport::Channel};

use crate::{BaseConfig, Commands};

/// A service that is connected and checked, before its features are added.
pub struct Runtime {
    /// The name of the service: of its schema, its certificate and its log.
    pub name: &'static str,
    /// The configuration that it was opened with.
    pub config: BaseConfig,
    /// Its metrics.
    pub metrics: Arc<Metrics>,
    /// Its files that are read again when they change.
    pub files: Files,
    /// Its tables.
    pub pool: PgPool,
    /// Serves searches and lists, whose statements end soon.
    pub read_pool: PgPool,
    /// Serves the readers of the log and its maintenance, without waiting behind calls and
    /// events.
    pub log_pool: PgPool,
    streams: Option<Streams>,
    audit: AuditSealer,
    authenticator: Arc<Authenticator>,
}

impl Runtime {
    /// Connects to everything that the service needs and checks it. `log_key` seals the
    /// events in Redis and signs the audit trail.
    pub async fn open(
        name: &'static str,
        migrators: &[&'static Migrator],
        config: BaseConfig,
        log_key: SealingKey,
        files: Files,
        metrics: Arc<Metrics>,
    ) -> Result<Self, StartError> {
        let streams = Streams::open(&config.event_log, log_key.clone(), &files)?;
        let pool = connect(&config.database, name, &files).await?;
        check_migrated(&pool, migrators).await?;
        let read_pool = connect(&config.database.for_reads(), name, &files).await?;
        let log_pool = connect(&config.database.for_maintenance(), name, &files).await?;
        let authenticator =
            Authenticator::start_with_store(&config.auth, &pool, &log_key, &files).await?;
        let audit = AuditSealer::new(name, pool.clone(), log_key, &metrics);
        Ok(Self {
            name,
            config,
            metrics,
            files,
            pool,
            read_pool,
            log_pool,
            streams,
            audit,
            authenticator: Arc::new(authenticator),
        })
    }
}

impl Runtime {
    /// Opens the log of a service that announces something.
    pub async fn open_log(&self) -> Result<Log, StartError> {
        Log::open(self.pool.clone(), self.name, self.config.event_log.shards)
            .await
            .map_err(|cause| StartError::unusable("the event log", cause))
    }

    /// The way to another service, whose log this one reads.
    pub fn channel(&self, producer: &'static str, url: &str) -> Result<Channel, StartError> {
        internal_channel(producer, url, &self.config.internal_tls, &self.files)
    }

    /// Starts what every service has; features are added to what comes back.
    pub fn start(self, shutdown: &CancellationToken) -> Running {
        // The end of one service does not end others that share the token.
        let shutdown = shutdown.child_token();
        let tasks = Tasks::new(shutdown.clone());
        tasks.spawn(
            "purge of request keys",
            keep_requests_purged(self.pool.clone(), shutdown.clone()),
        );
        Running {
            readiness: Readiness::new().with_database(self.pool.clone()),
            log_metrics: LogMetrics::register(&self.metrics),
            runtime: self,
            tasks,
            shutdown,
            closing: CancellationToken::new(),
            consumers: Vec::new(),
            internal: Routes::default(),
            published: None,
        }
    }
}

/// A service at work.
pub struct Running {
    /// What it runs on.
    pub runtime: Runtime,
    /// Its tasks; more may be added.
    pub tasks: Tasks,
    /// Cancelled when the service is to end.
    pub shutdown: CancellationToken,
    /// Cancelled when no call runs any more: for tasks that calls still need.
    pub closing: CancellationToken,
    readiness: Readiness,
    log_metrics: LogMetrics,
    consumers: Vec<ConsumerHandle>,
    internal: Routes,
    published: Option<Log>,
}

impl Running {
    /// What runs the changes of the features, announced in this log.
    pub fn commands(&self, log: &Log) -> Commands {
        Commands {
            pool: self.runtime.pool.clone(),
            log: log.clone(),
            tasks: self.tasks.clone(),
            hash_key: None,
        }
    }

    /// What runs the changes of the features where the hashes of their requests are keyed.
    pub fn commands_keyed(&self, log: &Log, key: &SealingKey) -> Commands {
        let pool = self.runtime.pool.clone();
        let keying = keep_request_hashes_keyed(pool, key.clone(), self.shutdown.clone());
        self.tasks.spawn("keys of request hashes", keying);
        Commands {
            hash_key: Some(key.clone()),
            ..self.commands(log)
        }
    }

    /// Publishes the service's log to Redis, for those who follow it.
    pub fn publish(&mut self, log: &Log) {
        if let Some(streams) = self.runtime.streams.clone() {
            let publisher = StreamPublisher::new(log.clone(), streams, self.log_metrics.clone());
            self.tasks
                .spawn("stream publisher", publisher.run(self.shutdown.clone()));
        }
    }

    /// Serves the service's log to these readers; who starts below its floor begins with the
    /// snapshot.
    pub fn serve_log(
        &mut self,
        log: &Log,
        snapshot: Arc<dyn Snapshot>,
        readers: &'static [&'static str],
    ) {
        let Runtime {
            config, log_pool, ..
        } = &self.runtime;
        let log_service = event_log_service(log.clone(), log_pool.clone(), snapshot, readers);
        self.internal = Routes::new(log_service);
        let maintenance =
            Maintenance::new(log.clone(), log_pool.clone(), config.event_log.retention());
        self.tasks.spawn(
            "maintenance of the log",
            maintenance.run(self.shutdown.clone()),
        );
        self.published = Some(log.clone());
    }

    /// Applies the log of another service, under the name by which the offsets are kept. A
    /// consumer that stops shows in its metric and not in the readiness: the service goes
    /// on with what it knows.
    pub fn consume(
        &mut self,
        consumer: &'static str,
        producer: &'static str,
        channel: Channel,
        apply: Arc<dyn Apply>,
    ) {
        let consumer = Consumer::new(
            consumer,
            producer,
            self.runtime.pool.clone(),
            Source::new(channel, self.runtime.streams.clone()),
            apply,
            self.log_metrics.clone(),
        );
        self.consumers.push(consumer.handle());
        self.tasks
            .spawn(producer, consumer.run(self.shutdown.clone()));
    }

    /// Serves until the shutdown, then drains: first the calls, then the tasks.
    pub async fn serve(self, listeners: Listeners, public: Routes) -> Result<(), StartError> {
        let Runtime {
            name,
            config,
            metrics,
            files,
            pool,
            audit,
            authenticator,
            ..
        } = self.runtime;
        self.tasks
            .spawn("seals of the audit trail", audit.run(self.shutdown.clone()));
        let operators = consumer_service(pool.clone(), self.published, self.consumers);
        let exposed = Exposed {
            name,
            public: public.add_service(operators),
            internal: self.internal,
        };
        let drain = config.server.drain();
        let served = serve(
            exposed,
            &config.server,
            &config.internal_tls,
            files,
            authenticator,
            metrics,
            self.readiness,
            listeners,
            self.shutdown.clone(),
        )
        .await;
        self.shutdown.cancel();
        self.closing.cancel();
        let ended = self.tasks.join(drain).await;
        pool.close().await;
        served.and(ended)
    }
}

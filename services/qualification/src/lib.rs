//! Opens a case for every report and leads it from qualification to closure.
//!
//! A report of `intake` opens exactly one case, with the severity that the rules
//! propose; the analysts of the national cell claim it, qualify it and close it.
//! Every change is announced in the service's own log. What may follow what is
//! one table, `TRANSITIONS` in the module `domain`, shown for people in `STATES.md`.

mod announce;
mod config;
mod consume;
mod convert;
mod domain;
mod grpc;
mod store;

use std::{sync::Arc, time::Duration};

use eventlog::{Consumer, Log, LogMetrics, Maintenance, Relay, Source, Streams};
use platform::{
    AuditSealer, Authenticator, Exposed, Files, Listeners, Metrics, Readiness, SealingKey,
    StartError, Tasks,
};
use proto::qualification::v1::qualification_service_server::QualificationServiceServer;
use sqlx::{PgPool, migrate::Migrator};
use tokio_util::sync::CancellationToken;
use tonic::{service::Routes, transport::Channel};

pub use config::{Config, ProducersConfig};

/// The name of the service: in certificates, logs and the database.
pub const NAME: &str = "qualification";

/// The tables of the service's own.
pub static MIGRATOR: Migrator = sqlx::migrate!();

/// Whose log the service reads.
const PRODUCER: &str = "intake";
/// Who may read the service's log.
const CONSUMERS: &[&str] = &["intake", "notification", "statistics"];

/// All migrations that the schema of the service needs, in order.
pub fn migrators() -> Vec<&'static Migrator> {
    vec![&platform::MIGRATOR, &eventlog::MIGRATOR, &MIGRATOR]
}

/// The service, connected and checked, ready to run.
#[derive(Debug)]
pub struct App {
    config: Config,
    metrics: Arc<Metrics>,
    audit: AuditSealer,
    files: Files,
    pool: PgPool,
    log_pool: PgPool,
    log: Log,
    streams: Option<Streams>,
    intake: Channel,
    master_key: SealingKey,
    authenticator: Arc<Authenticator>,
}

/// Connects and checks everything that the service needs.
pub async fn build(config: Config, metrics: Arc<Metrics>) -> Result<App, StartError> {
    let files = Files::new(&metrics);
    let master_key = config.sealing.master_key(&files)?;
    let log_key = config.sealing.log_key(&files)?;
    let streams = Streams::open(&config.event_log, log_key.clone(), &files)?;
    let intake_url = &config.producers.intake_url;
    let intake = platform::internal_channel(PRODUCER, intake_url, &config.internal_tls, &files)?;
    let pool = platform::connect(&config.database, NAME, &files).await?;
    platform::check_migrated(&pool, &migrators()).await?;
    let log_pool = platform::connect(&config.database.for_maintenance(), NAME, &files).await?;
    let log = Log::open(pool.clone(), NAME, config.event_log.shards)
        .await
        .map_err(|cause| StartError::unusable("the event log", cause))?;
    let authenticator =
        Authenticator::start_with_store(&config.auth, &pool, &log_key, &files).await?;
    let audit = AuditSealer::new(NAME, pool.clone(), log_key, &metrics);
    Ok(App {
        config,
        metrics,
        audit,
        files,
        pool,
        log_pool,
        log,
        streams,
        intake,
        master_key,
        authenticator: Arc::new(authenticator),
    })
}

impl App {
    /// Serves and applies events until the shutdown, then drains.
    pub async fn run(
        self,
        listeners: Listeners,
        shutdown: CancellationToken,
    ) -> Result<(), StartError> {
        let log_metrics = LogMetrics::register(&self.metrics);
        let readiness = Readiness::new().with_database(self.pool.clone());
        let tasks = Tasks::new(shutdown.clone());

        // Its stop is told by its metric and not by the readiness: the cell goes on
        // with the cases it has.
        let consumer = Consumer::new(
            NAME,
            PRODUCER,
            self.pool.clone(),
            Source::new(self.intake, self.streams.clone()),
            Arc::new(consume::Reports::new(self.log.clone())),
            log_metrics.clone(),
        );
        let operators = eventlog::consumer_service(
            self.pool.clone(),
            Some(self.log.clone()),
            vec![consumer.handle()],
        );
        let service = grpc::Service {
            pool: self.pool.clone(),
            log: self.log.clone(),
            master_key: self.master_key,
            tasks: tasks.clone(),
        };
        let exposed = Exposed {
            name: NAME,
            public: Routes::new(
                QualificationServiceServer::new(service)
                    .max_decoding_message_size(self.config.server.max_message_bytes),
            )
            .add_service(operators),
            internal: Routes::new(eventlog::event_log_service(
                self.log.clone(),
                self.log_pool,
                Arc::new(announce::AllCases {
                    log: self.log.clone(),
                }),
                CONSUMERS,
            )),
        };

        tasks.spawn("consumer of intake", consumer.run(shutdown.clone()));
        let maintenance = Maintenance::new(self.log.clone(), self.config.event_log.retention());
        tasks.spawn("maintenance of the log", maintenance.run(shutdown.clone()));
        if let Some(streams) = self.streams {
            let relay = Relay::new(self.log, streams, log_metrics);
            tasks.spawn("relay", relay.run(shutdown.clone()));
        }
        let audit = self.audit.run(shutdown.clone());
        tasks.spawn("seals of the audit trail", audit);
        tasks.spawn(
            "purge of request keys",
            platform::keep_requests_purged(self.pool, shutdown.clone()),
        );

        let served = platform::serve(
            exposed,
            &self.config.server,
            &self.config.internal_tls,
            self.files,
            self.authenticator,
            self.metrics,
            readiness,
            listeners,
            shutdown.clone(),
        )
        .await;
        shutdown.cancel();
        let drained = tasks
            .join(Duration::from_secs(self.config.server.drain_seconds))
            .await;
        served.and(drained)
    }
}

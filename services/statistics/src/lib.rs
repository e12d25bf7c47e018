//! Counts reports exactly and answers with figures that carry their denominators.
//!
//! The logs of intake and qualification become one fact for each report, and
//! counters that move with the facts in the same transaction: [`recount`] proves
//! that both say the same. The sealed field of a report stays sealed: the service
//! is not even given the key. A structure is told apart by an id that is derived
//! from its number or name: a pseudonym, which anybody can turn back who tries
//! all numbers, so that facts are no data to give away.

mod config;
mod consume;
mod convert;
mod domain;
mod grpc;
mod store;

use std::sync::Arc;

use eventlog::{Consumer, LogMetrics, Source, Streams, consumer_service};
use platform::{
    AuditSealer, Authenticator, Exposed, Files, Listeners, Metrics, Readiness, SealingKey,
    StartError, Tasks, check_migrated, connect, internal_channel, serve,
};
use proto::statistics::v1::statistics_service_server::StatisticsServiceServer;
use sqlx::{PgPool, migrate::Migrator};
use tokio_util::sync::CancellationToken;
use tonic::service::Routes;

pub use config::{Config, LogKeyConfig, ProducersConfig};
pub use store::{Difference, recount};

use crate::{
    consume::{Count, Progress},
    grpc::Statistics,
};

/// The name of the service: of its schema, its certificate and its consumers.
pub const NAME: &str = "statistics";

/// The tables of facts and counters.
pub static MIGRATOR: Migrator = sqlx::migrate!();

/// The migrations of the service's schema, in order.
pub fn migrators() -> Vec<&'static Migrator> {
    vec![&platform::MIGRATOR, &eventlog::MIGRATOR, &MIGRATOR]
}

/// The service, connected and checked.
pub struct App {
    config: Config,
    pool: PgPool,
    metrics: Arc<Metrics>,
    audit: AuditSealer,
    files: Files,
    authenticator: Arc<Authenticator>,
    readiness: Readiness,
    consumers: Vec<(&'static str, Consumer)>,
    progress: Progress,
}

/// Connects to everything the service needs and checks that it can be used.
pub async fn build(config: Config, metrics: Arc<Metrics>) -> Result<App, StartError> {
    let files = Files::new(&metrics);
    let pool = connect(&config.database, NAME, &files).await?;
    check_migrated(&pool, &migrators()).await?;
    let readiness = Readiness::new().with_database(pool.clone());

    let log_key_file = &config.sealing.log_key_file;
    let log_key = SealingKey::of_file("SEALING_LOG_KEY_FILE", log_key_file, &files)?;
    let authenticator =
        Authenticator::start_with_store(&config.auth, &pool, &log_key, &files).await?;
    let streams = Streams::open(&config.event_log, log_key.clone(), &files)?;
    let log_metrics = LogMetrics::register(&metrics);
    let count = Arc::new(Count);
    let mut consumers = Vec::new();
    let mut channels = Vec::new();
    for (producer, task, url) in [
        ("intake", "consumer of intake", &config.producers.intake_url),
        (
            "qualification",
            "consumer of qualification",
            &config.producers.qualification_url,
        ),
    ] {
        let channel = internal_channel(producer, url, &config.internal_tls, &files)?;
        let source = Source::new(channel.clone(), streams.clone());
        let consumer = Consumer::new(
            NAME,
            producer,
            pool.clone(),
            source,
            Arc::clone(&count) as _,
            log_metrics.clone(),
        );
        consumers.push((task, consumer));
        channels.push(channel);
    }
    let audit = AuditSealer::new(NAME, pool.clone(), log_key, &metrics);
    Ok(App {
        config,
        pool,
        metrics,
        audit,
        files,
        authenticator: Arc::new(authenticator),
        readiness,
        consumers,
        progress: Progress::new(channels),
    })
}

impl App {
    /// Counts and answers until the shutdown, then drains.
    pub async fn run(
        self,
        listeners: Listeners,
        shutdown: CancellationToken,
    ) -> Result<(), StartError> {
        // Our own end does not end the others that share the token.
        let shutdown = shutdown.child_token();
        let handles = self
            .consumers
            .iter()
            .map(|(_, consumer)| consumer.handle())
            .collect();
        let operators = consumer_service(self.pool.clone(), None, handles);
        let statistics = Statistics {
            pool: self.pool.clone(),
            progress: self.progress,
        };
        let exposed = Exposed {
            name: NAME,
            public: Routes::new(
                StatisticsServiceServer::new(statistics)
                    .max_decoding_message_size(self.config.server.max_message_bytes),
            )
            .add_service(operators),
            internal: Routes::default(),
        };

        let tasks = Tasks::new(shutdown.clone());
        let audit = self.audit.run(shutdown.clone());
        tasks.spawn("seals of the audit trail", audit);
        for (task, consumer) in self.consumers {
            tasks.spawn(task, consumer.run(shutdown.clone()));
        }
        let served = serve(
            exposed,
            &self.config.server,
            &self.config.internal_tls,
            self.files,
            self.authenticator,
            self.metrics,
            self.readiness,
            listeners,
            shutdown.clone(),
        )
        .await;
        shutdown.cancel();
        let ended = tasks.join(self.config.server.drain()).await;
        self.pool.close().await;
        served.and(ended)
    }
}

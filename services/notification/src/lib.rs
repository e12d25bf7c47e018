//! Tells those who must know: streams, mailboxes and the on-call chain.
//!
//! Every event of `intake` and `qualification` raises a notification in the
//! service's own log, which `Watch` streams to whoever may see it, and makes
//! the messages due that the rules ask for. A message that is due is sent,
//! however late.

mod config;
mod consume;
mod convert;
mod deliveries;
mod domain;
mod feed;
mod grpc;
mod metrics;
mod notices;
mod on_call_file;
mod snapshot;
mod store;

use std::{sync::Arc, time::Duration};

use eventlog::{
    Apply, Consumer, ConsumerHandle, Log, LogMetrics, Maintenance, Relay, Source, Streams,
};
use platform::{
    AuditSealer, Authenticator, Exposed, Files, Listeners, Metrics, Readiness, Reloaded,
    SealingKey, StartError, Tasks,
};
use proto::notification::v1::{
    delivery_service_server::DeliveryServiceServer,
    notification_service_server::NotificationServiceServer,
};
use sqlx::{PgPool, migrate::Migrator};
use tokio::sync::{Notify, Semaphore};
use tokio_util::sync::CancellationToken;
use tonic::{service::Routes, transport::Channel};

pub use config::{Config, NotificationConfig, ProducersConfig, SmtpConfig, SmtpTls};
pub use notices::Language;

use crate::{
    consume::NotificationConsumer,
    deliveries::{DeliverySettings, DeliveryWorker},
    domain::{
        address_book::{AddressBook, OnCallChain},
        cursor::CURSOR_LIFE,
    },
    feed::{Feed, reader::FeedReader},
    metrics::ServiceMetrics,
};

/// The name of the service: in certificates, logs and the database.
pub const NAME: &str = "notification";

/// The tables of the service's own.
pub static MIGRATOR: Migrator = sqlx::migrate!();

const INTAKE: &str = "intake";
const QUALIFICATION: &str = "qualification";
/// Who may read the service's log.
const CONSUMERS: &[&str] = &["statistics"];
/// Connections kept apart for those who read the feed, so that deliveries and
/// events never wait behind them.
const LOG_CONNECTIONS: u32 = 8;

/// All migrations that the schema of the service needs, in order.
pub fn migrators() -> Vec<&'static Migrator> {
    vec![&platform::MIGRATOR, &eventlog::MIGRATOR, &MIGRATOR]
}

/// The service, connected and checked, ready to run.
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
    qualification: Channel,
    master_key: SealingKey,
    authenticator: Arc<Authenticator>,
    address_book: AddressBook,
    on_call: Reloaded<OnCallChain>,
    delivery: Arc<DeliverySettings>,
}

/// Connects and checks everything that the service needs.
pub async fn build(config: Config, metrics: Arc<Metrics>) -> Result<App, StartError> {
    if config.event_log.retention() < CURSOR_LIFE {
        let why = "cursors are good for 30 days: the feed is kept at least as long";
        return Err(StartError::unusable("EVENTLOG_RETENTION_DAYS", why));
    }
    let address_book = config.notification.address_book()?;
    let files = Files::new(&metrics);
    let delivery = config
        .notification
        .delivery(&config.smtp, config.server.drain(), &files)?;
    let on_call = on_call_file::open(config.notification.on_call_file.as_deref(), &files)?;
    let master_key = config.sealing.master_key(&files)?;
    let log_key = config.sealing.log_key(&files)?;
    let streams = Streams::open(&config.event_log, log_key.clone(), &files)?;
    let channel =
        |producer, url| platform::internal_channel(producer, url, &config.internal_tls, &files);
    let intake = channel(INTAKE, &config.producers.intake_url)?;
    let qualification = channel(QUALIFICATION, &config.producers.qualification_url)?;
    let pool = platform::connect(&config.database, NAME, &files).await?;
    platform::check_migrated(&pool, &migrators()).await?;
    let mut apart = config.database.clone();
    apart.max_connections = LOG_CONNECTIONS;
    let log_pool = platform::connect(&apart, NAME, &files).await?;
    let log = Log::open(pool.clone(), NAME, config.event_log.shards)
        .await
        .map_err(|cause| StartError::unusable("the event log", cause))?;
    let authenticator = Arc::new(Authenticator::start(&config.auth).await?);
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
        qualification,
        master_key,
        authenticator,
        address_book,
        on_call,
        delivery: Arc::new(delivery),
    })
}

/// What a commit wakes.
#[derive(Clone, Default)]
struct WakeSignals {
    /// The reader of the feed: something was raised.
    raised: Arc<Notify>,
    /// The delivery workers: something is due.
    due: Arc<Notify>,
}

impl App {
    /// Serves, applies events and delivers until the shutdown, then drains.
    pub async fn run(
        self,
        listeners: Listeners,
        shutdown: CancellationToken,
    ) -> Result<(), StartError> {
        let log_metrics = LogMetrics::register(&self.metrics);
        let metrics = ServiceMetrics::register(&self.metrics);
        let readiness = Readiness::new().with_database(self.pool.clone());
        let tasks = Tasks::new(shutdown.clone());
        let wakes = WakeSignals::default();
        let drain = self.config.server.drain();

        let consumer: Arc<dyn Apply> = Arc::new(NotificationConsumer {
            log: self.log.clone(),
            address_book: self.address_book.clone(),
            on_call: self.on_call.clone(),
            master_key: self.master_key.clone(),
            raised_wake: Arc::clone(&wakes.raised),
            due: Arc::clone(&wakes.due),
            metrics: metrics.clone(),
        });
        let [intake, qualification] =
            [(INTAKE, &self.intake), (QUALIFICATION, &self.qualification)].map(
                |(producer, channel)| {
                    Consumer::new(
                        NAME,
                        producer,
                        self.pool.clone(),
                        Source::new(channel.clone(), self.streams.clone()),
                        Arc::clone(&consumer),
                        log_metrics.clone(),
                    )
                    .with_readiness(readiness.clone())
                },
            );
        let feed = Feed::new(
            self.log.clone(),
            self.log_pool.clone(),
            self.config.notification.stream_buffer,
            self.config.notification.gap_after,
        );
        let operable = vec![intake.handle(), qualification.handle()];
        let exposed = self.exposed(&feed, &wakes, operable, &tasks, &metrics, &shutdown);

        tasks.spawn("consumer of intake", intake.run(shutdown.clone()));
        tasks.spawn(
            "consumer of qualification",
            qualification.run(shutdown.clone()),
        );
        tasks.spawn(
            "reader of the feed",
            FeedReader::new(feed.over(self.pool.clone()), wakes.raised).run(shutdown.clone()),
        );
        let worker = DeliveryWorker {
            pool: self.pool.clone(),
            due: wakes.due,
            master_key: self.master_key,
            metrics: metrics.clone(),
            settings: self.delivery,
        };
        for _ in 0..self.config.notification.delivery_workers.max(1) {
            tasks.spawn("delivery worker", worker.clone().run(shutdown.clone()));
        }
        tasks.spawn("measure of deliveries", worker.sample(shutdown.clone()));
        on_call_file::export_coverage(
            self.config.notification.on_call_file.as_deref(),
            self.on_call.clone(),
            metrics.on_call_covered.clone(),
            &self.metrics,
        );
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
        let drained = tasks.join(drain).await;
        served.and(drained)
    }

    /// What is offered to people and programs, and to the other services.
    fn exposed(
        &self,
        feed: &Feed,
        wakes: &WakeSignals,
        operable: Vec<ConsumerHandle>,
        tasks: &Tasks,
        metrics: &ServiceMetrics,
        shutdown: &CancellationToken,
    ) -> Exposed {
        let own = &self.config.notification;
        let watch = grpc::watch::Streams {
            feed: feed.clone(),
            pool: self.pool.clone(),
            room: Arc::new(Semaphore::new(own.max_streams)),
            heartbeat: Duration::from_millis(own.heartbeat_ms),
            shutdown: shutdown.clone(),
            metrics: metrics.clone(),
        };
        let deliveries = grpc::deliveries::Operators {
            pool: self.pool.clone(),
            due: Arc::clone(&wakes.due),
            tasks: tasks.clone(),
        };
        let largest = self.config.server.max_message_bytes;
        let operators =
            eventlog::consumer_service(self.pool.clone(), Some(self.log.clone()), operable);
        let snapshot = Arc::new(snapshot::RecentNotifications {
            log: self.log.clone(),
        });
        let log_service = eventlog::event_log_service(
            self.log.clone(),
            self.log_pool.clone(),
            snapshot,
            CONSUMERS,
        );
        Exposed {
            name: NAME,
            public: Routes::new(
                NotificationServiceServer::new(watch).max_decoding_message_size(largest),
            )
            .add_service(DeliveryServiceServer::new(deliveries).max_decoding_message_size(largest))
            .add_service(operators),
            internal: Routes::new(log_service),
        }
    }
}

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

use eventlog::{Apply, Log};
use platform::{Files, Listeners, Metrics, SealingKey, StartError, Watched};
use proto::notification::v1::{
    delivery_service_server::DeliveryServiceServer,
    notification_service_server::NotificationServiceServer,
};
use service::Runtime;
use sqlx::migrate::Migrator;
use tokio::sync::{Notify, Semaphore};
use tokio_util::sync::CancellationToken;
use tonic::{service::Routes, transport::Channel};

pub use config::{Config, NotificationConfig, ProducersConfig, SmtpConfig, SmtpTls};
pub use notices::Language;

use crate::{
    consume::NotificationConsumer,
    deliveries::{DeliverySettings, DeliveryWorker},
    domain::address_book::{AddressBook, OnCallChain},
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
const READERS: &[&str] = &["statistics"];
/// All migrations that the schema of the service needs, in order.
pub fn migrators() -> Vec<&'static Migrator> {
    vec![&platform::MIGRATOR, &eventlog::MIGRATOR, &MIGRATOR]
}

/// The service, connected and checked, ready to run.
pub struct App {
    runtime: Runtime,
    log: Log,
    producers: [(&'static str, Channel); 2],
    notification: NotificationConfig,
    master_key: SealingKey,
    address_book: AddressBook,
    on_call: Watched<OnCallChain>,
    delivery: Arc<DeliverySettings>,
}

/// Connects and checks everything that the service needs.
pub async fn build(config: Config, metrics: Arc<Metrics>) -> Result<App, StartError> {
    config.check()?;
    let own = config.notification;
    let files = Files::new(&metrics);
    let address_book = own.address_book()?;
    let delivery = own.delivery(&config.smtp, config.base.server.drain(), &files)?;
    let on_call = on_call_file::open(own.on_call_file.as_deref(), &files)?;
    let master_key = config.sealing.master_key(&files)?;
    let log_key = config.sealing.log_key(&files)?;
    let runtime = Runtime::open(NAME, &migrators(), config.base, log_key, files, metrics).await?;
    let producer = |name, url: &str| Ok::<_, StartError>((name, runtime.channel(name, url)?));
    let producers = [
        producer(INTAKE, &config.producers.intake_url)?,
        producer(QUALIFICATION, &config.producers.qualification_url)?,
    ];
    Ok(App {
        log: runtime.open_log().await?,
        producers,
        runtime,
        notification: own,
        master_key,
        address_book,
        on_call,
        delivery: Arc::new(delivery),
    })
}

impl App {
    /// Serves, applies events and delivers until the shutdown, then drains.
    pub async fn run(
        self,
        listeners: Listeners,
        shutdown: CancellationToken,
    ) -> Result<(), StartError> {
        let Self {
            log,
            notification: own,
            ..
        } = self;
        let mut running = self.runtime.start(&shutdown);
        let pool = running.runtime.pool.clone();
        let (tasks, shutdown) = (running.tasks.clone(), running.shutdown.clone());
        let metrics = ServiceMetrics::register(&running.runtime.metrics);
        // Woken by commits: the reader of the feed, and the delivery workers.
        let (raised, due) = (Arc::<Notify>::default(), Arc::<Notify>::default());

        let snapshot = snapshot::RecentNotifications { log: log.clone() };
        running.publish(&log, Arc::new(snapshot), READERS);
        let consumer: Arc<dyn Apply> = Arc::new(NotificationConsumer {
            log: log.clone(),
            address_book: self.address_book,
            on_call: self.on_call.clone(),
            master_key: self.master_key.clone(),
            raised_wake: Arc::clone(&raised),
            due: Arc::clone(&due),
            metrics: metrics.clone(),
        });
        for (producer, channel) in self.producers {
            running.consume(NAME, producer, channel, Arc::clone(&consumer));
        }
        let feed = Feed::new(
            log,
            running.runtime.log_pool.clone(),
            own.stream_buffer,
            own.gap_after,
        );
        let reader = FeedReader::new(feed.over(pool.clone()), raised);
        tasks.spawn("reader of the feed", reader.run(shutdown.clone()));
        let worker = DeliveryWorker {
            pool: pool.clone(),
            due: Arc::clone(&due),
            master_key: self.master_key,
            metrics: metrics.clone(),
            settings: self.delivery,
        };
        for _ in 0..own.delivery_workers.max(1) {
            tasks.spawn("delivery worker", worker.clone().run(shutdown.clone()));
        }
        tasks.spawn("measure of deliveries", worker.sample(shutdown.clone()));
        on_call_file::export_coverage(
            own.on_call_file.as_deref(),
            self.on_call,
            metrics.on_call_covered.clone(),
            &running.runtime.metrics,
        );

        let watch = grpc::watch::Streams {
            feed,
            pool: pool.clone(),
            room: Arc::new(Semaphore::new(own.max_streams)),
            heartbeat: Duration::from_millis(own.heartbeat_ms),
            shutdown,
            metrics,
        };
        let deliveries = grpc::deliveries::Operators { pool, due, tasks };
        let largest = running.runtime.config.server.max_message_bytes;
        let watch = NotificationServiceServer::new(watch).max_decoding_message_size(largest);
        let deliveries = DeliveryServiceServer::new(deliveries).max_decoding_message_size(largest);
        running
            .serve(listeners, Routes::new(watch).add_service(deliveries))
            .await
    }
}

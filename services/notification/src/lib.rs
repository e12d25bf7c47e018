//! Tells those who must know: streams, mailboxes and the on-call chain.
//!
//! Every event of `intake` and `qualification` raises a notification in the
//! service's own log, which `Watch` streams to whoever may see it, and makes
//! the messages due that the rules ask for. A message that is due is sent,
//! however late.

mod config;
mod consume;
mod deliveries;
mod feed;
mod metrics;
mod notices;
mod on_call;

use std::sync::Arc;

use eventlog::Log;
use platform::{Files, Listeners, Metrics, SealingKey, StartError, Watched};
use proto::notification::v1::{
    delivery_service_server::DeliveryServiceServer,
    notification_service_server::NotificationServiceServer,
};
use service::{
    Runtime,
    jobs::{JOBS_MIGRATOR, JobMetrics, Jobs},
};
use sqlx::migrate::Migrator;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use tonic::{service::Routes, transport::Channel};

pub use config::{Config, NotificationConfig, ProducersConfig, SmtpConfig, SmtpTls};
pub use notices::Language;

use crate::{
    deliveries::{
        AddressBook, Addressing, CallChannel, DeliveryRpc, DigestChannel, MailChannel, Mailer,
    },
    feed::{Feed, FeedReader, FeedRpc, RecentNotifications},
    metrics::ServiceMetrics,
    notices::NoticeEvents,
    on_call::OnCallChain,
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
    vec![
        &platform::MIGRATOR,
        &eventlog::MIGRATOR,
        &JOBS_MIGRATOR,
        &MIGRATOR,
    ]
}

/// The service, connected and checked, ready to run.
pub struct App {
    runtime: Runtime,
    log: Log,
    producers: [(&'static str, Channel); 2],
    config: NotificationConfig,
    master_key: SealingKey,
    address_book: AddressBook,
    on_call: Watched<OnCallChain>,
    mailer: Mailer,
    jobs: Jobs,
}

/// Connects and checks everything that the service needs.
pub async fn build(config: Config, metrics: Arc<Metrics>) -> Result<App, StartError> {
    config.check()?;
    let own = config.notification;
    let files = Files::new(&metrics);
    let address_book = own.address_book()?;
    let (mailer, policy) = own.delivery(&config.smtp, config.base.server.drain(), &files)?;
    let on_call = on_call::open(own.on_call_file.as_deref(), &files)?;
    let master_key = config.sealing.master_key(&files)?;
    let log_key = config.sealing.log_key(&files)?;
    let runtime = Runtime::open(NAME, &migrators(), config.base, log_key, files, metrics).await?;
    let producer = |name, url: &str| Ok::<_, StartError>((name, runtime.channel(name, url)?));
    let producers = [
        producer(INTAKE, &config.producers.intake_url)?,
        producer(QUALIFICATION, &config.producers.qualification_url)?,
    ];
    let job_metrics = JobMetrics::register(&runtime.metrics);
    Ok(App {
        log: runtime.open_log().await?,
        jobs: Jobs::open(runtime.pool.clone(), policy, job_metrics).await?,
        producers,
        runtime,
        config: own,
        master_key,
        address_book,
        on_call,
        mailer,
    })
}

impl App {
    /// Serves, applies events and delivers until the shutdown, then drains.
    pub async fn run(
        self,
        listeners: Listeners,
        shutdown: CancellationToken,
    ) -> Result<(), StartError> {
        let (log, own) = (self.log, self.config);
        let mut running = self.runtime.start(&shutdown);
        let pool = running.runtime.pool.clone();
        let (tasks, shutdown) = (running.tasks.clone(), running.shutdown.clone());
        let metrics = ServiceMetrics::register(&running.runtime.metrics);
        on_call::export_coverage(
            own.on_call_file.as_deref(),
            self.on_call.clone(),
            metrics.on_call_covered.clone(),
            &running.runtime.metrics,
        );

        let mail = MailChannel {
            pool: pool.clone(),
            master_key: self.master_key.clone(),
            mailer: self.mailer.clone(),
        };
        let digest = DigestChannel {
            pool: pool.clone(),
            mailer: self.mailer.clone(),
        };
        let calls = CallChannel {
            pool: pool.clone(),
            master_key: self.master_key.clone(),
            mailer: self.mailer,
        };
        let jobs = self.jobs.on(mail, own.delivery_workers);
        let jobs = jobs.on(digest, 1).on(calls, 1);
        let due = Arc::clone(&jobs.wake);
        tasks.spawn("deliveries", jobs.run(shutdown.clone()));

        // Woken by commits, like the workers: the reader of the feed.
        let raised = Arc::<Notify>::default();
        let snapshot = RecentNotifications { log: log.clone() };
        // No event of it names a consumer: it is not published to Redis, where nobody would
        // follow it.
        running.serve_log(&log, Arc::new(snapshot), READERS);
        let notices = NoticeEvents {
            addressing: Addressing {
                address_book: self.address_book,
                on_call: self.on_call,
                master_key: self.master_key,
                metrics: metrics.clone(),
            },
            metrics: metrics.clone(),
        };
        let registry = consume::registry(log.clone(), notices).waking([&raised, &due]);
        let registry = Arc::new(registry);
        for (producer, channel) in self.producers {
            running.consume(NAME, producer, channel, registry.clone());
        }
        let deliveries = DeliveryRpc {
            commands: running.commands(&log),
            due,
        };
        let feed = Feed::new(log, running.runtime.log_pool.clone(), &own);
        let reader = FeedReader::new(feed.over(pool.clone()), raised);
        tasks.spawn("reader of the feed", reader.run(shutdown.clone()));
        let watch = FeedRpc::new(feed, pool, &own, shutdown, metrics);
        let largest = running.runtime.config.server.max_message_bytes;
        let watch = NotificationServiceServer::new(watch).max_decoding_message_size(largest);
        let deliveries = DeliveryServiceServer::new(deliveries).max_decoding_message_size(largest);
        running
            .serve(listeners, Routes::new(watch).add_service(deliveries))
            .await
    }
}

#[cfg(test)]
mod tests;

//! Takes declarations, keeps them, and tells the rest of the suite.
//!
//! What `SubmitReport` answers is committed: the batcher writes the report, who
//! sent it and its event in one transaction. The directory of structures says
//! who is competent; the log of cases says where the treatment stands.

mod batcher;
mod config;
mod consume;
mod convert;
mod directory;
mod domain;
mod erase;
mod grpc;
mod import;
mod metrics;
mod snapshot;
mod store;

use std::{fs, sync::Arc};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use eventlog::{
    Consumer, Log, LogMetrics, Maintenance, Relay, Source, Streams, consumer_service,
    event_log_service,
};
use platform::{
    AuditSealer, Authenticator, Exposed, Files, Listeners, Metrics, Readiness, SealingKey,
    StartError, Tasks, check_migrated, connect, internal_channel, keep_requests_purged, serve,
};
use proto::intake::v1::{
    intake_service_server::IntakeServiceServer, structure_service_server::StructureServiceServer,
};
use sqlx::{PgPool, migrate::Migrator};
use tokio_util::sync::CancellationToken;
use tonic::{service::Routes, transport::Channel};
use vocabulary::ReferenceCipher;

pub use config::{Config, IntakeConfig, ProducersConfig};
pub use erase::{erase_contacts_ended_before, erase_contacts_of};

use crate::{
    batcher::Queue,
    consume::Cases,
    directory::Directory,
    domain::Settings,
    grpc::{Reports, Structures},
    metrics::IntakeMetrics,
    snapshot::State,
    store::ReferenceNumbers,
};

/// The name of the service, of its schema and of its log.
pub const NAME: &str = "intake";

/// The tables of the service itself.
pub static MIGRATOR: Migrator = sqlx::migrate!();

/// Who follows the log of this service.
const CONSUMERS: &[&str] = &["qualification", "notification", "statistics"];

/// The log that this service follows.
const QUALIFICATION: &str = "qualification";

/// Everything that the service's schema holds, in the order of its making.
pub fn migrators() -> Vec<&'static Migrator> {
    vec![&platform::MIGRATOR, &eventlog::MIGRATOR, &MIGRATOR]
}

/// The service, connected and checked.
pub struct App {
    config: Config,
    metrics: Arc<Metrics>,
    audit: AuditSealer,
    files: Files,
    authenticator: Arc<Authenticator>,
    pool: PgPool,
    /// Serves searches.
    read_pool: PgPool,
    /// Serves the log.
    log_pool: PgPool,
    log: Log,
    streams: Option<Streams>,
    qualification: Channel,
    master: SealingKey,
    references: ReferenceCipher,
}

/// Connects to everything the service needs and checks it.
pub async fn build(config: Config, metrics: Arc<Metrics>) -> Result<App, StartError> {
    let files = Files::new(&metrics);
    let master = config.sealing.master_key(&files)?;
    let log_key = config.sealing.log_key(&files)?;
    let references = ReferenceCipher::new(reference_key(&config.intake)?);
    let streams = Streams::open(&config.event_log, log_key.clone(), &files)?;
    let qualification = internal_channel(
        QUALIFICATION,
        &config.producers.qualification_url,
        &config.internal_tls,
        &files,
    )?;

    let pool = connect(&config.database, NAME, &files).await?;
    check_migrated(&pool, &migrators()).await?;
    let read_pool = connect(&config.database.for_reads(), "intake reads", &files).await?;
    let log_pool = connect(&config.database.for_maintenance(), "intake log", &files).await?;
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
        authenticator: Arc::new(authenticator),
        pool,
        read_pool,
        log_pool,
        log,
        streams,
        qualification,
        master,
        references,
    })
}

impl App {
    /// Serves until the shutdown, then finishes what was begun.
    pub async fn run(
        self,
        listeners: Listeners,
        shutdown: CancellationToken,
    ) -> Result<(), StartError> {
        let Self {
            config,
            metrics,
            audit,
            files,
            authenticator,
            pool,
            read_pool,
            log_pool,
            log,
            streams,
            ..
        } = self;
        let tasks = Tasks::new(shutdown.clone());
        let closing = CancellationToken::new();
        let log_metrics = LogMetrics::register(&metrics);
        let readiness = Readiness::new().with_database(pool.clone());

        // Its stop is told by its metric and not by the readiness: declarations are
        // taken whatever became of the log of cases.
        let source = Source::new(self.qualification, streams.clone());
        let cases = Consumer::new(
            NAME,
            QUALIFICATION,
            pool.clone(),
            source,
            Arc::new(Cases),
            log_metrics.clone(),
        );
        let operators = consumer_service(pool.clone(), Some(log.clone()), vec![cases.handle()]);
        let consumers = event_log_service(log.clone(), log_pool, Arc::new(State), CONSUMERS);
        if let Some(streams) = streams {
            tasks.spawn(
                "relay",
                Relay::new(log.clone(), streams, log_metrics).run(shutdown.clone()),
            );
        }
        tasks.spawn("consumer of cases", cases.run(shutdown.clone()));
        let maintenance = Maintenance::new(log.clone(), config.event_log.retention());
        tasks.spawn("maintenance of the log", maintenance.run(shutdown.clone()));

        tasks.spawn("seals of the audit trail", audit.run(shutdown.clone()));
        tasks.spawn(
            "purge of request keys",
            keep_requests_purged(pool.clone(), shutdown.clone()),
        );

        let own = IntakeMetrics::register(&metrics);
        let queue = Queue::start(&config.intake, &pool, &log, &own, &tasks, &closing);
        let reports = Reports {
            pool: pool.clone(),
            log: log.clone(),
            queue: Arc::new(queue),
            directory: Arc::new(Directory::start(&pool, &tasks, &closing)),
            numbers: Arc::new(ReferenceNumbers::new(pool.clone())),
            references: Arc::new(self.references),
            master: self.master,
            settings: Arc::new(Settings {
                emergency_phone: config.intake.emergency_phone,
                agency_mail_domain: config.intake.agency_mail_domain,
            }),
            tasks: tasks.clone(),
        };
        let structures = Structures {
            pool,
            read_pool,
            log,
            tasks: tasks.clone(),
            import_max_bytes: config.intake.import_max_bytes,
        };
        let largest = config.server.max_message_bytes;
        let exposed = Exposed {
            name: NAME,
            public: Routes::new(
                IntakeServiceServer::new(reports).max_decoding_message_size(largest),
            )
            .add_service(StructureServiceServer::new(structures).max_decoding_message_size(largest))
            .add_service(operators),
            internal: Routes::new(consumers),
        };
        let drain = config.server.drain();
        let served = serve(
            exposed,
            &config.server,
            &config.internal_tls,
            files,
            authenticator,
            metrics,
            readiness,
            listeners,
            shutdown.clone(),
        )
        .await;
        // Nobody is served any more: the background ends too, the writers last.
        shutdown.cancel();
        closing.cancel();
        let ended = tasks.join(drain).await;
        served.and(ended)
    }
}

fn reference_key(config: &IntakeConfig) -> Result<[u8; 32], StartError> {
    let unusable = |cause: &str| StartError::unusable("INTAKE_REFERENCE_KEY_FILE", cause);
    let text = fs::read_to_string(&config.reference_key_file)
        .map_err(|cause| StartError::unusable("INTAKE_REFERENCE_KEY_FILE", cause))?;
    let bytes = STANDARD
        .decode(text.trim())
        .map_err(|_| unusable("the key is not base64"))?;
    bytes
        .try_into()
        .map_err(|_| unusable("the key is not 32 bytes long"))
}

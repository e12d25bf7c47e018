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
use eventlog::Log;
use platform::{Files, Listeners, Metrics, SealingKey, StartError};
use proto::intake::v1::{
    intake_service_server::IntakeServiceServer, structure_service_server::StructureServiceServer,
};
use service::Runtime;
use sqlx::migrate::Migrator;
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

/// Who may read the log of this service.
const READERS: &[&str] = &["qualification", "notification", "statistics"];

/// The log that this service follows.
const QUALIFICATION: &str = "qualification";

/// Everything that the service's schema holds, in the order of its making.
pub fn migrators() -> Vec<&'static Migrator> {
    vec![&platform::MIGRATOR, &eventlog::MIGRATOR, &MIGRATOR]
}

/// The service, connected and checked.
pub struct App {
    runtime: Runtime,
    log: Log,
    qualification: Channel,
    intake: IntakeConfig,
    master: SealingKey,
    references: ReferenceCipher,
}

/// Connects to everything the service needs and checks it.
pub async fn build(config: Config, metrics: Arc<Metrics>) -> Result<App, StartError> {
    config.check()?;
    let files = Files::new(&metrics);
    let master = config.sealing.master_key(&files)?;
    let log_key = config.sealing.log_key(&files)?;
    let runtime = Runtime::open(NAME, &migrators(), config.base, log_key, files, metrics).await?;
    Ok(App {
        log: runtime.open_log().await?,
        qualification: runtime.channel(QUALIFICATION, &config.producers.qualification_url)?,
        runtime,
        references: ReferenceCipher::new(reference_key(&config.intake)?),
        intake: config.intake,
        master,
    })
}

impl App {
    /// Serves until the shutdown, then finishes what was begun.
    pub async fn run(
        self,
        listeners: Listeners,
        shutdown: CancellationToken,
    ) -> Result<(), StartError> {
        let Self { log, intake, .. } = self;
        let mut running = self.runtime.start(&shutdown);
        let (pool, tasks) = (running.runtime.pool.clone(), running.tasks.clone());
        running.publish(&log, Arc::new(State), READERS);
        running.consume(NAME, QUALIFICATION, self.qualification, Arc::new(Cases));

        // Calls still need these while they drain.
        let closing = running.closing.clone();
        let metrics = IntakeMetrics::register(&running.runtime.metrics);
        let queue = Queue::start(&intake, &pool, &log, &metrics, &tasks, &closing);
        let directory = Directory::start(&pool, &tasks, &closing);
        let reports = Reports {
            pool: pool.clone(),
            read_pool: running.runtime.read_pool.clone(),
            queue: Arc::new(queue),
            directory: Arc::new(directory),
            numbers: Arc::new(ReferenceNumbers::new(pool.clone())),
            references: Arc::new(self.references),
            master: self.master,
            settings: Arc::new(Settings {
                emergency_phone: intake.emergency_phone,
                agency_mail_domain: intake.agency_mail_domain,
            }),
            commands: running.commands(&log),
        };
        let structures = Structures {
            pool,
            read_pool: running.runtime.read_pool.clone(),
            log,
            tasks,
            import_max_bytes: intake.import_max_bytes,
        };
        let largest = running.runtime.config.server.max_message_bytes;
        let reports = IntakeServiceServer::new(reports).max_decoding_message_size(largest);
        let structures = StructureServiceServer::new(structures).max_decoding_message_size(largest);
        let public = Routes::new(reports).add_service(structures);
        running.serve(listeners, public).await
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

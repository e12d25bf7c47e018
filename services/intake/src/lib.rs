//! Takes declarations, keeps them, and tells the rest of the suite.
//!
//! What `SubmitReport` answers is committed: the batcher writes the report, who
//! sent it and its event in one transaction. The directory of structures says
//! who is competent; the log of cases says where the treatment stands.

mod amendments;
mod cases;
mod config;
mod consume;
mod delegations;
mod drafts;
mod duty_dossiers;
mod erasure;
mod form;
mod import;
mod links;
mod reports;
mod resolution;
mod snapshot;
mod structure_contacts;
mod structures;
mod timeline;

use std::sync::Arc;

use eventlog::Log;
use platform::{Files, Listeners, Metrics, SealingKey, StartError};
use proto::intake::v1::{
    amendment_service_server::AmendmentServiceServer,
    delegation_service_server::DelegationServiceServer, draft_service_server::DraftServiceServer,
    duty_dossier_service_server::DutyDossierServiceServer, form_service_server::FormServiceServer,
    intake_service_server::IntakeServiceServer, link_service_server::LinkServiceServer,
    resolution_service_server::ResolutionServiceServer,
    structure_contact_service_server::StructureContactServiceServer,
    structure_service_server::StructureServiceServer,
    timeline_service_server::TimelineServiceServer,
};
use service::{Deadlines, Runtime};
use sqlx::migrate::Migrator;
use tokio_util::sync::CancellationToken;
use tonic::{service::Routes, transport::Channel};
use vocabulary::ReferenceCipher;

pub use config::{Config, IntakeConfig, ProducersConfig};
pub use erasure::{erase_contacts_ended_before, erase_contacts_of};

use crate::{
    amendments::AmendmentRpc,
    delegations::DelegationRpc,
    drafts::DraftRpc,
    duty_dossiers::DutyDossierRpc,
    form::FormRpc,
    links::LinkRpc,
    reports::{Queue, ReferenceNumbers, ReportRpc, Settings},
    resolution::ResolutionRpc,
    snapshot::State,
    structure_contacts::StructureContactRpc,
    structures::{Directory, StructureRpc},
    timeline::TimelineRpc,
};

/// The name of the service, of its schema and of its log.
pub const NAME: &str = "intake";

/// The tables of the service itself.
pub static MIGRATOR: Migrator = sqlx::migrate!();

/// Who may read the log of this service.
const READERS: &[&str] = &["qualification", "notification", "statistics"];

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
    master_key: SealingKey,
    references: ReferenceCipher,
    deadlines: Deadlines,
}

/// Connects to everything the service needs and checks it.
pub async fn build(config: Config, metrics: Arc<Metrics>) -> Result<App, StartError> {
    config.check()?;
    let files = Files::new(&metrics);
    let master_key = config.sealing.master_key(&files)?;
    let log_key = config.sealing.log_key(&files)?;
    let deadlines = config.intake.deadlines(&files)?;
    let runtime = Runtime::open(NAME, &migrators(), config.base, log_key, files, metrics).await?;
    Ok(App {
        log: runtime.open_log().await?,
        qualification: runtime.channel("qualification", &config.producers.qualification_url)?,
        runtime,
        references: config.intake.reference_cipher()?,
        intake: config.intake,
        master_key,
        deadlines,
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
        running.serve_log(&log, Arc::new(State { log: log.clone() }), READERS);
        running.publish(&log);
        let registry = Arc::new(consume::registry(log.clone()));
        running.consume(NAME, "qualification", self.qualification, registry);
        let commands = running.commands(&log);
        // Calls still need these while they drain.
        let closing = &running.closing;
        let directory = Directory::start(&commands.pool, &running.tasks, closing);
        let read_pool = running.runtime.read_pool.clone();
        let structures = StructureRpc {
            commands: commands.clone(),
            read_pool: read_pool.clone(),
            import_max_bytes: intake.import_max_bytes,
        };
        let drafts = DraftRpc {
            commands: commands.clone(),
            read_pool: read_pool.clone(),
            master_key: self.master_key.clone(),
        };
        let delegations = DelegationRpc {
            commands: commands.clone(),
            read_pool: read_pool.clone(),
            master_key: self.master_key.clone(),
        };
        let erasing = drafts::keep_drafts_erased(commands.pool.clone(), running.shutdown.clone());
        running.tasks.spawn("erasure of old drafts", erasing);
        let erasing =
            delegations::keep_delegates_erased(commands.pool.clone(), running.shutdown.clone());
        running.tasks.spawn("erasure of delegates", erasing);
        let resolution = ResolutionRpc {
            commands: commands.clone(),
            master_key: self.master_key.clone(),
        };
        let timeline = TimelineRpc {
            commands: commands.clone(),
            read_pool: read_pool.clone(),
            master_key: self.master_key.clone(),
        };
        let dossiers = DutyDossierRpc {
            commands: commands.clone(),
            master_key: self.master_key.clone(),
        };
        let structure_contacts = StructureContactRpc {
            commands: commands.clone(),
            master_key: self.master_key.clone(),
        };
        let metrics = &running.runtime.metrics;
        let reports = ReportRpc {
            queue: Arc::new(Queue::start(&intake, &commands, metrics, closing)),
            directory: Arc::new(directory),
            numbers: Arc::new(ReferenceNumbers::new(commands.pool.clone())),
            references: Arc::new(self.references),
            master_key: self.master_key,
            settings: Arc::new(Settings {
                emergency_phone: intake.emergency_phone,
                agency_mail_domain: intake.agency_mail_domain,
                deadlines: self.deadlines,
            }),
            commands,
            read_pool,
        };
        let amendments = AmendmentRpc {
            reports: reports.clone(),
        };
        let links = LinkRpc {
            reports: reports.clone(),
        };
        let largest = running.runtime.config.server.max_message_bytes;
        let reports = IntakeServiceServer::new(reports).max_decoding_message_size(largest);
        let structures = StructureServiceServer::new(structures).max_decoding_message_size(largest);
        let amendments = AmendmentServiceServer::new(amendments).max_decoding_message_size(largest);
        let drafts = DraftServiceServer::new(drafts).max_decoding_message_size(largest);
        let resolution =
            ResolutionServiceServer::new(resolution).max_decoding_message_size(largest);
        let timeline = TimelineServiceServer::new(timeline).max_decoding_message_size(largest);
        let dossiers = DutyDossierServiceServer::new(dossiers).max_decoding_message_size(largest);
        let structure_contacts = StructureContactServiceServer::new(structure_contacts)
            .max_decoding_message_size(largest);
        let links = LinkServiceServer::new(links).max_decoding_message_size(largest);
        let public = Routes::new(reports)
            .add_service(structures)
            .add_service(links)
            .add_service(DelegationServiceServer::new(delegations))
            .add_service(amendments)
            .add_service(drafts)
            .add_service(FormServiceServer::new(FormRpc))
            .add_service(resolution)
            .add_service(timeline)
            .add_service(dossiers)
            .add_service(structure_contacts);
        running.serve(listeners, public).await
    }
}

#[cfg(test)]
mod tests;

//! Opens a case for every report and leads it from qualification to closure.
//!
//! A report of `intake` opens exactly one case, with the severity that the rules
//! propose; the analysts of the national cell claim it, qualify it and close it, and
//! everybody concerned exchanges messages on it. The cell proposes measures from a
//! catalogue that editors keep, and the structure answers them; the agencies record what it
//! does to care, and the structure is accompanied. What cannot wait until the working hours
//! of the cell calls the people of a rota, one after the other.
//! Every change is announced in the service's own log. What may follow what is one
//! table, `TRANSITIONS` in `cases/transitions.rs`, shown for people in `STATES.md`.

mod accompaniment;
mod care;
mod cases;
mod causes;
mod config;
mod consume;
mod deadlines;
mod escalation;
mod feedback;
mod information_requests;
mod measures;
mod messages;
mod workbench;

use std::{sync::Arc, time::Duration};

use eventlog::Log;
use platform::{Files, Listeners, Metrics, SealingKey, StartError, Watched};
use proto::qualification::v1::{
    accompaniment_service_server::AccompanimentServiceServer,
    care_service_server::CareServiceServer, cause_service_server::CauseServiceServer,
    escalation_service_server::EscalationServiceServer,
    feedback_service_server::FeedbackServiceServer,
    information_request_service_server::InformationRequestServiceServer,
    measure_service_server::MeasureServiceServer, message_service_server::MessageServiceServer,
    qualification_service_server::QualificationServiceServer,
    workbench_service_server::WorkbenchServiceServer,
};
use service::{
    Deadlines, Running, Runtime,
    jobs::{JOBS_MIGRATOR, JobMetrics, JobPolicy, Jobs},
};
use sqlx::{PgPool, migrate::Migrator};
use tokio_util::sync::CancellationToken;
use tonic::{service::Routes, transport::Channel};

pub use config::{Config, ProducersConfig, QualificationConfig};

use crate::{
    accompaniment::AccompanimentRpc,
    care::CareRpc,
    cases::{AllCases, CaseRpc},
    causes::CauseRpc,
    deadlines::DeadlineReminders,
    escalation::{Calls, EscalationRpc, Escalations},
    feedback::FeedbackRpc,
    information_requests::{InformationRequestRpc, Reminders},
    measures::{Catalogue, MeasureRpc},
    messages::MessageRpc,
    workbench::{CaseLog, CaseReader, WorkbenchRpc},
};

/// The name of the service: in certificates, logs and the database.
pub const NAME: &str = "qualification";

/// The tables of the service's own.
pub static MIGRATOR: Migrator = sqlx::migrate!();

/// Who may read the service's log.
const READERS: &[&str] = &["intake", "notification", "statistics"];

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
    intake: Channel,
    master_key: SealingKey,
    escalations: Escalations,
    jobs: Jobs,
    own: QualificationConfig,
    catalogue: Watched<Catalogue>,
    deadlines: Deadlines,
}

/// Connects and checks everything that the service needs.
pub async fn build(config: Config, metrics: Arc<Metrics>) -> Result<App, StartError> {
    config.check()?;
    let files = Files::new(&metrics);
    let master_key = config.sealing.master_key(&files)?;
    let log_key = config.sealing.log_key(&files)?;
    let escalations = config.qualification.escalations(master_key.clone())?;
    let catalogue = config.qualification.catalogue(&files)?;
    let deadlines = config.qualification.deadlines(&files)?;
    let runtime = Runtime::open(NAME, &migrators(), config.base, log_key, files, metrics).await?;
    let policy = job_policy(runtime.config.server.drain());
    let job_metrics = JobMetrics::register(&runtime.metrics);
    Ok(App {
        own: config.qualification,
        jobs: Jobs::open(runtime.pool.clone(), policy, job_metrics).await?,
        intake: runtime.channel("intake", &config.producers.intake_url)?,
        log: runtime.open_log().await?,
        runtime,
        master_key,
        escalations,
        catalogue,
        deadlines,
    })
}

/// How often jobs are tried: they need nothing but the database.
fn job_policy(drain: Duration) -> JobPolicy {
    JobPolicy {
        base: time::Duration::SECOND,
        refusals: 20,
        claim: time::Duration::MINUTE,
        grace: drain / 2,
    }
}

/// The jobs with what falls due on a case.
fn with_jobs(
    jobs: Jobs,
    pool: PgPool,
    log: &Log,
    escalations: &Escalations,
    deadlines: &Deadlines,
) -> Jobs {
    let reminders = Reminders {
        pool: pool.clone(),
        log: log.clone(),
    };
    let calls = Calls {
        pool: pool.clone(),
        log: log.clone(),
        escalations: escalations.clone(),
    };
    let deadlines = DeadlineReminders {
        pool,
        log: log.clone(),
        deadlines: deadlines.clone(),
    };
    jobs.on(reminders, 1).on(calls, 1).on(deadlines, 1)
}

/// The live workbench, with the reader of the log that all its streams share.
fn with_workbench(
    running: &mut Running,
    log: Log,
    master_key: &SealingKey,
    own: &QualificationConfig,
) -> WorkbenchRpc {
    let pool = running.runtime.pool.clone();
    let log_pool = running.runtime.log_pool.clone();
    let case_log = CaseLog::new(log, log_pool, master_key.clone(), own.watch_buffer);
    let reader = CaseReader::new(case_log.over(pool.clone()));
    let until = running.shutdown.clone();
    running.tasks.spawn("reader of cases", reader.run(until));
    WorkbenchRpc {
        log: case_log,
        pool,
        heartbeat: Duration::from_millis(own.watch_heartbeat_ms),
        shutdown: running.shutdown.clone(),
    }
}

impl App {
    /// Serves and applies events until the shutdown, then drains.
    pub async fn run(
        self,
        listeners: Listeners,
        shutdown: CancellationToken,
    ) -> Result<(), StartError> {
        let mut running = self.runtime.start(&shutdown);
        let log = self.log;
        let commands = running.commands_keyed(&log, &self.master_key);
        running.serve_log(&log, Arc::new(AllCases { log: log.clone() }), READERS);
        running.publish(&log);
        let registry = consume::registry(
            log.clone(),
            self.escalations.clone(),
            self.deadlines.clone(),
        );
        let registry = Arc::new(registry.waking([&self.jobs.wake]));
        running.consume(NAME, "intake", self.intake, registry);
        let pool = running.runtime.pool.clone();
        let jobs = with_jobs(self.jobs, pool, &log, &self.escalations, &self.deadlines);
        let until = running.shutdown.clone();
        running.tasks.spawn("jobs", jobs.run(until));
        let workbench = with_workbench(&mut running, log, &self.master_key, &self.own);
        let cases = CaseRpc {
            commands: commands.clone(),
            read_pool: running.runtime.read_pool.clone(),
            master_key: self.master_key.clone(),
            targets: self.own.targets(),
            escalations: self.escalations,
            deadlines: self.deadlines,
        };
        let escalation = EscalationRpc {
            commands: commands.clone(),
            read_pool: running.runtime.read_pool.clone(),
            master_key: self.master_key.clone(),
            cases: cases.clone(),
        };
        let accompaniment = AccompanimentRpc {
            commands: commands.clone(),
            read_pool: running.runtime.read_pool.clone(),
            master_key: self.master_key.clone(),
        };
        let care = CareRpc {
            commands: commands.clone(),
            read_pool: running.runtime.read_pool.clone(),
            master_key: self.master_key.clone(),
        };
        let messages = MessageRpc {
            commands: commands.clone(),
            read_pool: running.runtime.read_pool.clone(),
            master_key: self.master_key.clone(),
        };
        let measures = MeasureRpc {
            commands: commands.clone(),
            read_pool: running.runtime.read_pool.clone(),
            master_key: self.master_key.clone(),
            catalogue: self.catalogue,
        };
        let information_requests = InformationRequestRpc {
            commands: commands.clone(),
            read_pool: running.runtime.read_pool.clone(),
            master_key: self.master_key.clone(),
        };
        let common_causes = CauseRpc {
            commands: commands.clone(),
            read_pool: running.runtime.read_pool.clone(),
            master_key: self.master_key.clone(),
        };
        let feedback = FeedbackRpc {
            commands,
            read_pool: running.runtime.read_pool.clone(),
            master_key: self.master_key,
        };
        let largest = running.runtime.config.server.max_message_bytes;
        let public =
            Routes::new(QualificationServiceServer::new(cases).max_decoding_message_size(largest))
                .add_service(
                    AccompanimentServiceServer::new(accompaniment)
                        .max_decoding_message_size(largest),
                )
                .add_service(CareServiceServer::new(care).max_decoding_message_size(largest))
                .add_service(MessageServiceServer::new(messages).max_decoding_message_size(largest))
                .add_service(
                    InformationRequestServiceServer::new(information_requests)
                        .max_decoding_message_size(largest),
                )
                .add_service(
                    CauseServiceServer::new(common_causes).max_decoding_message_size(largest),
                )
                .add_service(
                    FeedbackServiceServer::new(feedback).max_decoding_message_size(largest),
                )
                .add_service(
                    EscalationServiceServer::new(escalation).max_decoding_message_size(largest),
                )
                .add_service(
                    WorkbenchServiceServer::new(workbench).max_decoding_message_size(largest),
                )
                .add_service(
                    MeasureServiceServer::new(measures).max_decoding_message_size(largest),
                );
        running.serve(listeners, public).await
    }
}

#[cfg(test)]
mod tests;

//! The service with everything around it, and the few words that the stories
//! are told with.

mod calls;
mod intake;
mod report;

use std::{
    fs,
    path::{Path, PathBuf},
    sync::{Arc, atomic::AtomicU32},
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use eventlog::{EventLogConfig, Log, NewEvent};
use platform::{
    AuthConfig, DatabaseConfig, Files, InternalTlsConfig, Listeners, Metrics, SealingConfig,
    ServerConfig, Tasks,
};
use prost::Message as _;
use proto::{
    events::v1 as events,
    qualification::v1::{self as pb, qualification_service_client::QualificationServiceClient},
};
use qualification::{Config, ProducersConfig};
use service::BaseConfig;
use sqlx::PgPool;
use tempfile::TempDir;
use testkit::{AUDIENCE, Certificates, Database, Issuer, eventually_some};
use time::OffsetDateTime;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tonic::transport::Channel;
use uuid::Uuid;

pub(crate) use self::{
    calls::{agent, analyst, in_scope, out_of_scope, reason, second_analyst, violations},
    report::Report,
};

/// When the reports of the stories are declared.
pub(crate) const DECLARED: OffsetDateTime = time::macros::datetime!(2026-11-23 09:00 UTC);

const MASTER_KEY: [u8; 32] = [7; 32];
const LOG_KEY: [u8; 32] = [8; 32];

/// The service, a producer of reports, and those who call.
pub(crate) struct World {
    /// A client without a token; [`World::request`] adds it.
    pub(crate) client: QualificationServiceClient<Channel>,
    /// The way to the service, for the clients of its other features.
    pub(crate) channel: Channel,
    /// The service's own database, to look into its log and audit trail.
    pub(crate) pool: PgPool,
    /// Where the service's log is served.
    pub(crate) internal_url: String,
    issuer: Issuer,
    intake: Log,
    intake_pool: PgPool,
    certificates: Certificates,
    config: Config,
    reports: AtomicU32,
    tasks: Tasks,
    _folder: TempDir,
    shutdown: CancellationToken,
}

impl Drop for World {
    fn drop(&mut self) {
        self.shutdown.cancel();
    }
}

impl World {
    /// Starts everything; all of it ends with the world.
    pub(crate) async fn start() -> Self {
        let database = testkit::postgres().await.database("qualification").await;
        let folder = tempfile::tempdir().unwrap();
        let certificates = Certificates::generate(folder.path().join("tls")).unwrap();
        let issuer = Issuer::start().await;
        let shutdown = CancellationToken::new();
        let tasks = Tasks::new(shutdown.clone());
        let redis_url = testkit::redis().await.url();
        let event_log: EventLogConfig =
            serde_json::from_value(serde_json::json!({ "redis_url": redis_url })).unwrap();

        let (intake, intake_pool, intake_url) = intake::start(
            &database,
            &certificates,
            &issuer,
            &event_log,
            &tasks,
            &shutdown,
        )
        .await;

        let (server, listeners) = listen().await;
        let public = server.listen;
        let internal_url = format!("https://{}", server.internal_listen);
        let config = Config {
            base: BaseConfig {
                database: database_config(&database, "qualification"),
                server,
                internal_tls: tls(&certificates, "qualification"),
                auth: AuthConfig::new(issuer.url(), AUDIENCE),
                event_log,
            },
            sealing: SealingConfig {
                master_key_file: key_file(folder.path(), "master", MASTER_KEY),
                log_key_file: key_file(folder.path(), "log", LOG_KEY),
            },
            producers: ProducersConfig { intake_url },
        };
        platform::migrate(&config.base.database, &qualification::migrators())
            .await
            .unwrap();
        let pool = platform::connect(&config.base.database, "test", &Files::default())
            .await
            .unwrap();
        run(config.clone(), listeners, &tasks, &shutdown).await;

        let channel = Channel::from_shared(format!("http://{public}"))
            .unwrap()
            .connect_lazy();
        Self {
            client: QualificationServiceClient::new(channel.clone()),
            channel,
            pool,
            internal_url,
            issuer,
            intake,
            intake_pool,
            certificates,
            config,
            tasks,
            reports: AtomicU32::new(0),
            _folder: folder,
            shutdown,
        }
    }

    /// Starts a second process of the service, beside the first.
    pub(crate) async fn start_replica(&self) {
        let (server, listeners) = listen().await;
        let mut config = self.config.clone();
        config.base.server = server;
        run(config, listeners, &self.tasks, &self.shutdown).await;
    }

    /// The certificate of a service of the suite.
    pub(crate) fn tls(&self, service: &str) -> InternalTlsConfig {
        tls(&self.certificates, service)
    }

    /// Lets intake announce a report.
    pub(crate) async fn submit(&self, report: &Report) {
        self.announce(&[report.event()]).await;
    }

    /// Lets intake announce that a report was withdrawn.
    pub(crate) async fn withdraw(&self, report: &Report, reason: &str) -> Uuid {
        let event_id = Uuid::now_v7();
        self.announce(&[report.withdrawal(event_id, reason)]).await;
        event_id
    }

    /// Lets intake announce anything, in one transaction.
    pub(crate) async fn announce(&self, events: &[NewEvent]) {
        let mut transaction = self.intake_pool.begin().await.unwrap();
        self.intake.append(&mut transaction, events).await.unwrap();
        transaction.commit().await.unwrap();
        self.intake.committed();
    }

    /// Submits a report and waits for its case, as the cell sees it.
    pub(crate) async fn open(&self, report: &Report) -> pb::Case {
        self.submit(report).await;
        self.case_where(report, |_| true).await
    }

    /// Waits until the cell sees the case of a report like this.
    pub(crate) async fn case_where(
        &self,
        report: &Report,
        like: impl Fn(&pb::Case) -> bool,
    ) -> pb::Case {
        let case_id = report.submitted.reference.clone();
        eventually_some(async || {
            self.get(&analyst(), &case_id)
                .await
                .ok()
                .filter(|case| like(case))
        })
        .await
    }

    /// Waits until everything announced so far was applied: until a further
    /// report of the same shard has its case.
    pub(crate) async fn settle(&self, report: &Report) {
        let shard = |report: &Report| self.intake.shard_of(&format!("report/{}", report.id));
        let marker = loop {
            let marker = self.report();
            if shard(&marker) == shard(report) {
                break marker;
            }
        };
        self.open(&marker).await;
    }

    /// What the service announced about a case, in order.
    pub(crate) async fn announced(&self, case_id: &str) -> Vec<events::CaseChanged> {
        let payloads: Vec<Vec<u8>> =
            sqlx::query_scalar("select payload from event where subject = $1 order by position")
                .bind(format!("case/{case_id}"))
                .fetch_all(&self.pool)
                .await
                .unwrap();
        payloads
            .iter()
            .map(|p| events::CaseChanged::decode(p.as_slice()).unwrap())
            .collect()
    }

    /// The audit trail of somebody: action, object and outcome, in order.
    pub(crate) async fn audited(&self, subject: &str) -> Vec<(String, String, String)> {
        sqlx::query_as(
            "select action, object, outcome from audit_entry where caller_subject = $1
             order by audit_entry_id",
        )
        .bind(subject)
        .fetch_all(&self.pool)
        .await
        .unwrap()
    }
}

/// Builds and runs the service until the shutdown.
async fn run(config: Config, listeners: Listeners, tasks: &Tasks, shutdown: &CancellationToken) {
    let app = qualification::build(config, Arc::new(Metrics::new()))
        .await
        .unwrap();
    let stop = shutdown.clone();
    tasks.spawn("qualification", async move {
        app.run(listeners, stop).await.unwrap();
    });
}

/// Binds free ports, and says so in a configuration.
async fn listen() -> (ServerConfig, Listeners) {
    let bind = || TcpListener::bind("127.0.0.1:0");
    let listeners = Listeners {
        public: bind().await.unwrap(),
        internal: bind().await.unwrap(),
        metrics: bind().await.unwrap(),
    };
    let config = serde_json::json!({
        "listen": listeners.public.local_addr().unwrap(),
        "internal_listen": listeners.internal.local_addr().unwrap(),
        "metrics_listen": listeners.metrics.local_addr().unwrap(),
        "drain_seconds": 1,
    });
    (serde_json::from_value(config).unwrap(), listeners)
}

fn database_config(database: &Database, service: &str) -> DatabaseConfig {
    DatabaseConfig {
        max_connections: 16,
        ..DatabaseConfig::new(database.url(service), service)
    }
}

fn tls(certificates: &Certificates, service: &str) -> InternalTlsConfig {
    InternalTlsConfig {
        cert_file: certificates.cert_file(service),
        key_file: certificates.key_file(service),
        ca_file: certificates.ca_file(),
    }
}

fn key_file(folder: &Path, name: &str, key: [u8; 32]) -> PathBuf {
    let path = folder.join(name);
    fs::write(&path, STANDARD.encode(key)).unwrap();
    path
}

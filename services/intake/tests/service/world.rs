//! The service with everything around it, and the few words that the stories
//! are told with.

mod people;
mod producer;

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use eventlog::{Event, EventLogConfig, Log};
use intake::{Config, IntakeConfig, ProducersConfig};
use platform::{
    AuthConfig, DatabaseConfig, Files, InternalTlsConfig, Listeners, Metrics, SealingConfig,
    ServerConfig, StartError,
};
use proto::intake::v1::{
    intake_service_client::IntakeServiceClient, structure_service_client::StructureServiceClient,
};
use service::BaseConfig;
use sqlx::PgPool;
use tempfile::TempDir;
use testkit::{AUDIENCE, Certificates, Database, Issuer, TokenSpec};
use tokio::{net::TcpListener, sync::oneshot};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tonic::transport::Channel;

pub(crate) use self::people::{Person, reason, violations};

const MASTER_KEY: [u8; 32] = [7; 32];
const LOG_KEY: [u8; 32] = [8; 32];
const REFERENCE_KEY: [u8; 32] = [9; 32];

/// The service, the producer that it follows, and those who call.
pub(crate) struct World {
    /// The service's own schema, to look into.
    pub(crate) pool: PgPool,
    /// The log of the service.
    pub(crate) log: Log,
    /// Where the service's log is served.
    pub(crate) internal_url: String,
    /// The log of qualification, which the stories write.
    pub(crate) qualification: producer::Producer,
    issuer: Issuer,
    certificates: Certificates,
    channel: Channel,
    metrics: Arc<Metrics>,
    shutdown: CancellationToken,
    ended: oneshot::Receiver<Result<(), StartError>>,
    _folder: TempDir,
}

impl Drop for World {
    fn drop(&mut self) {
        self.shutdown.cancel();
    }
}

impl World {
    /// Starts everything; all of it ends with the world.
    pub(crate) async fn start() -> Self {
        Self::start_with(|_| {}).await
    }

    /// Starts everything with a configuration of its own.
    pub(crate) async fn start_with(change: impl FnOnce(&mut Config)) -> Self {
        let database = testkit::postgres()
            .await
            .database_like("intake", "intake", migrated)
            .await;
        let folder = tempfile::tempdir().unwrap();
        let certificates = Certificates::generate(folder.path().join("tls")).unwrap();
        let issuer = Issuer::start().await;
        let shutdown = CancellationToken::new();
        let redis_url = testkit::redis().await.url();
        let event_log: EventLogConfig =
            serde_json::from_value(serde_json::json!({ "redis_url": redis_url })).unwrap();
        let qualification =
            producer::Producer::start(&database, &certificates, &issuer, &shutdown).await;

        let (server, listeners) = listen().await;
        let key_file = |name: &str, key: [u8; 32]| key_file(folder.path(), name, key);
        let mut config = Config {
            base: BaseConfig {
                database: database_config(&database, "intake"),
                internal_tls: tls(&certificates, "intake"),
                auth: AuthConfig::new(issuer.url(), AUDIENCE),
                event_log,
                server,
            },
            sealing: SealingConfig {
                master_key_file: key_file("master", MASTER_KEY),
                log_key_file: key_file("log", LOG_KEY),
            },
            producers: ProducersConfig {
                qualification_url: qualification.url.clone(),
            },
            intake: IntakeConfig::new(key_file("reference", REFERENCE_KEY)),
        };
        change(&mut config);
        let pool = platform::connect(&config.base.database, "test", &Files::default())
            .await
            .unwrap();
        let channel = Channel::from_shared(format!("http://{}", config.base.server.listen))
            .unwrap()
            .connect_lazy();
        let internal_url = format!("https://{}", config.base.server.internal_listen);
        let metrics = Arc::new(Metrics::new());
        let app = intake::build(config, Arc::clone(&metrics)).await.unwrap();
        let log = Log::open(pool.clone(), "intake", 8).await.unwrap();
        let (end, ended) = oneshot::channel();
        let running = app.run(listeners, shutdown.clone());
        TaskTracker::new().spawn(async move {
            // Nobody waits in most stories.
            let _ = end.send(running.await);
        });
        Self {
            pool,
            log,
            internal_url,
            qualification,
            issuer,
            certificates,
            channel,
            metrics,
            shutdown,
            ended,
            _folder: folder,
        }
    }

    /// A world whose directory holds the site that the drafts name.
    pub(crate) async fn with_directory() -> Self {
        let world = Self::start().await;
        let file = "finess_et,finess_ej,name,category_code,siret,region_code,department,commune,operator_status\n\
                    010000024,010780054,CH DE FLEYRIAT,355,26010004500012,84,01,VIRIAT,OSE\n";
        world.importer().import(file.as_bytes()).await.unwrap();
        world
    }

    /// Somebody who calls.
    pub(crate) fn person(&self, spec: &TokenSpec) -> Person {
        Person::new(
            IntakeServiceClient::new(self.channel.clone()),
            StructureServiceClient::new(self.channel.clone()),
            &self.issuer.token(spec),
        )
    }

    /// Somebody who declares, without a verified structure.
    pub(crate) fn declarant(&self, subject: &str) -> Person {
        self.person(&TokenSpec::of(subject).role("declarant"))
    }

    /// Somebody who declares for the site of the drafts.
    pub(crate) fn linked(&self, subject: &str) -> Person {
        self.person(
            &TokenSpec::of(subject)
                .role("declarant")
                .structure("finess:010000024"),
        )
    }

    /// An agent of the ARS of a region.
    pub(crate) fn agent(&self, region: &str) -> Person {
        self.person(
            &TokenSpec::of(format!("agent-{region}"))
                .role("regional_agent")
                .region(region),
        )
    }

    /// Somebody with one role and nothing else.
    pub(crate) fn with_role(&self, role: &str) -> Person {
        self.person(&TokenSpec::of(role).role(role))
    }

    /// A program that imports.
    pub(crate) fn importer(&self) -> Person {
        self.with_role("importer")
    }

    /// What the service says of itself to Prometheus.
    pub(crate) fn metrics(&self) -> String {
        self.metrics.encode()
    }

    /// A channel to the service's internal listener, as another service has it.
    pub(crate) fn channel_as(&self, service: &str) -> Channel {
        platform::internal_channel(
            "intake",
            &self.internal_url,
            &tls(&self.certificates, service),
            &Files::default(),
        )
        .unwrap()
    }

    /// Stops the service in order and tells how it ended.
    pub(crate) async fn stop(mut self) -> Result<(), StartError> {
        self.shutdown.cancel();
        (&mut self.ended).await.unwrap()
    }

    /// Every event of the service's log.
    pub(crate) async fn events(&self) -> Vec<Event> {
        let mut conn = self.pool.acquire().await.unwrap();
        let mut events = Vec::new();
        for shard in 0..self.log.shards() {
            events.extend(self.log.page(&mut conn, shard, 0, 1_000).await.unwrap());
        }
        events
    }

    /// How many rows a query counts.
    pub(crate) async fn count(&self, query: &'static str) -> i64 {
        sqlx::query_scalar(query)
            .fetch_one(&self.pool)
            .await
            .unwrap()
    }

    /// The outcomes of an action in the audit trail, with their objects, in order.
    pub(crate) async fn audited(&self, action: &str) -> Vec<(String, String)> {
        sqlx::query_as(
            "select object, outcome from audit_entry where action = $1 order by audit_entry_id",
        )
        .bind(action)
        .fetch_all(&self.pool)
        .await
        .unwrap()
    }
}

/// Neither a row nor a key nor an event.
pub(crate) async fn nothing_is_stored(world: &World) {
    assert_eq!(world.count("select count(*) from report").await, 0);
    assert_eq!(world.count("select count(*) from idempotency_key").await, 0);
    assert!(world.events().await.is_empty());
}

async fn migrated(database: &Database) -> anyhow::Result<()> {
    let own = [&platform::MIGRATOR, &eventlog::MIGRATOR];
    platform::migrate(&database_config(database, "intake"), &intake::migrators()).await?;
    platform::migrate(&database_config(database, "qualification"), &own).await?;
    Ok(())
}

async fn listen() -> (ServerConfig, Listeners) {
    let bind = async || TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let listeners = Listeners {
        public: bind().await,
        internal: bind().await,
        metrics: bind().await,
    };
    let server = ServerConfig {
        listen: listeners.public.local_addr().unwrap(),
        internal_listen: listeners.internal.local_addr().unwrap(),
        metrics_listen: listeners.metrics.local_addr().unwrap(),
        ..ServerConfig::loopback()
    };
    (server, listeners)
}

fn database_config(database: &Database, service: &str) -> DatabaseConfig {
    DatabaseConfig {
        max_connections: 8,
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
    let file = folder.join(name);
    fs::write(&file, STANDARD.encode(key)).unwrap();
    file
}

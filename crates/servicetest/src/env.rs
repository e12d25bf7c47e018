//! What surrounds the service under test.

use std::{fs, path::PathBuf, sync::Arc};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use eventlog::EventLogConfig;
use platform::{
    AuthConfig, DatabaseConfig, Files, InternalTlsConfig, Listeners, Metrics, SealingConfig,
    ServerConfig, StartError,
};
use service::BaseConfig;
use sqlx::{PgPool, migrate::Migrator};
use tempfile::TempDir;
use testkit::{AUDIENCE, Certificates, Database, Issuer, TokenSpec};
use tokio_util::sync::CancellationToken;

use crate::{Producer, RunningService};

/// The master key of the personal data in every environment.
pub const MASTER_KEY: [u8; 32] = [7; 32];
/// The key of the event logs in every environment.
pub const LOG_KEY: [u8; 32] = [8; 32];

/// A database, an issuer, certificates, keys and producers for one service.
///
/// Everything that was started in it ends when it is dropped.
pub struct ServiceEnv {
    /// The schema of the service, for looking into.
    pub pool: PgPool,
    name: &'static str,
    database: Database,
    issuer: Arc<Issuer>,
    certificates: Certificates,
    event_log: EventLogConfig,
    producers: Vec<Producer>,
    shutdown: CancellationToken,
    folder: TempDir,
}

impl Drop for ServiceEnv {
    fn drop(&mut self) {
        self.shutdown.cancel();
    }
}

impl ServiceEnv {
    /// Starts the surroundings of this service: its migrated schema, and one producer for
    /// each of these names.
    pub async fn start(
        name: &'static str,
        migrators: &[&'static Migrator],
        producers: &[&'static str],
    ) -> Self {
        let event_log = EventLogConfig {
            redis_url: Some(testkit::redis().await.url().into()),
            ..EventLogConfig::default()
        };
        Self::start_with(name, migrators, producers, event_log).await
    }

    /// Starts the surroundings of this service as [`Self::start`] does, with another
    /// configuration of the event log: that of an installation without Redis, by default.
    pub async fn start_with(
        name: &'static str,
        migrators: &[&'static Migrator],
        producers: &[&'static str],
        event_log: EventLogConfig,
    ) -> Self {
        let (postgres, issuer) = tokio::join!(testkit::postgres(), Issuer::start());
        let migrate = async |database: &Database| {
            platform::migrate(&database_config(database, name), migrators).await?;
            for producer in producers {
                let config = database_config(database, producer);
                platform::migrate(&config, &[&platform::MIGRATOR, &eventlog::MIGRATOR]).await?;
            }
            Ok(())
        };
        let database = postgres.database_like(name, name, migrate).await;
        let folder = tempfile::tempdir().expect("a folder can be made");
        let certificates = Certificates::generate(folder.path().join("tls"))
            .expect("the folder takes certificates");
        let mut env = Self {
            pool: connect(&database, name).await,
            name,
            database,
            issuer: Arc::new(issuer),
            certificates,
            event_log,
            producers: Vec::new(),
            shutdown: CancellationToken::new(),
            folder,
        };
        for producer in producers {
            let producer = Producer::start(&env, producer).await;
            env.producers.push(producer);
        }
        env
    }

    /// What all services are configured with, on free ports.
    pub fn base_config(&self) -> BaseConfig {
        BaseConfig {
            database: database_config(&self.database, self.name),
            server: ServerConfig {
                drain_seconds: 2,
                ..ServerConfig::loopback()
            },
            internal_tls: internal_tls(&self.certificates, self.name),
            auth: AuthConfig::new(self.issuer.url(), AUDIENCE),
            event_log: self.event_log.clone(),
        }
    }

    /// The files of [`MASTER_KEY`] and [`LOG_KEY`].
    pub fn sealing_config(&self) -> SealingConfig {
        SealingConfig {
            master_key_file: self.key_file("master.key", MASTER_KEY),
            log_key_file: self.key_file("log.key", LOG_KEY),
        }
    }

    /// Writes a key to a file of this name, as installations keep them.
    pub fn key_file(&self, name: &str, key: [u8; 32]) -> PathBuf {
        self.file(name, &STANDARD.encode(key))
    }

    /// Writes a file of this name into the folder of the environment.
    pub fn file(&self, name: &str, content: &str) -> PathBuf {
        let path = self.folder.path().join(name);
        fs::write(&path, content).expect("the folder takes files");
        path
    }

    /// The producer of this name.
    pub fn producer(&self, name: &str) -> &Producer {
        let mut producers = self.producers.iter();
        producers
            .find(|producer| producer.name() == name)
            .unwrap_or_else(|| panic!("the environment has no producer {name}"))
    }

    /// Builds one process of the service and runs it on free ports.
    ///
    /// `build` and `run` are those of the service; it runs until
    /// [`RunningService::stop`] or the end of the environment.
    pub async fn run<A, B, R>(
        &self,
        build: impl FnOnce(BaseConfig, Arc<Metrics>) -> B,
        run: impl FnOnce(A, Listeners, CancellationToken) -> R,
    ) -> RunningService
    where
        B: Future<Output = Result<A, StartError>>,
        R: Future<Output = Result<(), StartError>> + Send + 'static,
    {
        let config = self.base_config();
        let listeners = Listeners::bind(&config.server).await.expect("a free port");
        let metrics = Arc::new(Metrics::new());
        let app = build(config, Arc::clone(&metrics))
            .await
            .unwrap_or_else(|cause| panic!("{} is not built: {cause}", self.name));
        let shutdown = self.shutdown.child_token();
        RunningService::new(self, metrics, listeners, shutdown, |listeners, shutdown| {
            run(app, listeners, shutdown)
        })
    }

    /// A token that says this.
    pub fn token(&self, user: &TokenSpec) -> String {
        self.issuer.token(user)
    }

    /// The count that a query gives.
    pub async fn count(&self, query: &'static str) -> i64 {
        let counted = sqlx::query_scalar(query).fetch_one(&self.pool).await;
        counted.expect("the query counts")
    }

    /// The audit trail of a caller: action, object and outcome, in order.
    pub async fn audited(&self, subject: &str) -> Vec<(String, String, String)> {
        let entries = sqlx::query_as(
            "select action, object, outcome from audit_entry where caller_subject = $1
             order by audit_entry_id",
        );
        let entries = entries.bind(subject).fetch_all(&self.pool).await;
        entries.expect("the trail can be read")
    }

    pub(crate) fn name(&self) -> &'static str {
        self.name
    }

    pub(crate) fn issuer(&self) -> &Arc<Issuer> {
        &self.issuer
    }

    pub(crate) fn event_log(&self) -> &EventLogConfig {
        &self.event_log
    }

    pub(crate) fn shutdown(&self) -> &CancellationToken {
        &self.shutdown
    }

    pub(crate) fn certificates(&self) -> &Certificates {
        &self.certificates
    }

    pub(crate) async fn connect(&self, schema: &str) -> PgPool {
        connect(&self.database, schema).await
    }
}

async fn connect(database: &Database, schema: &str) -> PgPool {
    let config = database_config(database, schema);
    platform::connect(&config, "test", &Files::default())
        .await
        .expect("the database answers")
}

fn database_config(database: &Database, schema: &str) -> DatabaseConfig {
    DatabaseConfig::new(database.url(schema), schema)
}

/// The certificate of a service of the suite.
pub(crate) fn internal_tls(certificates: &Certificates, service: &str) -> InternalTlsConfig {
    InternalTlsConfig {
        cert_file: certificates.cert_file(service),
        key_file: certificates.key_file(service),
        ca_file: certificates.ca_file(),
    }
}

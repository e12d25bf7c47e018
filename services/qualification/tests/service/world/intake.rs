//! A producer in place of intake.

use std::sync::Arc;

use async_trait::async_trait;
use eventlog::{EventLogConfig, Log, LogMetrics, Snapshot, SnapshotPage, StreamPublisher, Streams};
use platform::{AuthConfig, Authenticator, Exposed, Files, Metrics, Readiness, SealingKey, Tasks};
use sqlx::{PgConnection, PgPool};
use testkit::{AUDIENCE, Certificates, Database, Issuer};
use tokio_util::sync::CancellationToken;
use tonic::service::Routes;

use super::{LOG_KEY, database_config, listen, tls};

struct Empty;

#[async_trait]
impl Snapshot for Empty {
    async fn page(
        &self,
        _conn: &mut PgConnection,
        _after: Option<String>,
        _limit: u16,
    ) -> platform::Result<SnapshotPage> {
        Ok(SnapshotPage::default())
    }
}

/// A producer in place of intake: its log, in a schema of its own, served as
/// the real one is.
pub(super) async fn start(
    database: &Database,
    certificates: &Certificates,
    issuer: &Issuer,
    event_log: &EventLogConfig,
    tasks: &Tasks,
    shutdown: &CancellationToken,
) -> (Log, PgPool, String) {
    let config = database_config(database, "intake");
    platform::migrate(&config, &[&platform::MIGRATOR, &eventlog::MIGRATOR])
        .await
        .unwrap();
    let pool = platform::connect(&config, "test", &Files::default())
        .await
        .unwrap();
    let log = Log::open(pool.clone(), "intake", event_log.shards)
        .await
        .unwrap();
    let metrics = Arc::new(Metrics::new());
    let streams = Streams::open(
        event_log,
        SealingKey::from_bytes(LOG_KEY),
        &Files::default(),
    )
    .unwrap()
    .unwrap();
    let relay = StreamPublisher::new(log.clone(), streams, LogMetrics::register(&metrics));
    tasks.spawn("relay", relay.run(shutdown.clone()));

    let (server, listeners) = listen().await;
    let url = format!("https://{}", server.internal_listen);
    let tls = tls(certificates, "intake");
    let auth = AuthConfig::new(issuer.url(), AUDIENCE);
    let authenticator = Arc::new(Authenticator::start(&auth).await.unwrap());
    let service = eventlog::event_log_service(
        log.clone(),
        pool.clone(),
        Arc::new(Empty),
        &["qualification"],
    );
    let exposed = Exposed {
        name: "intake",
        public: Routes::default(),
        internal: Routes::new(service),
    };
    let stop = shutdown.clone();
    tasks.spawn("intake", async move {
        let readiness = Readiness::new();
        platform::serve(
            exposed,
            &server,
            &tls,
            Files::default(),
            authenticator,
            metrics,
            readiness,
            listeners,
            stop,
        )
        .await
        .unwrap();
    });
    (log, pool, url)
}

//! The log of qualification, written by the stories.

use std::sync::Arc;

use async_trait::async_trait;
use eventlog::{Log, NewEvent, Snapshot, SnapshotPage, event_log_service};
use platform::{AuthConfig, Authenticator, Exposed, Files, Metrics, Readiness, serve};
use sqlx::{PgConnection, PgPool};
use testkit::{AUDIENCE, Certificates, Database, Issuer};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tonic::service::Routes;

use super::{database_config, listen, tls};

/// A log under the name of qualification.
pub(crate) struct Producer {
    /// Where it is served.
    pub(crate) url: String,
    log: Log,
    pool: PgPool,
}

impl Producer {
    pub(crate) async fn start(
        database: &Database,
        certificates: &Certificates,
        issuer: &Issuer,
        shutdown: &CancellationToken,
    ) -> Self {
        let pool = platform::connect(
            &database_config(database, "qualification"),
            "test",
            &Files::default(),
        )
        .await
        .unwrap();
        let log = Log::open(pool.clone(), "qualification", 8).await.unwrap();
        let service = event_log_service(log.clone(), pool.clone(), Arc::new(Nothing), &["intake"]);
        let exposed = Exposed {
            name: "qualification",
            public: Routes::default(),
            internal: Routes::new(service),
        };
        let (server, listeners) = listen().await;
        let url = format!("https://{}", server.internal_listen);
        let tls = tls(certificates, "qualification");
        let auth = AuthConfig::new(issuer.url(), AUDIENCE);
        let authenticator = Arc::new(Authenticator::start(&auth).await.unwrap());
        let shutdown = shutdown.clone();
        TaskTracker::new().spawn(async move {
            let metrics = Arc::new(Metrics::new());
            serve(
                exposed,
                &server,
                &tls,
                Files::default(),
                authenticator,
                metrics,
                Readiness::new(),
                listeners,
                shutdown,
            )
            .await
        });
        Self { url, log, pool }
    }

    /// Writes events to the log.
    pub(crate) async fn tell(&self, events: &[NewEvent]) {
        let mut transaction = self.pool.begin().await.unwrap();
        self.log.append(&mut transaction, events).await.unwrap();
        transaction.commit().await.unwrap();
        self.log.committed();
    }
}

/// The state of a producer that never dropped an event.
struct Nothing;

#[async_trait]
impl Snapshot for Nothing {
    async fn page(
        &self,
        _conn: &mut PgConnection,
        _after: Option<String>,
        _limit: u16,
    ) -> platform::Result<SnapshotPage> {
        Ok(SnapshotPage::default())
    }
}

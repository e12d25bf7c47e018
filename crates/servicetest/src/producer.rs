//! A producer in place of another service.

use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use eventlog::{
    Log, LogMetrics, NewEvent, Snapshot, SnapshotPage, StreamPublisher, Streams, event_log_service,
};
use platform::{
    AuthConfig, Authenticator, Exposed, Files, Listeners, Metrics, Readiness, SealingKey,
    ServerConfig, serve,
};
use sqlx::{PgConnection, PgPool};
use testkit::AUDIENCE;
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tonic::service::Routes;

use crate::{LOG_KEY, ServiceEnv, env::internal_tls};

/// The event log of another service, written by the test and served as the real one is.
pub struct Producer {
    name: &'static str,
    log: Log,
    pool: PgPool,
    url: String,
    state: Arc<State>,
    shutdown: CancellationToken,
    tasks: TaskTracker,
}

impl Producer {
    pub(crate) async fn start(env: &ServiceEnv, name: &'static str) -> Self {
        let started = Self::try_start(env, name).await;
        started.unwrap_or_else(|cause| panic!("the producer {name} does not start: {cause:#}"))
    }

    async fn try_start(env: &ServiceEnv, name: &'static str) -> anyhow::Result<Self> {
        let pool = env.connect(name).await;
        let log = Log::open(pool.clone(), name, env.event_log().shards).await?;
        let state = Arc::<State>::default();
        let reader: &'static [&'static str] = vec![env.name()].leak();
        let service = event_log_service(log.clone(), pool.clone(), state.clone(), reader);
        let exposed = Exposed {
            name,
            public: Routes::default(),
            internal: Routes::new(service),
        };
        let server = ServerConfig::loopback();
        let listeners = Listeners::bind(&server).await?;
        let url = format!("https://{}", listeners.internal.local_addr()?);
        let tls = internal_tls(env.certificates(), name);
        let auth = AuthConfig::new(env.issuer().url(), AUDIENCE);
        let authenticator = Arc::new(Authenticator::start(&auth).await?);
        let metrics = Arc::new(Metrics::new());
        let shutdown = env.shutdown().child_token();
        let tasks = TaskTracker::new();

        let log_key = SealingKey::from_bytes(LOG_KEY);
        let files = Files::default();
        if let Some(streams) = Streams::open(env.event_log(), log_key, &files)? {
            let publisher =
                StreamPublisher::new(log.clone(), streams, LogMetrics::register(&metrics));
            tasks.spawn(publisher.run(shutdown.clone()));
        }
        let stop = shutdown.clone();
        tasks.spawn(async move {
            serve(
                exposed,
                &server,
                &tls,
                files,
                authenticator,
                metrics,
                Readiness::new(),
                listeners,
                stop,
            )
            .await
        });
        Ok(Self {
            name,
            log,
            pool,
            url,
            state,
            shutdown,
            tasks,
        })
    }

    /// The name of the service that it stands for.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// The address of its internal listener.
    pub fn url(&self) -> String {
        self.url.clone()
    }

    /// The shard of a subject.
    pub fn shard_of(&self, subject: &str) -> u16 {
        self.log.shard_of(subject)
    }

    /// Announces events in one transaction.
    pub async fn announce(&self, events: &[NewEvent]) {
        let appended = async {
            let mut transaction = self.pool.begin().await?;
            self.log.append(&mut transaction, events).await?;
            transaction.commit().await?;
            anyhow::Ok(())
        };
        appended.await.expect("the log takes events");
        self.log.committed();
    }

    /// Adds events to the state that a consumer starts from when it is below the log.
    pub fn add_to_snapshot(&self, events: &[NewEvent]) {
        let mut state = self.state.0.lock().unwrap_or_else(PoisonError::into_inner);
        state.extend_from_slice(events);
    }

    /// Stops serving; the log stays.
    pub async fn stop(&self) {
        self.shutdown.cancel();
        self.tasks.close();
        self.tasks.wait().await;
    }
}

/// The state of a producer, as events.
#[derive(Default)]
struct State(Mutex<Vec<NewEvent>>);

#[async_trait]
impl Snapshot for State {
    async fn page(
        &self,
        _: &mut PgConnection,
        _: Option<String>,
        _: u16,
    ) -> platform::Result<SnapshotPage> {
        let events = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(SnapshotPage {
            events: events.clone(),
            next: None,
        })
    }
}

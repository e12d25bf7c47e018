//! The service with everything around it.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use eventlog::{
    EventLogConfig, Log, LogMetrics, NewEvent, Snapshot, SnapshotPage, StreamPublisher, Streams,
};
use notification::{Config, NotificationConfig, ProducersConfig, SmtpConfig};
use platform::{
    AuthConfig, Authenticator, DatabaseConfig, Exposed, Files, InternalTlsConfig, Listeners,
    Metrics, Readiness, SealingConfig, SealingKey, ServerConfig, Tasks,
};
use proto::eventlog::v1::{
    SnapshotRequest, event_log_service_client::EventLogServiceClient, snapshot_response::Part,
};
use proto::notification::v1::{
    Notification, WatchRequest, WatchResponse, WatchStart,
    delivery_service_client::DeliveryServiceClient,
    notification_service_client::NotificationServiceClient, watch_response::Message,
};
use service::BaseConfig;
use sqlx::{PgConnection, PgPool};
use tempfile::TempDir;
use testkit::{AUDIENCE, Certificates, Database, Issuer, SmtpSink, TokenSpec};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tonic::{Request, Status, Streaming, service::Routes, transport::Channel};
use tonic_types::StatusExt as _;

pub(crate) const MASTER_KEY: [u8; 32] = [7; 32];
const LOG_KEY: [u8; 32] = [8; 32];
/// How long a story waits for a message of a stream before it fails.
const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) const FSSI: &str = "fssi@example.org";
pub(crate) const CELL: &str = "cellule@example.org";
pub(crate) const AGENCY: &str = "ssi-occitanie@ars.example.org";
pub(crate) const ON_CALL: &str = "astreinte@example.org";

/// The service, two producers, a mail server and those who call.
pub(crate) struct TestEnv {
    /// The mail server.
    pub(crate) sink: SmtpSink,
    /// A producer in place of intake.
    pub(crate) intake: Producer,
    /// A producer in place of qualification.
    pub(crate) qualification: Producer,
    /// The service's own database.
    pub(crate) pool: PgPool,
    /// The first process of the service.
    pub(crate) service: Service,
    config: Config,
    issuer: Issuer,
    tasks: Tasks,
    shutdown: CancellationToken,
    certificates: Certificates,
    _folder: TempDir,
}

/// A process of the service.
pub(crate) struct Service {
    channel: Channel,
    internal_url: String,
    metrics: Arc<Metrics>,
    shutdown: CancellationToken,
    ended: CancellationToken,
}

/// A log in a schema of its own, served as the real one is.
pub(crate) struct Producer {
    log: Log,
    pool: PgPool,
    url: String,
    state: Arc<State>,
}

impl Drop for TestEnv {
    fn drop(&mut self) {
        self.shutdown.cancel();
    }
}

impl TestEnv {
    /// Starts everything with the usual settings, but for quick retries.
    pub(crate) async fn start() -> Self {
        Self::start_with(|_| ()).await
    }

    /// Starts everything with other settings; all of it ends with it.
    pub(crate) async fn start_with(change: impl FnOnce(&mut NotificationConfig)) -> Self {
        let database = testkit::postgres().await.database("notification").await;
        let folder = tempfile::tempdir().unwrap();
        let certificates = Certificates::generate(folder.path().join("tls")).unwrap();
        let issuer = Issuer::start().await;
        let sink = SmtpSink::start().await;
        let shutdown = CancellationToken::new();
        let tasks = Tasks::new(shutdown.clone());
        let redis_url = testkit::redis().await.url();
        let event_log: EventLogConfig =
            serde_json::from_value(serde_json::json!({ "redis_url": redis_url })).unwrap();

        let surroundings = Surroundings {
            database: &database,
            certificates: &certificates,
            issuer: &issuer,
            event_log: &event_log,
            tasks: &tasks,
            shutdown: &shutdown,
        };
        let intake = surroundings.producer("intake").await;
        let qualification = surroundings.producer("qualification").await;

        let on_call_file = folder.path().join("on-call.json");
        let always = serde_json::json!([{
            "from": "2020-01-01T00:00:00Z", "to": "2100-01-01T00:00:00Z", "addresses": [ON_CALL],
        }]);
        fs::write(&on_call_file, always.to_string()).unwrap();
        let mut notification = NotificationConfig::new("Vigie <vigie@example.org>", FSSI, CELL);
        "ars.example.org".clone_into(&mut notification.agency_mail_domain);
        notification.on_call_file = Some(on_call_file);
        notification.retry_base_ms = 50;
        change(&mut notification);
        let (server, _) = listen().await;
        let config = Config {
            base: BaseConfig {
                database: database_config(&database, "notification"),
                server,
                internal_tls: tls(&certificates, "notification"),
                auth: AuthConfig::new(issuer.url(), AUDIENCE),
                event_log,
            },
            sealing: SealingConfig {
                master_key_file: key_file(folder.path(), "master", MASTER_KEY),
                log_key_file: key_file(folder.path(), "log", LOG_KEY),
            },
            producers: ProducersConfig {
                intake_url: intake.url.clone(),
                qualification_url: qualification.url.clone(),
            },
            smtp: SmtpConfig::local(sink.address().port()),
            notification,
        };
        platform::migrate(&config.base.database, &notification::migrators())
            .await
            .unwrap();
        let pool = platform::connect(&config.base.database, "test", &Files::default())
            .await
            .unwrap();
        let service = Service::run(config.clone(), &tasks, &shutdown).await;
        Self {
            sink,
            intake,
            qualification,
            pool,
            service,
            config,
            issuer,
            tasks,
            shutdown,
            certificates,
            _folder: folder,
        }
    }

    /// Starts a second process of the service, beside the first.
    pub(crate) async fn replica(&self) -> Service {
        Service::run(self.config.clone(), &self.tasks, &self.shutdown).await
    }

    /// A request in the name of somebody.
    pub(crate) fn request<T>(&self, who: &TokenSpec, message: T) -> Request<T> {
        let mut request = Request::new(message);
        let token = format!("Bearer {}", self.issuer.token(who));
        request
            .metadata_mut()
            .insert("authorization", token.parse().unwrap());
        request
    }

    /// Opens a stream at the first process.
    pub(crate) async fn watch(
        &self,
        who: &TokenSpec,
        from: From<'_>,
    ) -> Result<Streaming<WatchResponse>, Status> {
        self.watch_at(&self.service, who, from).await
    }

    /// Opens a stream at a process.
    pub(crate) async fn watch_at(
        &self,
        service: &Service,
        who: &TokenSpec,
        from: From<'_>,
    ) -> Result<Streaming<WatchResponse>, Status> {
        let request = match from {
            From::Now => WatchRequest {
                start: WatchStart::Now.into(),
                ..Default::default()
            },
            From::Oldest => WatchRequest {
                start: WatchStart::Oldest.into(),
                ..Default::default()
            },
            From::Cursor(cursor) => WatchRequest {
                cursor: cursor.to_owned(),
                start: 0,
            },
        };
        let mut client = NotificationServiceClient::new(service.channel.clone());
        Ok(client.watch(self.request(who, request)).await?.into_inner())
    }

    /// Everything that is kept behind a place, up to the heartbeat that says so.
    pub(crate) async fn kept(
        &self,
        who: &TokenSpec,
        from: From<'_>,
    ) -> Vec<(String, Notification)> {
        let mut stream = self.watch(who, from).await.unwrap();
        let mut kept = Vec::new();
        loop {
            let message = next(&mut stream).await.unwrap();
            match message.message.unwrap() {
                Message::Notification(notification) => kept.push((message.cursor, notification)),
                Message::Heartbeat(_) => return kept,
                Message::Gap(_) => panic!("a gap where everything is kept"),
            }
        }
    }

    /// Waits until this many notifications are kept for somebody.
    pub(crate) async fn until_kept(
        &self,
        who: &TokenSpec,
        count: usize,
    ) -> Vec<(String, Notification)> {
        testkit::eventually_some(async || {
            Some(self.kept(who, From::Oldest).await).filter(|kept| kept.len() >= count)
        })
        .await
    }

    /// A client of the operators' service.
    pub(crate) fn deliveries(&self) -> DeliveryServiceClient<Channel> {
        DeliveryServiceClient::new(self.service.channel.clone())
    }

    /// How many deliveries are in a state.
    pub(crate) async fn delivered(&self, state: &str) -> i64 {
        let sql = "select count(*) from (
                       select case when due_at is null then 'dead' else 'pending' end as state
                       from job
                       union all
                       select 'sent' from job_done
                   ) as delivery where state = $1";
        sqlx::query_scalar(sql)
            .bind(state)
            .fetch_one(&self.pool)
            .await
            .unwrap()
    }

    /// The ids in the snapshot of the service's log, as another service reads it.
    pub(crate) async fn snapshot(&self, reader: &str) -> Result<BTreeSet<String>, Status> {
        let tls = tls(&self.certificates, reader);
        let channel = platform::internal_channel(
            "notification",
            &self.service.internal_url,
            &tls,
            &Files::default(),
        );
        let mut client = EventLogServiceClient::new(channel.unwrap());
        let mut parts = client
            .snapshot(SnapshotRequest::default())
            .await?
            .into_inner();
        let mut ids = BTreeSet::new();
        while let Some(part) = parts.message().await? {
            if let Some(Part::Events(batch)) = part.part {
                ids.extend(batch.events.into_iter().map(|event| event.id));
            }
        }
        Ok(ids)
    }

    /// The audit trail of somebody: action and outcome, in order.
    pub(crate) async fn audited(&self, subject: &str) -> Vec<(String, String)> {
        sqlx::query_as(
            "select action, outcome from audit_entry where caller_subject = $1
             order by audit_entry_id",
        )
        .bind(subject)
        .fetch_all(&self.pool)
        .await
        .unwrap()
    }
}

/// Where a stream begins.
#[derive(Clone, Copy)]
pub(crate) enum From<'a> {
    Now,
    Oldest,
    Cursor(&'a str),
}

/// The next message of a stream.
pub(crate) async fn next(stream: &mut Streaming<WatchResponse>) -> Result<WatchResponse, Status> {
    let message = tokio::time::timeout(PATIENCE, stream.message());
    Ok(message
        .await
        .expect("the stream says nothing")?
        .expect("the stream ended without a word"))
}

/// The next notification of a stream; heartbeats are passed over.
pub(crate) async fn told(stream: &mut Streaming<WatchResponse>) -> Result<Notification, Status> {
    loop {
        if let Some(Message::Notification(notification)) = next(stream).await?.message {
            return Ok(notification);
        }
    }
}

/// The code by which programs know a refusal.
pub(crate) fn reason(status: &Status) -> String {
    status
        .get_details_error_info()
        .map(|info| info.reason)
        .unwrap_or_default()
}

impl Service {
    async fn run(config: Config, tasks: &Tasks, all: &CancellationToken) -> Self {
        let (server, listeners) = listen().await;
        let channel = Channel::from_shared(format!("http://{}", server.listen)).unwrap();
        let internal_url = format!("https://{}", server.internal_listen);
        let metrics = Arc::new(Metrics::new());
        let mut config = config;
        config.base.server = server;
        let app = notification::build(config, Arc::clone(&metrics))
            .await
            .unwrap();
        let shutdown = all.child_token();
        let stop = shutdown.clone();
        let ended = CancellationToken::new();
        let end = ended.clone();
        let all = all.clone();
        tasks.spawn("notification", async move {
            app.run(listeners, stop).await.unwrap();
            end.cancel();
            // A process that a story stops is no failure of the environment.
            all.cancelled().await;
        });
        Self {
            channel: channel.connect_lazy(),
            internal_url,
            metrics,
            shutdown,
            ended,
        }
    }

    /// Asks the process to end.
    pub(crate) fn stop(&self) {
        self.shutdown.cancel();
    }

    /// Whether the process came to a good end.
    pub(crate) fn has_ended(&self) -> bool {
        self.ended.is_cancelled()
    }

    /// The value of a metric whose line begins like this.
    pub(crate) fn metric(&self, begin: &str) -> f64 {
        let text = self.metrics.encode();
        let line = text.lines().find(|line| line.starts_with(begin));
        line.and_then(|line| line.rsplit(' ').next()?.parse().ok())
            .unwrap_or(0.0)
    }
}

impl Producer {
    /// Announces events in one transaction.
    pub(crate) async fn announce(&self, events: &[NewEvent]) {
        let mut transaction = self.pool.begin().await.unwrap();
        self.log.append(&mut transaction, events).await.unwrap();
        transaction.commit().await.unwrap();
        self.log.committed();
    }

    /// Has events told to whoever starts from a snapshot.
    pub(crate) fn keep(&self, events: &[NewEvent]) {
        self.state.0.lock().unwrap().extend_from_slice(events);
    }
}

struct Surroundings<'a> {
    database: &'a Database,
    certificates: &'a Certificates,
    issuer: &'a Issuer,
    event_log: &'a EventLogConfig,
    tasks: &'a Tasks,
    shutdown: &'a CancellationToken,
}

impl Surroundings<'_> {
    async fn producer(&self, name: &'static str) -> Producer {
        let config = database_config(self.database, name);
        let migrators = [&platform::MIGRATOR, &eventlog::MIGRATOR];
        platform::migrate(&config, &migrators).await.unwrap();
        let pool = platform::connect(&config, "test", &Files::default())
            .await
            .unwrap();
        let log = Log::open(pool.clone(), name, self.event_log.shards)
            .await
            .unwrap();
        let metrics = Arc::new(Metrics::new());
        let streams = Streams::open(
            self.event_log,
            SealingKey::from_bytes(LOG_KEY),
            &Files::default(),
        );
        let relay = StreamPublisher::new(
            log.clone(),
            streams.unwrap().unwrap(),
            LogMetrics::register(&metrics),
        );
        self.tasks.spawn("relay", relay.run(self.shutdown.clone()));

        let (server, listeners) = listen().await;
        let url = format!("https://{}", server.internal_listen);
        let tls = tls(self.certificates, name);
        let auth = AuthConfig::new(self.issuer.url(), AUDIENCE);
        let authenticator = Arc::new(Authenticator::start(&auth).await.unwrap());
        let state = Arc::<State>::default();
        let service = eventlog::event_log_service(
            log.clone(),
            pool.clone(),
            Arc::clone(&state) as Arc<dyn Snapshot>,
            &["notification"],
        );
        let exposed = Exposed {
            name,
            public: Routes::default(),
            internal: Routes::new(service),
        };
        let stop = self.shutdown.clone();
        self.tasks.spawn(name, async move {
            platform::serve(
                exposed,
                &server,
                &tls,
                Files::default(),
                authenticator,
                metrics,
                Readiness::new(),
                listeners,
                stop,
            )
            .await
            .unwrap();
        });
        Producer {
            log,
            pool,
            url,
            state,
        }
    }
}

/// The state of a producer, as events.
#[derive(Default)]
struct State(Mutex<Vec<NewEvent>>);

#[async_trait]
impl Snapshot for State {
    async fn page(
        &self,
        _conn: &mut PgConnection,
        _after: Option<String>,
        _limit: u16,
    ) -> platform::Result<SnapshotPage> {
        Ok(SnapshotPage {
            events: self.0.lock().unwrap().clone(),
            next: None,
        })
    }
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
        "drain_seconds": 2,
    });
    (serde_json::from_value(config).unwrap(), listeners)
}

fn database_config(database: &Database, service: &str) -> DatabaseConfig {
    DatabaseConfig {
        max_connections: 12,
        acquire_timeout_ms: 5_000,
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

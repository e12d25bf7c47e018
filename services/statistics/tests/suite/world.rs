//! The service between two fake producers, over real PostgreSQL and mutual TLS.

use std::sync::Arc;

use async_trait::async_trait;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use eventlog::{EventLogConfig, Log, NewEvent, Snapshot, SnapshotPage, event_log_service};
use platform::{
    AuthConfig, Authenticator, DatabaseConfig, Exposed, Files, InternalTlsConfig, Listeners,
    Metrics, Readiness, ServerConfig, Tasks, connect, migrate, serve,
};
use proto::statistics::v1::{
    BreakdownRow, Comparison, Dimension, GetBreakdownRequest, GetBreakdownResponse,
    GetOverviewRequest, GetOverviewResponse, Period,
    statistics_service_client::StatisticsServiceClient,
};
use sqlx::{PgConnection, PgPool};
use statistics::{Config, LogKeyConfig, NAME, ProducersConfig, build, migrators};
use testkit::{AUDIENCE, Certificates, Database, Issuer, TokenSpec, eventually};
use tokio_util::sync::CancellationToken;
use tonic::{Request, Status, service::Routes, transport::Channel};

use crate::story::timestamp;

/// Everything around the service.
pub(crate) struct World {
    pub(crate) intake: Producer,
    pub(crate) qualification: Producer,
    /// The schema of the service, to look behind the curtain.
    pub(crate) pool: PgPool,
    database: Database,
    issuer: Issuer,
    certificates: Certificates,
    folder: tempfile::TempDir,
}

/// A service that only announces.
pub(crate) struct Producer {
    log: Log,
    pool: PgPool,
    url: String,
    stop: CancellationToken,
    tasks: Tasks,
}

/// One running replica of the service.
pub(crate) struct Replica {
    pub(crate) metrics: Arc<Metrics>,
    address: String,
    token: String,
    stop: CancellationToken,
    tasks: Tasks,
}

struct NoState;

#[async_trait]
impl Snapshot for NoState {
    async fn page(
        &self,
        _: &mut PgConnection,
        _: Option<String>,
        _: u16,
    ) -> platform::Result<SnapshotPage> {
        Ok(SnapshotPage::default())
    }
}

impl World {
    pub(crate) async fn start(label: &str) -> Self {
        let database = testkit::postgres().await.database(label).await;
        let folder = tempfile::tempdir().unwrap();
        let certificates = Certificates::generate(folder.path()).unwrap();
        std::fs::write(folder.path().join("log.key"), STANDARD.encode([7; 32])).unwrap();
        let own = database_config(&database, NAME);
        migrate(&own, &migrators()).await.unwrap();
        let issuer = Issuer::start().await;
        let intake = Producer::start("intake", &database, &certificates, &issuer).await;
        let qualification =
            Producer::start("qualification", &database, &certificates, &issuer).await;
        let pool = connect(&own, "test", &Files::default()).await.unwrap();
        Self {
            intake,
            qualification,
            pool,
            database,
            issuer,
            certificates,
            folder,
        }
    }

    /// Starts a replica that talks as an analyst of the cell.
    pub(crate) async fn replica(&self) -> Replica {
        let server = server_config();
        let config = Config {
            database: database_config(&self.database, NAME),
            server: server.clone(),
            internal_tls: internal_tls(&self.certificates, NAME),
            auth: AuthConfig::new(self.issuer.url(), AUDIENCE),
            sealing: LogKeyConfig {
                log_key_file: self.folder.path().join("log.key"),
            },
            event_log: EventLogConfig::default(),
            producers: ProducersConfig {
                intake_url: self.intake.url.clone(),
                qualification_url: self.qualification.url.clone(),
            },
        };
        let listeners = Listeners::bind(&server).await.unwrap();
        let address = format!("http://{}", listeners.public.local_addr().unwrap());
        let metrics = Arc::new(Metrics::new());
        let app = build(config, Arc::clone(&metrics)).await.unwrap();
        let stop = CancellationToken::new();
        let tasks = Tasks::new(stop.clone());
        let shutdown = stop.clone();
        tasks.spawn("replica", async move {
            app.run(listeners, shutdown).await.unwrap();
        });
        let token = self.token(&TokenSpec::of("analyst").role("analyst"));
        Replica {
            metrics,
            address,
            token,
            stop,
            tasks,
        }
    }

    /// Starts a replica and waits until it has counted everything.
    pub(crate) async fn counted(&self) -> Replica {
        let replica = self.replica().await;
        replica.is_up_to_date().await;
        replica
    }

    pub(crate) fn token(&self, spec: &TokenSpec) -> String {
        self.issuer.token(spec)
    }

    /// Every fact with its period of validity.
    pub(crate) async fn facts(&self) -> Vec<String> {
        sqlx::query_scalar(
            "select fact_version::text from fact_version
             where known_from > '-infinity' order by report_id, known_from",
        )
        .fetch_all(&self.pool)
        .await
        .unwrap()
    }

    /// The facts of each report follow each other without a gap, and the last one is valid.
    pub(crate) async fn is_seamless(&self) {
        let seams: Vec<String> = sqlx::query_scalar(
            "select report_id || ' from ' || known_from
             from (
                 select *, lead(known_from) over (partition by report_id order by known_from)
                     as next
                 from fact_version where known_from > '-infinity'
             ) as fact
             where known_until is distinct from next",
        )
        .fetch_all(&self.pool)
        .await
        .unwrap();
        assert_eq!(seams, [""; 0]);
    }
}

impl Producer {
    async fn start(
        name: &'static str,
        database: &Database,
        certificates: &Certificates,
        issuer: &Issuer,
    ) -> Self {
        let config = database_config(database, name);
        migrate(&config, &[&platform::MIGRATOR, &eventlog::MIGRATOR])
            .await
            .unwrap();
        let pool = connect(&config, name, &Files::default()).await.unwrap();
        let log = Log::open(pool.clone(), name, 8).await.unwrap();
        let service = event_log_service(log.clone(), pool.clone(), Arc::new(NoState), &[NAME]);
        let exposed = Exposed {
            name,
            public: Routes::default(),
            internal: Routes::new(service),
        };
        let server = server_config();
        let listeners = Listeners::bind(&server).await.unwrap();
        let url = format!("https://{}", listeners.internal.local_addr().unwrap());
        let tls = internal_tls(certificates, name);
        let auth = AuthConfig::new(issuer.url(), AUDIENCE);
        let authenticator = Arc::new(Authenticator::start(&auth).await.unwrap());
        let stop = CancellationToken::new();
        let tasks = Tasks::new(stop.clone());
        let shutdown = stop.clone();
        tasks.spawn("producer", async move {
            let metrics = Arc::new(Metrics::new());
            let ready = Readiness::new();
            let ended = serve(
                exposed,
                &server,
                &tls,
                Files::default(),
                authenticator,
                metrics,
                ready,
                listeners,
                shutdown,
            );
            ended.await.unwrap();
        });
        Self {
            log,
            pool,
            url,
            stop,
            tasks,
        }
    }

    /// Announces facts, in order.
    pub(crate) async fn announce(&self, events: &[NewEvent]) {
        for events in events.chunks(200) {
            let mut tx = self.pool.begin().await.unwrap();
            self.log.append(&mut tx, events).await.unwrap();
            tx.commit().await.unwrap();
            self.log.committed();
        }
    }

    /// Goes away.
    pub(crate) async fn stop(&self) {
        self.stop.cancel();
        self.tasks
            .join(std::time::Duration::from_secs(30))
            .await
            .unwrap();
    }
}

impl Replica {
    pub(crate) async fn stop(self) {
        self.stop.cancel();
        self.tasks
            .join(std::time::Duration::from_secs(30))
            .await
            .unwrap();
    }

    /// Waits until every event has been counted.
    pub(crate) async fn is_up_to_date(&self) {
        eventually(async || self.overview("2026-01", "2026-01").await.up_to_date).await;
    }

    /// A client without a token.
    pub(crate) async fn client(&self) -> StatisticsServiceClient<Channel> {
        StatisticsServiceClient::connect(self.address.clone())
            .await
            .unwrap()
    }

    /// The overview of the country, as an analyst sees it.
    pub(crate) async fn overview(&self, from: &str, to: &str) -> GetOverviewResponse {
        self.overview_as(&self.token, from, to, "").await.unwrap()
    }

    pub(crate) async fn overview_as(
        &self,
        token: &str,
        from: &str,
        to: &str,
        region: &str,
    ) -> Result<GetOverviewResponse, Status> {
        let request = GetOverviewRequest {
            period: Some(period(from, to)),
            region: region.to_owned(),
            ..GetOverviewRequest::default()
        };
        let answer = self
            .client()
            .await
            .get_overview(with_token(token, request))
            .await;
        answer.map(tonic::Response::into_inner)
    }

    /// The overview of the country as it was known at a moment.
    pub(crate) async fn overview_known_at(
        &self,
        from: &str,
        to: &str,
        moment: &str,
    ) -> GetOverviewResponse {
        let request = GetOverviewRequest {
            period: Some(period(from, to)),
            as_known_at: Some(timestamp(moment)),
            ..GetOverviewRequest::default()
        };
        let request = with_token(&self.token, request);
        let answer = self.client().await.get_overview(request).await;
        answer.unwrap().into_inner()
    }

    /// A breakdown of the country, as an analyst sees it.
    pub(crate) async fn breakdown(
        &self,
        from: &str,
        to: &str,
        dimension: Dimension,
        second: Dimension,
    ) -> GetBreakdownResponse {
        let request = GetBreakdownRequest {
            period: Some(period(from, to)),
            dimension: dimension.into(),
            second_dimension: second.into(),
            ..GetBreakdownRequest::default()
        };
        self.broken_down(request).await
    }

    pub(crate) async fn broken_down(&self, request: GetBreakdownRequest) -> GetBreakdownResponse {
        let request = with_token(&self.token, request);
        let answer = self.client().await.get_breakdown(request).await;
        answer.unwrap().into_inner()
    }
}

/// A figure of an overview, by its name.
pub(crate) fn figure<'a>(overview: &'a GetOverviewResponse, name: &str) -> &'a Comparison {
    overview
        .figures
        .iter()
        .find(|figure| figure.name == name)
        .unwrap()
}

/// The count of a figure in the period.
pub(crate) fn current(overview: &GetOverviewResponse, name: &str) -> u64 {
    figure(overview, name).current
}

/// The rows of a breakdown as values and count.
pub(crate) fn rows(breakdown: &GetBreakdownResponse) -> Vec<(&str, &str, u64)> {
    let count = |row: &BreakdownRow| row.share.as_ref().unwrap().numerator;
    let rows = breakdown.rows.iter();
    rows.map(|row| (row.value.as_str(), row.second_value.as_str(), count(row)))
        .collect()
}

pub(crate) fn with_token<T>(token: &str, message: T) -> Request<T> {
    let mut request = Request::new(message);
    request
        .metadata_mut()
        .insert("authorization", format!("Bearer {token}").parse().unwrap());
    request
}

pub(crate) fn period(from: &str, to: &str) -> Period {
    Period {
        from_month: from.to_owned(),
        to_month: to.to_owned(),
        to_day: String::new(),
    }
}

fn database_config(database: &Database, service: &str) -> DatabaseConfig {
    DatabaseConfig {
        max_connections: 8,
        acquire_timeout_ms: 10_000,
        ..DatabaseConfig::new(database.url(service), service)
    }
}

fn internal_tls(certificates: &Certificates, service: &str) -> InternalTlsConfig {
    InternalTlsConfig {
        cert_file: certificates.cert_file(service),
        key_file: certificates.key_file(service),
        ca_file: certificates.ca_file(),
    }
}

fn server_config() -> ServerConfig {
    let anywhere = "127.0.0.1:0";
    serde_json::from_value(serde_json::json!({
        "listen": anywhere, "internal_listen": anywhere, "metrics_listen": anywhere,
    }))
    .unwrap()
}

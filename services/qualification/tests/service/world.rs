//! The service with everything around it, and the few words that the stories
//! are told with.

use std::{
    fs,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
};

use async_trait::async_trait;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use eventlog::{EventLogConfig, Log, LogMetrics, NewEvent, Relay, Snapshot, SnapshotPage, Streams};
use platform::{
    AuthConfig, Authenticator, DatabaseConfig, Exposed, InternalTlsConfig, Listeners, Metrics,
    Readiness, SealingConfig, SealingKey, ServerConfig, Tasks,
};
use prost::Message as _;
use proto::{
    events::v1 as events,
    qualification::v1::{self as pb, qualification_service_client::QualificationServiceClient},
    types::v1 as types,
};
use qualification::{Config, ProducersConfig};
use sqlx::{PgConnection, PgPool};
use tempfile::TempDir;
use testkit::{AUDIENCE, Certificates, Database, Issuer, TokenSpec, eventually_some};
use time::OffsetDateTime;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tonic::{Request, Status, service::Routes, transport::Channel};
use tonic_types::StatusExt as _;
use uuid::Uuid;

/// When the reports of the stories are declared.
pub const DECLARED: OffsetDateTime = time::macros::datetime!(2026-11-23 09:00 UTC);

const MASTER_KEY: [u8; 32] = [7; 32];
const LOG_KEY: [u8; 32] = [8; 32];

/// The service, a producer of reports, and those who call.
pub struct World {
    /// A client without a token; `as_…` adds it.
    pub client: QualificationServiceClient<Channel>,
    /// The service's own database, to look into its log and audit trail.
    pub pool: PgPool,
    /// Where the service's log is served.
    pub internal_url: String,
    issuer: Issuer,
    intake: Log,
    intake_pool: PgPool,
    certificates: Certificates,
    reports: AtomicU32,
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
    pub async fn start() -> Self {
        let database = testkit::postgres().await.database("qualification").await;
        let folder = tempfile::tempdir().unwrap();
        let certificates = Certificates::generate(folder.path().join("tls")).unwrap();
        let issuer = Issuer::start().await;
        let shutdown = CancellationToken::new();
        let tasks = Tasks::new(shutdown.clone());
        let redis_url = testkit::redis().await.url();
        let event_log: EventLogConfig =
            serde_json::from_value(serde_json::json!({ "redis_url": redis_url })).unwrap();

        let (intake, intake_pool, intake_url) = start_intake(
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
            database: database_config(&database, "qualification"),
            server,
            internal_tls: tls(&certificates, "qualification"),
            auth: AuthConfig::new(issuer.url(), AUDIENCE),
            sealing: SealingConfig {
                master_key_file: key_file(folder.path(), "master", MASTER_KEY),
                log_key_file: key_file(folder.path(), "log", LOG_KEY),
            },
            event_log,
            producers: ProducersConfig { intake_url },
        };
        platform::migrate(&config.database, &qualification::migrators())
            .await
            .unwrap();
        let pool = platform::connect(&config.database, "test").await.unwrap();
        let app = qualification::build(config, Arc::new(Metrics::new()))
            .await
            .unwrap();
        let stop = shutdown.clone();
        tasks.spawn("qualification", async move {
            app.run(listeners, stop).await.unwrap()
        });

        let channel = Channel::from_shared(format!("http://{public}"))
            .unwrap()
            .connect_lazy();
        Self {
            client: QualificationServiceClient::new(channel),
            pool,
            internal_url,
            issuer,
            intake,
            intake_pool,
            certificates,
            reports: AtomicU32::new(0),
            _folder: folder,
            shutdown,
        }
    }

    /// The certificate of a service of the suite.
    pub fn tls(&self, service: &str) -> InternalTlsConfig {
        tls(&self.certificates, service)
    }

    /// A request in the name of somebody.
    pub fn request<T>(&self, who: &TokenSpec, message: T) -> Request<T> {
        let mut request = Request::new(message);
        let token = format!("Bearer {}", self.issuer.token(who));
        request
            .metadata_mut()
            .insert("authorization", token.parse().unwrap());
        request
    }

    /// A new report as intake would announce it: of Occitanie, without impacts.
    pub fn report(&self) -> Report {
        let number = self.reports.fetch_add(1, Ordering::Relaxed);
        let report_id = Uuid::now_v7();
        let timestamp = |at: OffsetDateTime| {
            Some(prost_types::Timestamp {
                seconds: at.unix_timestamp(),
                nanos: 0,
            })
        };
        let reference = vocabulary::ReferenceCipher::new([9; 32]).reference(2026, number);
        let master = SealingKey::from_bytes(MASTER_KEY);
        let (key, data_key) = master.new_data_key();
        let declarant = events::Contact {
            family_name: "Martin".into(),
            given_name: "Dominique".into(),
            position: "RSSI".into(),
            email: "dominique.martin@example.org".into(),
            phone: "+33 5 00 00 00 00".into(),
        };
        let personal_data = events::SealedPersonalData {
            declarant: Some(declarant),
            alternate: None,
        };
        let aad = [b"report:".as_slice(), report_id.as_bytes()].concat();
        Report {
            report_id,
            event_id: Uuid::now_v7(),
            data_key: Some(data_key),
            submitted: events::ReportSubmitted {
                report_id: report_id.to_string(),
                reference: reference.to_string(),
                kind: types::ReportKind::Incident.into(),
                channel: types::Channel::Declarant.into(),
                received_at: timestamp(DECLARED),
                declared_at: timestamp(DECLARED),
                found_at: timestamp(DECLARED),
                structure: Some(events::ReportedStructure {
                    name: "Centre hospitalier de test".into(),
                    kind: types::StructureKind::HealthFacility.into(),
                    routing_region: "76".into(),
                    ..Default::default()
                }),
                text: Some(events::ReportText {
                    description: "Serveurs chiffrés depuis la nuit".into(),
                    ..Default::default()
                }),
                visible_to: [
                    "cell",
                    "fssi",
                    "ars:76",
                    "subject:decl",
                    "structure:finess:010000024",
                ]
                .map(str::to_owned)
                .to_vec(),
                sealed_personal_data: key.seal(&aad, &personal_data.encode_to_vec()).into(),
                ..Default::default()
            },
        }
    }

    /// Lets intake announce a report.
    pub async fn submit(&self, report: &Report) {
        self.announce(&[report.event()]).await;
    }

    /// Lets intake announce that a report was withdrawn.
    pub async fn withdraw(&self, report: &Report, reason: &str) -> Uuid {
        let event_id = Uuid::now_v7();
        self.announce(&[report.withdrawal(event_id, reason)]).await;
        event_id
    }

    /// Lets intake announce anything, in one transaction.
    pub async fn announce(&self, events: &[NewEvent]) {
        let mut transaction = self.intake_pool.begin().await.unwrap();
        self.intake.append(&mut transaction, events).await.unwrap();
        transaction.commit().await.unwrap();
        self.intake.committed();
    }

    /// Submits a report and waits for its case, as the cell sees it.
    pub async fn open(&self, report: &Report) -> pb::Case {
        self.submit(report).await;
        self.case_where(report, |_| true).await
    }

    /// Waits until the cell sees the case of a report like this.
    pub async fn case_where(&self, report: &Report, like: impl Fn(&pb::Case) -> bool) -> pb::Case {
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
    pub async fn settle(&self, report: &Report) {
        let shard = |report: &Report| {
            self.intake
                .shard_of(&format!("report/{}", report.report_id))
        };
        let marker = loop {
            let marker = self.report();
            if shard(&marker) == shard(report) {
                break marker;
            }
        };
        self.open(&marker).await;
    }

    /// Gets a case by id or reference.
    pub async fn get(&self, who: &TokenSpec, case_id: &str) -> Result<pb::Case, Status> {
        let request = self.request(
            who,
            pb::GetCaseRequest {
                case_id: case_id.to_owned(),
            },
        );
        let answer = self.client.clone().get_case(request).await?;
        Ok(answer.into_inner().case.unwrap())
    }

    /// Lists cases, one page.
    pub async fn list(&self, who: &TokenSpec, request: pb::ListCasesRequest) -> Vec<pb::Case> {
        let answer = self
            .client
            .clone()
            .list_cases(self.request(who, request))
            .await;
        answer.unwrap().into_inner().cases
    }

    /// Claims a case, whatever its etag.
    pub async fn claim(&self, who: &TokenSpec, case_id: &str) -> Result<pb::Case, Status> {
        let request_id = Uuid::now_v7().to_string();
        let claim = pb::ClaimCaseRequest {
            request_id,
            case_id: case_id.to_owned(),
            etag: String::new(),
        };
        let answer = self
            .client
            .clone()
            .claim_case(self.request(who, claim))
            .await?;
        Ok(answer.into_inner().case.unwrap())
    }

    /// Qualifies a case.
    pub async fn qualify(
        &self,
        who: &TokenSpec,
        qualification: pb::QualifyCaseRequest,
    ) -> Result<pb::Case, Status> {
        let answer = self
            .client
            .clone()
            .qualify_case(self.request(who, qualification))
            .await?;
        Ok(answer.into_inner().case.unwrap())
    }

    /// Closes a case, whatever its etag.
    pub async fn close(&self, who: &TokenSpec, case_id: &str) -> Result<pb::Case, Status> {
        let close = pb::CloseCaseRequest {
            request_id: Uuid::now_v7().to_string(),
            case_id: case_id.to_owned(),
            etag: String::new(),
            lessons_learned: "Sauvegardes hors ligne".into(),
        };
        let answer = self
            .client
            .clone()
            .close_case(self.request(who, close))
            .await?;
        Ok(answer.into_inner().case.unwrap())
    }

    /// What the service announced about a case, in order.
    pub async fn announced(&self, case_id: &str) -> Vec<events::CaseChanged> {
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
    pub async fn audited(&self, subject: &str) -> Vec<(String, String, String)> {
        sqlx::query_as(
            "select action, object, outcome from audit_entry where caller_subject = $1
             order by at, audit_entry_id",
        )
        .bind(subject)
        .fetch_all(&self.pool)
        .await
        .unwrap()
    }
}

/// A report that intake knows.
#[derive(Clone)]
pub struct Report {
    pub report_id: Uuid,
    pub event_id: Uuid,
    pub data_key: Option<Vec<u8>>,
    pub submitted: events::ReportSubmitted,
}

impl Report {
    /// The announcement of the report.
    pub fn event(&self) -> NewEvent {
        let event = NewEvent::new(self.event_id, self.subject(), DECLARED, &self.submitted);
        match &self.data_key {
            Some(data_key) => event.with_data_key(data_key.clone()),
            None => event,
        }
    }

    /// The announcement of its withdrawal.
    pub fn withdrawal(&self, event_id: Uuid, reason: &str) -> NewEvent {
        let withdrawn = events::ReportWithdrawn {
            report_id: self.submitted.report_id.clone(),
            reference: self.submitted.reference.clone(),
            reason: reason.to_owned(),
            visible_to: self.submitted.visible_to.clone(),
            ..Default::default()
        };
        NewEvent::new(event_id, self.subject(), DECLARED, &withdrawn)
    }

    fn subject(&self) -> String {
        format!("report/{}", self.report_id)
    }
}

/// An analyst of the cell.
pub fn analyst() -> TokenSpec {
    TokenSpec::of("ana").role("analyst")
}

/// A colleague.
pub fn second_analyst() -> TokenSpec {
    TokenSpec::of("bo").role("analyst")
}

/// An agent of the ARS of a region.
pub fn agent(region: &str) -> TokenSpec {
    TokenSpec::of(format!("agent-{region}"))
        .role("regional_agent")
        .region(region)
}

/// A qualification in scope, without impacts.
pub fn in_scope(case_id: &str) -> pb::QualifyCaseRequest {
    pb::QualifyCaseRequest {
        request_id: Uuid::now_v7().to_string(),
        case_id: case_id.to_owned(),
        etag: String::new(),
        scope: pb::Scope::In.into(),
        triage: Some(pb::Triage {
            origin: types::Origin::Malicious.into(),
            origin_types: vec![types::OriginType::Ransomware.into()],
            impacts: Some(types::Impacts::default()),
            severity: Some(types::Severity {
                serious: true,
                significant: false,
                major: false,
            }),
        }),
        note: String::new(),
    }
}

/// A qualification out of scope.
pub fn out_of_scope(case_id: &str) -> pb::QualifyCaseRequest {
    pb::QualifyCaseRequest {
        scope: pb::Scope::Out.into(),
        triage: None,
        note: "Ne concerne pas un système numérique".into(),
        ..in_scope(case_id)
    }
}

/// The code by which programs know a refusal.
pub fn reason(status: &Status) -> String {
    status
        .get_details_error_info()
        .map(|info| info.reason)
        .unwrap_or_default()
}

/// The fields that a refusal names, with the reasons.
pub fn violations(status: &Status) -> Vec<(String, String)> {
    let details = status
        .get_details_bad_request()
        .map(|bad| bad.field_violations);
    details
        .unwrap_or_default()
        .into_iter()
        .map(|v| (v.field, v.reason))
        .collect()
}

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
async fn start_intake(
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
    let pool = platform::connect(&config, "test").await.unwrap();
    let log = Log::open(pool.clone(), "intake", event_log.shards)
        .await
        .unwrap();
    let metrics = Arc::new(Metrics::new());
    let streams = Streams::open(event_log, SealingKey::from_bytes(LOG_KEY))
        .unwrap()
        .unwrap();
    let relay = Relay::new(log.clone(), streams, LogMetrics::register(&metrics));
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
        url: database.url(service).into(),
        schema: service.to_owned(),
        max_connections: 16,
        acquire_timeout_ms: 3_000,
    }
}

fn tls(certificates: &Certificates, service: &str) -> InternalTlsConfig {
    InternalTlsConfig {
        cert_file: certificates.cert_file(service),
        key_file: certificates.key_file(service),
        ca_file: certificates.ca_file(),
    }
}

fn key_file(folder: &Path, name: &str, key: [u8; 32]) -> std::path::PathBuf {
    let path = folder.join(name);
    fs::write(&path, STANDARD.encode(key)).unwrap();
    path
}

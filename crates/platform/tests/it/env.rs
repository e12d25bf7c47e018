//! A running server with everything around it.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex, Once},
    time::Duration,
};

use opentelemetry::trace::TracerProvider as _;
use opentelemetry_sdk::trace::SdkTracerProvider;
use platform::{
    AuthConfig, Authenticator, Exposed, Files, InternalTlsConfig, Listeners, Metrics, Readiness,
    ServerConfig, StartError, serve,
};
use proto::notification::v1::{
    ListDeliveriesRequest, ListDeliveriesResponse, delivery_service_client::DeliveryServiceClient,
};
use testkit::{AUDIENCE, Certificates, Issuer, TokenSpec};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tonic::{Request, Status, transport::Channel};
use tonic_types::StatusExt as _;
use tracing_subscriber::{Layer as _, fmt::MakeWriter, layer::SubscriberExt as _};

use crate::double::Double;

/// A running server with everything around it.
pub(crate) struct TestEnv {
    pub(crate) issuer: Issuer,
    pub(crate) certificates: Certificates,
    pub(crate) double: Double,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) readiness: Readiness,
    pub(crate) public: SocketAddr,
    pub(crate) internal: SocketAddr,
    pub(crate) admin: SocketAddr,
    pub(crate) shutdown: CancellationToken,
    serving: JoinSet<Result<(), StartError>>,
    _folder: tempfile::TempDir,
}

/// What a test may change before the start.
pub(crate) struct Plan {
    pub(crate) server: ServerConfig,
    pub(crate) auth: AuthConfig,
    pub(crate) readiness: Readiness,
}

impl TestEnv {
    pub(crate) async fn start() -> Self {
        Self::start_with(|_, _| {}).await
    }

    pub(crate) async fn start_with(change: impl FnOnce(&mut Plan, &Certificates)) -> Self {
        trace();
        let issuer = Issuer::start().await;
        let folder = tempfile::tempdir().unwrap();
        let certificates = Certificates::generate(folder.path()).unwrap();
        let mut plan = Plan {
            server: ServerConfig::loopback(),
            auth: AuthConfig::new(issuer.url(), AUDIENCE),
            readiness: Readiness::new(),
        };
        change(&mut plan, &certificates);
        let Plan {
            server,
            auth,
            readiness,
        } = plan;

        let listeners = Listeners::bind(&server).await.unwrap();
        let address = |listener: &tokio::net::TcpListener| listener.local_addr().unwrap();
        let (public, internal) = (address(&listeners.public), address(&listeners.internal));
        let admin = address(&listeners.metrics);
        let authenticator = Arc::new(Authenticator::start(&auth).await.unwrap());
        let tls = tls_of(&certificates, "intake");
        let (double, shutdown) = (Double::new(), CancellationToken::new());
        let metrics = Arc::new(Metrics::new());
        let mut serving = JoinSet::new();
        let exposed = Exposed {
            name: "intake",
            public: double.public(),
            internal: double.internal(),
        };
        let (ready, counted) = (readiness.clone(), Arc::clone(&metrics));
        let stop = shutdown.clone();
        serving.spawn(async move {
            serve(
                exposed,
                &server,
                &tls,
                Files::default(),
                authenticator,
                counted,
                ready,
                listeners,
                stop,
            )
            .await
        });
        Self {
            issuer,
            certificates,
            double,
            metrics,
            readiness,
            public,
            internal,
            admin,
            shutdown,
            serving,
            _folder: folder,
        }
    }

    pub(crate) async fn channel(&self) -> Channel {
        Channel::from_shared(format!("http://{}", self.public))
            .unwrap()
            .connect()
            .await
            .unwrap()
    }

    pub(crate) async fn deliveries(&self) -> DeliveryServiceClient<Channel> {
        DeliveryServiceClient::new(self.channel().await)
    }

    /// The token of an operator, who may call the double.
    pub(crate) fn operator(&self) -> String {
        self.issuer.token(&TokenSpec::of("olga").role("operator"))
    }

    /// Calls the double as an operator.
    pub(crate) async fn ask(&self, what: &str) -> Result<String, Status> {
        let token = self.operator();
        ask(&mut self.deliveries().await, &token, what).await
    }

    /// How the server ended.
    pub(crate) async fn ended(&mut self) -> Result<(), StartError> {
        self.serving.join_next().await.unwrap().unwrap()
    }

    pub(crate) async fn get(&self, path: &str) -> (u16, String) {
        let answer = reqwest::get(format!("http://{}{path}", self.admin))
            .await
            .unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    }
}

/// Calls the double with a token.
pub(crate) async fn ask(
    client: &mut DeliveryServiceClient<Channel>,
    token: &str,
    what: &str,
) -> Result<String, Status> {
    let answer = client.list_deliveries(question(token, what)).await?;
    let ListDeliveriesResponse {
        next_page_token, ..
    } = answer.into_inner();
    Ok(next_page_token)
}

pub(crate) fn question(token: &str, what: &str) -> Request<ListDeliveriesRequest> {
    let mut request = Request::new(ListDeliveriesRequest {
        page_token: what.to_owned(),
        ..Default::default()
    });
    request
        .metadata_mut()
        .insert("authorization", format!("Bearer {token}").parse().unwrap());
    request
}

pub(crate) fn tls_of(certificates: &Certificates, service: &str) -> InternalTlsConfig {
    InternalTlsConfig {
        cert_file: certificates.cert_file(service),
        key_file: certificates.key_file(service),
        ca_file: certificates.ca_file(),
    }
}

/// The reason of an error, for programs.
pub(crate) fn reason(status: &Status) -> String {
    let details = status.get_error_details();
    let info = details
        .error_info()
        .unwrap_or_else(|| panic!("no reason in {status:?}"));
    assert_eq!(info.domain, "vigie");
    info.reason.clone()
}

/// When the client is told to come back.
pub(crate) fn retry_delay(status: &Status) -> Option<Duration> {
    status.get_error_details().retry_info()?.retry_delay
}

static LOG: Mutex<Vec<u8>> = Mutex::new(Vec::new());

/// Everything that was logged by the suite's own code so far.
pub(crate) fn log() -> String {
    String::from_utf8(LOG.lock().unwrap().clone()).unwrap()
}

/// Keeps traces and logs for the whole process, once.
pub(crate) fn trace() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let spans = tracing_opentelemetry::layer()
            .with_tracer(SdkTracerProvider::builder().build().tracer("test"));
        let lines = tracing_subscriber::fmt::layer().json().with_writer(Lines);
        let ours = tracing_subscriber::filter::Targets::new()
            .with_target("platform", tracing::Level::TRACE);
        let subscriber = tracing_subscriber::registry()
            .with(spans)
            .with(lines.with_filter(ours));
        tracing::subscriber::set_global_default(subscriber).unwrap();
    });
}

struct Lines;

impl<'a> MakeWriter<'a> for Lines {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        Self
    }
}

impl std::io::Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        LOG.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

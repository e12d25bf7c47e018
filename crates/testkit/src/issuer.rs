//! An OpenID Connect issuer of local tokens, for development and tests alone: it asks
//! nobody for a password.

mod authorization;
mod authorize;
mod client;
mod discovery;
mod end_session;
mod grants;
mod id_token;
mod identity;
mod key;
mod language;
mod pages;
mod parameters;
mod token;
mod token_endpoint;

use std::{
    net::SocketAddr,
    path::PathBuf,
    sync::{
        Arc, Mutex, MutexGuard,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
};

use anyhow::Result;
use axum::{
    Router,
    extract::{Request, State},
    http::{HeaderValue, Method, StatusCode, header},
    middleware::{self, Next},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use time::{Duration, OffsetDateTime};
use tokio::net::TcpListener;
use tower_http::cors::{AllowOrigin, CorsLayer};

use self::client::loopback_url;
use self::grants::{CODE_LIFETIME, Grants};
use self::key::SigningKey;
pub use self::{
    client::CLIENT_ID,
    identity::{Bilingual, Identity},
    token::{AUDIENCE, Defect, TokenSpec},
};
use crate::background::Background;

/// An issuer on loopback, whose tokens the services accept when told its address.
#[derive(Debug)]
pub struct Issuer {
    inner: Arc<Inner>,
    _server: Background,
}

/// What an issuer may be told at its start.
#[derive(Debug, Clone, Default)]
pub struct IssuerOptions {
    /// The port; any free one by default.
    pub port: Option<u16>,
    /// A file for the signing key, made when absent, so that tokens survive a
    /// restart.
    pub key_file: Option<PathBuf>,
    /// Who can log in without a password: by name at the endpoint `/token`, or in a
    /// browser.
    pub identities: Vec<Identity>,
    /// How long a code of the browser's log-in is good; a minute by default.
    pub code_lifetime: Option<Duration>,
}

#[derive(Debug)]
struct Inner {
    url: String,
    /// The last one signs; all are published.
    keys: Mutex<Vec<SigningKey>>,
    identities: Vec<Identity>,
    code_lifetime: Duration,
    grants: Mutex<Grants>,
    down: AtomicBool,
    key_requests: AtomicU32,
}

impl Issuer {
    /// Starts an issuer on a free port with a new key.
    ///
    /// # Panics
    ///
    /// When it cannot listen.
    pub async fn start() -> Self {
        Self::start_with(IssuerOptions::default())
            .await
            .unwrap_or_else(|error| panic!("no issuer: {error:#}"))
    }

    /// Starts an issuer.
    pub async fn start_with(options: IssuerOptions) -> Result<Self> {
        let key = match &options.key_file {
            Some(file) => SigningKey::load_or_generate(file)?,
            None => SigningKey::generate()?,
        };
        let address = SocketAddr::from(([127, 0, 0, 1], options.port.unwrap_or(0)));
        let listener = TcpListener::bind(address).await?;
        let inner = Arc::new(Inner {
            url: format!("http://{}", listener.local_addr()?),
            keys: Mutex::new(vec![key]),
            identities: options.identities,
            code_lifetime: options.code_lifetime.unwrap_or(CODE_LIFETIME),
            grants: Mutex::default(),
            down: AtomicBool::new(false),
            key_requests: AtomicU32::new(0),
        });
        let routes = routes()
            .layer(middleware::from_fn(refuse_other_hosts))
            .layer(middleware::from_fn_with_state(
                Arc::clone(&inner),
                refuse_when_down,
            ))
            .with_state(Arc::clone(&inner));
        let server = Background::run(async move {
            if let Err(error) = axum::serve(listener, routes).await {
                tracing::error!(%error, "the issuer stopped");
            }
        });
        Ok(Self {
            inner,
            _server: server,
        })
    }

    /// The issuer's address, which is also the claim `iss`.
    pub fn url(&self) -> &str {
        &self.inner.url
    }

    /// A token with these claims.
    pub fn token(&self, spec: &TokenSpec) -> String {
        self.inner.token(spec)
    }

    /// A token that a service must refuse, for this reason alone.
    pub fn bad_token(&self, spec: &TokenSpec, defect: Defect) -> String {
        let inner = &self.inner;
        defect.token(spec, inner.signing_key(), inner.url.as_str(), now())
    }

    /// Signs with a new key from now on; the older ones stay published.
    ///
    /// # Panics
    ///
    /// When the machine gives no randomness.
    pub fn rotate(&self) {
        let key = SigningKey::generate().expect("the machine gives randomness");
        self.inner.keys().push(key);
    }

    /// Publishes the newest key alone, so that older tokens are worth nothing.
    pub fn retire_old_keys(&self) {
        let mut keys = self.inner.keys();
        let old = keys.len() - 1;
        keys.drain(..old);
    }

    /// Answers `503` to everything until [`Issuer::come_up`].
    pub fn go_down(&self) {
        self.inner.down.store(true, Ordering::SeqCst);
    }

    /// Answers again.
    pub fn come_up(&self) {
        self.inner.down.store(false, Ordering::SeqCst);
    }

    /// How often the keys were asked for, refusals while down included.
    pub fn key_requests(&self) -> u32 {
        self.inner.key_requests.load(Ordering::SeqCst)
    }
}

impl Inner {
    fn keys(&self) -> MutexGuard<'_, Vec<SigningKey>> {
        self.keys.lock().expect("no holder of this lock panics")
    }

    fn signing_key(&self) -> SigningKey {
        let keys = self.keys();
        keys.last().expect("there is always a key").clone()
    }

    fn token(&self, spec: &TokenSpec) -> String {
        spec.claims(&self.url, now()).sign(&self.signing_key())
    }

    fn identity(&self, subject: &str) -> Option<&Identity> {
        self.identities
            .iter()
            .find(|identity| identity.token.subject == subject)
    }

    fn grants(&self) -> MutexGuard<'_, Grants> {
        self.grants.lock().expect("no holder of this lock panics")
    }
}

fn routes() -> Router<Arc<Inner>> {
    let called_by_scripts = Router::new()
        .route(
            "/.well-known/openid-configuration",
            get(discovery::configuration),
        )
        .route("/jwks", get(discovery::published_keys))
        .route("/token", post(token_endpoint::exchange))
        .route("/revoke", post(token_endpoint::revoke))
        .layer(cors());
    Router::new()
        .route("/identities", get(discovery::list_identities))
        .route(
            "/authorize",
            get(authorize::show_login_page).post(authorize::log_in),
        )
        .route(
            "/logout",
            get(end_session::log_out).post(end_session::log_out_by_form),
        )
        .route("/style.css", get(pages::style))
        .merge(called_by_scripts)
}

/// Lets every page of this machine read, whatever its port. An issuer that anybody else
/// could reach would have to name its portals.
fn cors() -> CorsLayer {
    let is_local = |origin: &HeaderValue| {
        let origin = origin.to_str().ok();
        origin.is_some_and(|origin| loopback_url(origin).is_some())
    };
    CorsLayer::new()
        .allow_origin(AllowOrigin::predicate(move |origin, _| is_local(origin)))
        .allow_methods([Method::GET, Method::POST])
        .allow_headers([header::CONTENT_TYPE])
}

/// Refuses what was sent to another name: a foreign page whose name was made to point at
/// this machine would read the answers as its own.
async fn refuse_other_hosts(request: Request, next: Next) -> Response {
    let host = request.headers().get(header::HOST);
    let host = host.and_then(|host| host.to_str().ok()).unwrap_or_default();
    if loopback_url(&format!("http://{host}")).is_none() {
        return StatusCode::MISDIRECTED_REQUEST.into_response();
    }
    next.run(request).await
}

async fn refuse_when_down(
    State(inner): State<Arc<Inner>>,
    request: Request,
    next: Next,
) -> Response {
    if request.uri().path() == "/jwks" {
        inner.key_requests.fetch_add(1, Ordering::SeqCst);
    }
    if inner.down.load(Ordering::SeqCst) {
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    }
    next.run(request).await
}

#[expect(
    clippy::disallowed_methods,
    reason = "an issuer is outside the suite and has its own clock"
)]
fn now() -> OffsetDateTime {
    OffsetDateTime::now_utc()
}

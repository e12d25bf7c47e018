//! An OpenID Connect issuer of local tokens.

mod key;
mod token;

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
    Form, Json, Router,
    extract::{Request, State},
    http::StatusCode,
    middleware::{self, Next},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use serde::Deserialize;
use serde_json::{Value, json};
use time::OffsetDateTime;
use tokio::net::TcpListener;

use self::key::SigningKey;
pub use self::token::{AUDIENCE, Defect, TokenSpec};
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
    /// Who gets a token by name from the endpoint `/token`, without a password.
    pub identities: Vec<TokenSpec>,
}

#[derive(Debug)]
struct Inner {
    url: String,
    /// The last one signs; all are published.
    keys: Mutex<Vec<SigningKey>>,
    identities: Vec<TokenSpec>,
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
            down: AtomicBool::new(false),
            key_requests: AtomicU32::new(0),
        });
        let routes = Router::new()
            .route("/.well-known/openid-configuration", get(configuration))
            .route("/jwks", get(published_keys))
            .route("/token", post(exchange_name_for_token))
            .route("/identities", get(list_identities))
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
}

async fn configuration(State(inner): State<Arc<Inner>>) -> Json<Value> {
    let url = &inner.url;
    Json(json!({
        "issuer": url,
        "jwks_uri": format!("{url}/jwks"),
        "token_endpoint": format!("{url}/token"),
        "response_types_supported": ["token"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["ES256"],
    }))
}

async fn published_keys(State(inner): State<Arc<Inner>>) -> Json<Value> {
    let keys: Vec<Value> = inner.keys().iter().map(SigningKey::public).collect();
    Json(json!({ "keys": keys }))
}

async fn list_identities(State(inner): State<Arc<Inner>>) -> Json<Value> {
    let identities = inner.identities.iter().map(|spec| {
        json!({
            "identity": spec.subject,
            "roles": spec.roles,
            "region": spec.region,
            "structures": spec.structures,
        })
    });
    Json(identities.collect())
}

#[derive(Deserialize)]
struct Name {
    username: String,
}

async fn exchange_name_for_token(
    State(inner): State<Arc<Inner>>,
    Form(name): Form<Name>,
) -> Response {
    let known = inner.identities.iter().find(|i| i.subject == name.username);
    match known {
        Some(spec) => Json(json!({
            "access_token": inner.token(spec),
            "token_type": "Bearer",
            "expires_in": spec.lifetime.whole_seconds(),
        }))
        .into_response(),
        None => (
            StatusCode::BAD_REQUEST,
            Json(json!({ "error": "invalid_grant" })),
        )
            .into_response(),
    }
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

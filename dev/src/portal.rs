//! The browser portal as it was built, with the headers that whoever serves it should send.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use axum::extract::{Request, State};
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{Html, IntoResponse as _, Response};
use axum::routing::get;
use axum::{Json, Router};
use serde::Serialize;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tower_http::compression::CompressionLayer;
use tower_http::services::ServeDir;

/// Where the build puts files whose names change with their content.
const HASHED: &str = "/assets/";

/// The features of browsers that the portal does not use.
const PERMISSIONS: &str =
    "camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()";

/// Where the portal finds the suite: its `config.json`, which is served and not built, so
/// that one build serves every installation.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PortalConfig {
    /// The issuer of tokens.
    pub issuer: String,
    /// What the portal is called there.
    pub client_id: String,
    /// The public address of intake.
    pub intake: String,
    /// The public address of qualification.
    pub qualification: String,
    /// The public address of notification.
    pub notification: String,
    /// The public address of statistics.
    pub statistics: String,
}

/// A server of the portal's files.
pub struct Portal {
    listener: TcpListener,
    routes: Router,
}

impl Portal {
    /// Binds the listener; requests are answered once the portal runs.
    pub async fn bind(
        address: SocketAddr,
        folder: &Path,
        config: PortalConfig,
    ) -> anyhow::Result<Self> {
        let listener = TcpListener::bind(address).await;
        Ok(Self {
            listener: listener.with_context(|| format!("listening on {address}"))?,
            routes: routes(folder, config)?,
        })
    }

    /// Serves until the shutdown.
    pub async fn run(self, shutdown: CancellationToken) {
        tokio::select! {
            ended = axum::serve(self.listener, self.routes) => {
                if let Err(error) = ended {
                    tracing::error!(error.message = %error, "the server of the portal stopped");
                }
            }
            () = shutdown.cancelled() => {}
        }
    }
}

fn routes(folder: &Path, config: PortalConfig) -> anyhow::Result<Router> {
    let policy = HeaderValue::try_from(content_security_policy(&config))?;
    let index = get(page_of_route).with_state(folder.join("index.html"));
    Ok(Router::new()
        .route("/config.json", get(move || async { Json(config) }))
        .fallback_service(ServeDir::new(folder).fallback(index))
        .layer(CompressionLayer::new())
        .layer(middleware::from_fn_with_state(policy, add_headers)))
}

fn content_security_policy(config: &PortalConfig) -> String {
    let PortalConfig {
        issuer,
        client_id: _,
        intake,
        qualification,
        notification,
        statistics,
    } = config;
    format!(
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
         font-src 'self'; \
         connect-src 'self' {issuer} {intake} {qualification} {notification} {statistics}; \
         form-action 'self' {issuer}; frame-ancestors 'none'; base-uri 'none'; \
         require-trusted-types-for 'script'; trusted-types 'none'"
    )
}

/// Answers the addresses of the portal's own routes with its page. A missing file is not
/// found: a page in the place of a script would hide the cause.
async fn page_of_route(State(index): State<PathBuf>, request: Request) -> Response {
    let path = request.uri().path();
    let last = path.rsplit('/').next().unwrap_or_default();
    if path.starts_with(HASHED) || last.contains('.') {
        return StatusCode::NOT_FOUND.into_response();
    }
    match tokio::fs::read(index).await {
        Ok(page) => Html(page).into_response(),
        Err(error) => {
            tracing::warn!(error.message = %error, "the page of the portal cannot be read");
            StatusCode::NOT_FOUND.into_response()
        }
    }
}

async fn add_headers(State(policy): State<HeaderValue>, request: Request, next: Next) -> Response {
    let is_hashed = request.uri().path().starts_with(HASHED);
    let mut response = next.run(request).await;
    let is_there = response.status().is_success() || response.status() == StatusCode::NOT_MODIFIED;
    let caching = if is_hashed && is_there {
        "public, max-age=31536000, immutable"
    } else {
        "no-cache"
    };
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    for (name, value) in [
        (header::CACHE_CONTROL, caching),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (HeaderName::from_static("permissions-policy"), PERMISSIONS),
        (
            HeaderName::from_static("cross-origin-opener-policy"),
            "same-origin",
        ),
        (
            HeaderName::from_static("cross-origin-resource-policy"),
            "same-origin",
        ),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}

//! The gRPC server that every service runs.

mod access;
mod admin_server;
mod concurrency_limit;
mod config;
mod connections;
mod deadline;
mod handshake_timeout;
mod health;
mod listeners;
mod middleware;
mod process_metrics;
mod readiness;
mod request_body;
mod response_body;
mod rpc_metrics;
mod web;

use std::{sync::Arc, time::Duration};

use tokio_util::sync::CancellationToken;
use tonic::service::Routes;

pub use config::ServerConfig;
pub use listeners::Listeners;
pub use readiness::Readiness;

use crate::{
    Authenticator, Files, InternalTlsConfig, Metrics, Policy, StartError, Tasks, auth::Listener,
    tls,
};

use self::{
    concurrency_limit::ConcurrencyLimit, connections::Connections, health::Health,
    middleware::RpcMiddleware, rpc_metrics::RpcMetrics,
};

/// What a service offers.
#[derive(Debug)]
pub struct Exposed {
    /// The name of the service, as in `intake`.
    pub name: &'static str,
    /// For people and programs outside.
    pub public: Routes,
    /// For the other services.
    pub internal: Routes,
}

/// How much longer than the drain our own tasks may take to end.
const GRACE: Duration = Duration::from_secs(5);

/// Serves until the shutdown, then drains.
#[expect(
    clippy::too_many_arguments,
    reason = "each is a part of the world that a test replaces"
)]
pub async fn serve(
    exposed: Exposed,
    config: &ServerConfig,
    tls: &InternalTlsConfig,
    files: Files,
    authenticator: Arc<Authenticator>,
    metrics: Arc<Metrics>,
    readiness: Readiness,
    listeners: Listeners,
    shutdown: CancellationToken,
) -> Result<(), StartError> {
    authenticator.check_transport(config)?;
    let config = Arc::new(config.clone());
    let policy = Arc::new(Policy::from_descriptors(proto::FILE_DESCRIPTOR_SET)?);
    let public_tls = config.public_tls(&files)?;
    let internal_tls = tls::internal_server(tls, &files)?;
    let web = web::cors(&config)?;
    let (health, health_service) = Health::new(exposed.name);
    let mut public = exposed.public.add_service(health_service.clone());
    let internal = exposed.internal.add_service(health_service);
    if config.reflection {
        public = health::add_reflection(public, exposed.name, &policy)?;
    }

    let rpc_metrics = RpcMetrics::new(&metrics);
    process_metrics::register(
        &metrics,
        exposed.name,
        readiness.clone(),
        Arc::clone(&authenticator),
        public_tls
            .iter()
            .map(|tls| ("public", tls.clone()))
            .chain([("internal", internal_tls.clone())])
            .collect(),
    );
    let middleware = |listener, routes: Routes| RpcMiddleware {
        config: Arc::clone(&config),
        routes: routes.prepare(),
        listener,
        service: None,
        policy: Arc::clone(&policy),
        authenticator: Arc::clone(&authenticator),
        concurrency: ConcurrencyLimit::new(&config),
        rpc_metrics: rpc_metrics.clone(),
        shutdown: shutdown.clone(),
    };
    let public = Connections {
        socket: listeners.public,
        tls: public_tls,
        middleware: middleware(Listener::Public, public),
        web: Some(web),
    };
    let internal = Connections {
        socket: listeners.internal,
        tls: Some(internal_tls),
        middleware: middleware(Listener::Internal, internal),
        web: None,
    };

    let tasks = Tasks::new(shutdown.clone());
    tasks.spawn("public listener", public.run());
    tasks.spawn("internal listener", internal.run());
    let health = health.run(
        readiness.clone(),
        Arc::clone(&authenticator),
        shutdown.clone(),
    );
    tasks.spawn("readiness", health);
    tasks.spawn("files", files.run(shutdown.clone()));
    let stop = shutdown.clone();
    tasks.spawn(
        "issuer's keys",
        async move { authenticator.refresh(stop).await },
    );
    // Probes and the last scrape still hear of the drain.
    let (admin, drained) = (Tasks::new(shutdown.clone()), CancellationToken::new());
    let listening = admin_server::run(listeners.metrics, metrics, readiness, drained.clone());
    admin.spawn("metrics listener", listening);
    tracing::info!(service.name = exposed.name, "serving");

    shutdown.cancelled().await;
    let ended = tasks.join(config.drain() + GRACE).await;
    drained.cancel();
    ended.and(admin.join(GRACE).await)
}

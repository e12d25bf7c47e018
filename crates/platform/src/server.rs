//! The one server stack of all services.

mod access;
mod body;
mod call;
mod config;
mod connections;
mod health;
mod impatient;
mod listeners;
mod load;
mod monitor;
mod patience;
mod readiness;
mod red;
mod vitals;
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

use self::{call::Stack, connections::Connections, health::Health, load::Load, red::Red};

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
    let policy = Arc::new(Policy::from_descriptors(proto::FILE_DESCRIPTOR_SET)?);
    let public_tls = config.public_tls(&files)?;
    let internal_tls = tls::internal_server(tls, &files)?;
    let web = web::cors(config)?;
    let (health, health_service) = Health::new(exposed.name);
    let mut public = exposed.public.add_service(health_service.clone());
    let internal = exposed.internal.add_service(health_service);
    if config.reflection {
        public = health::add_reflection(public, exposed.name, &policy)?;
    }

    let red = Red::new(&metrics);
    vitals::tell(
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
    let stack = |listener, routes: Routes| Stack {
        routes: routes.prepare(),
        listener,
        service: None,
        policy: Arc::clone(&policy),
        authenticator: Arc::clone(&authenticator),
        load: Load::new(config),
        patience: config.patience(),
        red: red.clone(),
        shutdown: shutdown.clone(),
    };
    let public = Connections {
        socket: listeners.public,
        tls: public_tls,
        stack: stack(Listener::Public, public),
        web: Some(web),
        limits: config.limits(),
    };
    let internal = Connections {
        socket: listeners.internal,
        tls: Some(internal_tls),
        stack: stack(Listener::Internal, internal),
        web: None,
        limits: config.limits(),
    };

    let tasks = Tasks::new(shutdown.clone());
    tasks.spawn("public listener", public.run(shutdown.clone()));
    tasks.spawn("internal listener", internal.run(shutdown.clone()));
    tasks.spawn("readiness", health.run(readiness.clone(), shutdown.clone()));
    tasks.spawn("files", files.watch(shutdown.clone()));
    let stop = shutdown.clone();
    tasks.spawn(
        "issuer's keys",
        async move { authenticator.refresh(stop).await },
    );
    // Probes and the last scrape still hear of the drain.
    let (monitor, drained) = (Tasks::new(shutdown.clone()), CancellationToken::new());
    let listening = monitor::run(listeners.metrics, metrics, readiness, drained.clone());
    monitor.spawn("metrics listener", listening);
    tracing::info!(service.name = exposed.name, "serving");

    shutdown.cancelled().await;
    let ended = tasks.join(config.drain() + GRACE).await;
    drained.cancel();
    ended.and(monitor.join(GRACE).await)
}

//! The one server stack of all services.

mod config;
mod listeners;
mod readiness;

use std::sync::Arc;

use tokio_util::sync::CancellationToken;
use tonic::service::Routes;

pub use config::ServerConfig;
pub use listeners::Listeners;
pub use readiness::Readiness;

use crate::{Authenticator, InternalTlsConfig, Metrics, StartError};

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

/// Serves until the shutdown, then drains.
#[expect(clippy::too_many_arguments, reason = "each is a part of the world that a test replaces")]
pub async fn serve(
    exposed: Exposed,
    config: &ServerConfig,
    tls: &InternalTlsConfig,
    authenticator: Arc<Authenticator>,
    metrics: Arc<Metrics>,
    readiness: Readiness,
    listeners: Listeners,
    shutdown: CancellationToken,
) -> Result<(), StartError> {
    todo!("{exposed:?} {config:?} {tls:?} {authenticator:?} {metrics:?} {readiness:?} {listeners:?} {shutdown:?}")
}

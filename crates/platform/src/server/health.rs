//! Health as gRPC tells it, and reflection.

use std::time::Duration;

use tokio::time::{Instant, sleep_until, timeout};
use tokio_util::sync::CancellationToken;
use tonic::service::Routes;
use tonic_health::{
    ServingStatus,
    pb::health_server::{Health as HealthApi, HealthServer},
    server::HealthReporter,
};

use crate::{Readiness, StartError};

/// How often the database is asked, and how long it may take.
const PING: Duration = Duration::from_secs(1);
const PING_TIMEOUT: Duration = Duration::from_secs(2);

/// Tells by gRPC whether the service is ready.
pub(super) struct Health {
    name: &'static str,
    reporter: HealthReporter,
}

impl Health {
    pub(super) fn new(name: &'static str) -> (Self, HealthServer<impl HealthApi>) {
        let (reporter, service) = tonic_health::server::health_reporter();
        (Self { name, reporter }, service)
    }

    /// Follows the readiness and asks the database until the shutdown, then says that
    /// the service no longer serves.
    pub(super) async fn run(self, readiness: Readiness, shutdown: CancellationToken) {
        let mut changes = readiness.changes();
        let mut next_ping = Instant::now();
        loop {
            let status = if readiness.failing().is_empty() {
                ServingStatus::Serving
            } else {
                ServingStatus::NotServing
            };
            self.tell(status).await;
            tokio::select! {
                () = shutdown.cancelled() => break,
                Ok(()) = changes.changed() => {}
                () = sleep_until(next_ping) => {
                    next_ping = Instant::now() + PING;
                    readiness.ask_database(PING_TIMEOUT).await;
                }
            }
        }
        readiness.set("shutdown", Err("the service is draining".to_owned()));
        self.tell(ServingStatus::NotServing).await;
    }

    async fn tell(&self, status: ServingStatus) {
        self.reporter.set_service_status("", status).await;
        self.reporter.set_service_status(self.name, status).await;
    }
}

impl Readiness {
    async fn ask_database(&self, patience: Duration) {
        let Some(pool) = self.pool() else { return };
        let answer = timeout(patience, sqlx::query("select 1").execute(pool)).await;
        let state = match answer {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(_)) => Err("the database refuses".to_owned()),
            Err(_) => Err("the database does not answer".to_owned()),
        };
        self.set(Self::DATABASE, state);
    }
}

/// Lets clients ask for the contract.
pub(super) fn add_reflection(routes: Routes) -> Result<Routes, StartError> {
    let builder = || {
        tonic_reflection::server::Builder::configure()
            .register_encoded_file_descriptor_set(proto::FILE_DESCRIPTOR_SET)
            .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
    };
    let unusable = |cause| StartError::unusable("SERVER_REFLECTION", cause);
    let current = builder().build_v1().map_err(unusable)?;
    let earlier = builder().build_v1alpha().map_err(unusable)?;
    Ok(routes.add_service(current).add_service(earlier))
}

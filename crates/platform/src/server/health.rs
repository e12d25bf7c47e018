//! The gRPC health and reflection services.

use std::time::Duration;

use sqlx::{Connection as _, PgConnection, PgPool};
use tokio::time::{Instant, sleep_until, timeout};
use tokio_util::sync::CancellationToken;
use tonic::service::Routes;
use tonic_health::{
    ServingStatus,
    pb::health_server::{Health as HealthApi, HealthServer},
    server::HealthReporter,
};

use crate::{Policy, Readiness, StartError, auth::Listener};

/// The name under which clients ask for the contract of health.
const HEALTH: &str = "grpc.health.v1.Health";
/// How often the database is asked, and how long it may take.
const PING: Duration = Duration::from_secs(1);
const PING_TIMEOUT: Duration = Duration::from_secs(2);

/// Publishes the readiness by the gRPC health service.
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
        let (mut probe, mut next_ping) = (DatabaseProbe::default(), Instant::now());
        loop {
            let status = if readiness.failing().is_empty() {
                ServingStatus::Serving
            } else {
                ServingStatus::NotServing
            };
            self.publish(status).await;
            tokio::select! {
                () = shutdown.cancelled() => break,
                Ok(()) = changes.changed() => {}
                () = sleep_until(next_ping) => {
                    next_ping = Instant::now() + PING;
                    if let Some(pool) = readiness.pool() {
                        readiness.set(Readiness::DATABASE, probe.ask(pool).await);
                    }
                }
            }
        }
        readiness.set("shutdown", Err("the service is draining".to_owned()));
        self.publish(ServingStatus::NotServing).await;
    }

    async fn publish(&self, status: ServingStatus) {
        self.reporter.set_service_status("", status).await;
        self.reporter.set_service_status(self.name, status).await;
    }
}

/// Probes the database on a connection of its own, so that a busy pool does not make the
/// service unready.
#[derive(Default)]
struct DatabaseProbe {
    conn: Option<PgConnection>,
}

impl DatabaseProbe {
    async fn ask(&mut self, pool: &PgPool) -> Result<(), String> {
        let asked = timeout(PING_TIMEOUT, async {
            // Taken out, so that a connection that fails or hangs is not used again.
            let mut conn = match self.conn.take() {
                Some(conn) => conn,
                None => PgConnection::connect_with(&pool.connect_options()).await?,
            };
            conn.ping().await?;
            Ok::<_, sqlx::Error>(conn)
        });
        match asked.await {
            Ok(Ok(conn)) => {
                self.conn = Some(conn);
                Ok(())
            }
            Ok(Err(_)) => Err("the database refuses".to_owned()),
            Err(_) => Err("the database does not answer".to_owned()),
        }
    }
}

/// Lets clients ask for the contract of what this service offers to people: its own
/// package, and its consumers for operators.
pub(super) fn add_reflection(
    routes: Routes,
    name: &str,
    policy: &Policy,
) -> Result<Routes, StartError> {
    let packages = [format!("vigie.{name}."), "vigie.eventlog.".to_owned()];
    let offered = || {
        let public = policy.services(Listener::Public);
        let own = public.filter(|it| packages.iter().any(|package| it.starts_with(package)));
        own.chain([HEALTH])
    };
    let builder = || {
        let builder = tonic_reflection::server::Builder::configure()
            .register_encoded_file_descriptor_set(proto::FILE_DESCRIPTOR_SET)
            .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET);
        offered().fold(
            builder,
            tonic_reflection::server::Builder::with_service_name,
        )
    };
    let unusable = |cause| StartError::unusable("SERVER_REFLECTION", cause);
    let current = builder().build_v1().map_err(unusable)?;
    let earlier = builder().build_v1alpha().map_err(unusable)?;
    Ok(routes.add_service(current).add_service(earlier))
}

//! The gRPC health and reflection services.

use std::{sync::Arc, time::Duration};

use sqlx::{Connection as _, PgConnection, PgPool};
use tokio::time::{Instant, sleep_until, timeout};
use tokio_util::sync::CancellationToken;
use tonic::service::Routes;
use tonic_health::{
    ServingStatus,
    pb::health_server::{Health as HealthApi, HealthServer},
    server::HealthReporter,
};

use crate::{Authenticator, Policy, Readiness, StartError, auth::Listener};

/// The name under which clients ask for the contract of health.
const HEALTH: &str = "grpc.health.v1.Health";
/// How often the database is probed, and how long it may take.
const PROBE_EVERY: Duration = Duration::from_secs(1);
const PROBE_TIMEOUT: Duration = Duration::from_secs(2);
/// How old the connection of the probe gets: settings of the role or of the database, such
/// as `default_transaction_read_only`, reach new connections only.
const PROBE_CONNECTION_AGE: Duration = Duration::from_secs(10);

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

    /// Publishes each change of the readiness, and checks the database and the issuer's keys,
    /// until the shutdown; then publishes that the service no longer serves.
    pub(super) async fn run(
        self,
        readiness: Readiness,
        authenticator: Arc<Authenticator>,
        shutdown: CancellationToken,
    ) {
        let mut changes = readiness.changes();
        let (mut probe, mut next_probe) = (DatabaseProbe::default(), Instant::now());
        let (keys_read, mut has_keys) = (authenticator.keys_read(), false);
        tokio::pin!(keys_read);
        readiness.set(
            Readiness::ISSUER,
            Err("its keys were not read yet".to_owned()),
        );
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
                () = &mut keys_read, if !has_keys => {
                    has_keys = true;
                    readiness.set(Readiness::ISSUER, Ok(()));
                }
                () = sleep_until(next_probe) => {
                    next_probe = Instant::now() + PROBE_EVERY;
                    if let Some(pool) = readiness.pool() {
                        readiness.set(Readiness::DATABASE, probe.check(pool).await);
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
    conn: Option<(PgConnection, Instant)>,
}

impl DatabaseProbe {
    /// Tells whether the database can be written to.
    async fn check(&mut self, pool: &PgPool) -> Result<(), String> {
        if self
            .conn
            .as_ref()
            .is_none_or(|(_, made_at)| made_at.elapsed() > PROBE_CONNECTION_AGE)
            && let Ok(Ok(conn)) = timeout(
                PROBE_TIMEOUT,
                PgConnection::connect_with(&pool.connect_options()),
            )
            .await
        {
            self.conn = Some((conn, Instant::now()));
        }
        // Taken out, so that a connection that fails or hangs is not used again. One that
        // still answers is good, though no other can be made: so are those of the pool.
        let Some((mut conn, made_at)) = self.conn.take() else {
            return Err("the database refuses or does not answer".to_owned());
        };
        let setting = sqlx::query_scalar("show transaction_read_only");
        let setting: Result<String, _> =
            match timeout(PROBE_TIMEOUT, setting.fetch_one(&mut conn)).await {
                Ok(setting) => setting,
                Err(_) => return Err("the database does not answer".to_owned()),
            };
        let setting = setting.map_err(|_| "the database refuses".to_owned())?;
        self.conn = Some((conn, made_at));
        if setting == "on" {
            return Err("PostgreSQL is read-only".to_owned());
        }
        Ok(())
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

//! Metrics of the process: build, readiness, database connections, keys, certificates.

use std::sync::{Arc, atomic::AtomicU64};

use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{family::Family, gauge::Gauge},
};
use rustls::ServerConfig as TlsConfig;
use sqlx::PgPool;

use crate::{
    Authenticator, Metrics, Readiness, Watched,
    program::{REVISION, VERSION},
    tls::Tls,
};

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct BuildLabels {
    service: &'static str,
    version: &'static str,
    revision: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct CheckLabel {
    check: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct StateLabel {
    state: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ListenerLabel {
    listener: &'static str,
}

/// The metrics that every service exports about its process.
struct ProcessMetrics {
    build: Family<BuildLabels, Gauge>,
    checks: Family<CheckLabel, Gauge>,
    connections: Family<StateLabel, Gauge>,
    connections_max: Gauge,
    keys_age: Gauge<f64, AtomicU64>,
    certificate_ends: Family<ListenerLabel, Gauge>,
}

impl ProcessMetrics {
    fn new(metrics: &Metrics) -> Self {
        Self {
            build: metrics.register(
                "vigie_build_info",
                "What runs here; always 1",
                Family::default(),
            ),
            checks: metrics.register(
                "readiness_check",
                "Whether a check of the readiness is well",
                Family::default(),
            ),
            connections: metrics.register(
                "db_client_connection_count",
                "Connections to PostgreSQL of the pool that serves calls, by state",
                Family::default(),
            ),
            connections_max: metrics.register(
                "db_client_connection_max",
                "How many connections to PostgreSQL that pool may have",
                Gauge::default(),
            ),
            keys_age: metrics.register(
                "auth_issuer_keys_age_seconds",
                "How long ago the keys of the issuer were fetched; +Inf when they never were",
                Gauge::default(),
            ),
            certificate_ends: metrics.register(
                "tls_certificate_not_after_timestamp_seconds",
                "When the certificate in use ends, by listener",
                Family::default(),
            ),
        }
    }

    fn observe_pool(&self, pool: &PgPool) {
        let idle = i64::try_from(pool.num_idle()).unwrap_or(i64::MAX);
        let state = |state| self.connections.get_or_create_owned(&StateLabel { state });
        state("idle").set(idle);
        // The two are not read at one moment.
        state("used").set((i64::from(pool.size()) - idle).max(0));
        let max = pool.options().get_max_connections();
        self.connections_max.set(max.into());
    }
}

/// Registers the metrics of the process; they are read at each scrape.
pub(super) fn register(
    metrics: &Metrics,
    service: &'static str,
    readiness: Readiness,
    authenticator: Arc<Authenticator>,
    certificates: Vec<(&'static str, Watched<Tls<TlsConfig>>)>,
) {
    let process = ProcessMetrics::new(metrics);
    let labels = BuildLabels {
        service,
        version: VERSION,
        revision: REVISION,
    };
    process.build.get_or_create(&labels).set(1);
    metrics.on_reading(move || {
        for (check, is_well) in readiness.states() {
            let check = process.checks.get_or_create_owned(&CheckLabel { check });
            check.set(is_well.into());
        }
        if let Some(pool) = readiness.pool() {
            process.observe_pool(pool);
        }
        let age = authenticator.keys_age();
        process
            .keys_age
            .set(age.map_or(f64::INFINITY, |age| age.as_secs_f64()));
        for (listener, certificate) in &certificates {
            let listener = ListenerLabel { listener };
            if let Some(ends_at) = certificate.current().ends_at {
                let ends = process.certificate_ends.get_or_create_owned(&listener);
                ends.set(ends_at);
            } else {
                process.certificate_ends.remove(&listener);
            }
        }
    });
}

//! Metrics of the process: build, readiness, database connections, keys, certificates.

use std::sync::{Arc, atomic::AtomicU64};

use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{family::Family, gauge::Gauge},
};
use rustls::ServerConfig as TlsConfig;

use crate::{
    Authenticator, Metrics, Readiness, Watched,
    program::{REVISION, VERSION},
    tls::Tls,
};

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct BuildLabels {
    service: &'static str,
    version: &'static str,
    revision: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct CheckLabel {
    check: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct StateLabel {
    state: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ListenerLabel {
    listener: &'static str,
}

/// Registers the metrics of the process; they are read at each scrape.
pub(super) fn register(
    metrics: &Metrics,
    service: &'static str,
    readiness: Readiness,
    authenticator: Arc<Authenticator>,
    certificates: Vec<(&'static str, Watched<Tls<TlsConfig>>)>,
) {
    let build: Family<BuildLabels, Gauge> = metrics.register(
        "vigie_build_info",
        "What runs here; always 1",
        Family::default(),
    );
    let labels = BuildLabels {
        service,
        version: VERSION,
        revision: REVISION,
    };
    build.get_or_create(&labels).set(1);
    let checks: Family<CheckLabel, Gauge> = metrics.register(
        "readiness_check",
        "Whether a check of the readiness is well",
        Family::default(),
    );
    let connections: Family<StateLabel, Gauge> = metrics.register(
        "db_client_connection_count",
        "Connections to PostgreSQL of the pool that serves calls, by state",
        Family::default(),
    );
    let connections_max: Gauge = metrics.register(
        "db_client_connection_max",
        "How many connections to PostgreSQL that pool may have",
        Gauge::default(),
    );
    let keys_age: Gauge<f64, AtomicU64> = metrics.register(
        "auth_issuer_keys_age_seconds",
        "How long ago the keys of the issuer were fetched; +Inf when they never were",
        Gauge::default(),
    );
    let certificate_ends: Family<ListenerLabel, Gauge> = metrics.register(
        "tls_certificate_not_after_timestamp_seconds",
        "When the certificate in use ends, by listener",
        Family::default(),
    );
    metrics.on_reading(move || {
        for (check, is_well) in readiness.states() {
            let check = checks.get_or_create_owned(&CheckLabel { check });
            check.set(is_well.into());
        }
        if let Some(pool) = readiness.pool() {
            let idle = i64::try_from(pool.num_idle()).unwrap_or(i64::MAX);
            let state = |state| connections.get_or_create_owned(&StateLabel { state });
            state("idle").set(idle);
            // The two are not read at one moment.
            state("used").set((i64::from(pool.size()) - idle).max(0));
            connections_max.set(pool.options().get_max_connections().into());
        }
        let age = authenticator.keys_age();
        keys_age.set(age.map_or(f64::INFINITY, |age| age.as_secs_f64()));
        for (listener, certificate) in &certificates {
            let listener = ListenerLabel { listener };
            if let Some(ends_at) = certificate.current().ends_at {
                certificate_ends.get_or_create_owned(&listener).set(ends_at);
            } else {
                certificate_ends.remove(&listener);
            }
        }
    });
}

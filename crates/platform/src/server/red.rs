//! Rate, errors and duration of calls, by the conventions of OpenTelemetry.

use std::time::Duration;

use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{family::Family, gauge::Gauge, histogram::Histogram},
    registry::Unit,
};
use tonic::Code;

use crate::Metrics;

/// The upper bounds of the durations, in seconds.
const BOUNDS: [f64; 13] = [
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0,
];

/// The metrics of all calls of a service.
#[derive(Debug, Clone)]
pub(super) struct Red {
    duration: Family<Labels, Histogram, fn() -> Histogram>,
    active: Gauge,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
#[expect(
    clippy::struct_field_names,
    reason = "these are the names of the convention"
)]
struct Labels {
    rpc_service: String,
    rpc_method: String,
    rpc_grpc_status_code: i32,
}

impl Red {
    pub(super) fn new(metrics: &Metrics) -> Self {
        let histogram: fn() -> Histogram = || Histogram::new(BOUNDS);
        Self {
            duration: metrics.register_with_unit(
                "rpc_server_duration",
                "How long calls took, by service, method and status",
                Unit::Seconds,
                Family::new_with_constructor(histogram),
            ),
            active: metrics.register(
                "rpc_server_active_requests",
                "How many calls run now",
                Gauge::default(),
            ),
        }
    }

    pub(super) fn started(&self) {
        self.active.inc();
    }

    pub(super) fn ended(&self, service: &str, method: &str, code: Code, took: Duration) {
        self.active.dec();
        let labels = Labels {
            rpc_service: service.to_owned(),
            rpc_method: method.to_owned(),
            rpc_grpc_status_code: code as i32,
        };
        self.duration
            .get_or_create(&labels)
            .observe(took.as_secs_f64());
    }
}

//! Rate, errors and duration of calls, by the conventions of OpenTelemetry.

use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{exemplar::HistogramWithExemplars, family::Family, gauge::Gauge},
    registry::Unit,
};
use tonic::Code;

use crate::Metrics;

use super::response_body::CallMetrics;

/// The upper bounds of the durations, in seconds.
const BOUNDS: [f64; 13] = [
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0,
];

/// The metrics of all calls of a service.
#[derive(Debug, Clone)]
pub(super) struct RpcMetrics {
    duration:
        Family<Labels, HistogramWithExemplars<Example>, fn() -> HistogramWithExemplars<Example>>,
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

/// The trace of a call that took as long as its bucket says.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Example {
    trace_id: String,
}

impl RpcMetrics {
    pub(super) fn new(metrics: &Metrics) -> Self {
        let histogram: fn() -> HistogramWithExemplars<Example> =
            || HistogramWithExemplars::new(BOUNDS.into_iter());
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

    pub(super) fn ended(&self, call: &CallMetrics, code: Code) {
        self.active.dec();
        let labels = Labels {
            rpc_service: call.service.clone(),
            rpc_method: call.method.clone(),
            rpc_grpc_status_code: code as i32,
        };
        let example = call.kept_trace.clone();
        self.duration.get_or_create(&labels).observe(
            call.started.elapsed().as_secs_f64(),
            example.map(|trace_id| Example { trace_id }),
            None,
        );
    }
}

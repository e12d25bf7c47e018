//! The HTTP server of metrics and probes.

use std::sync::Arc;

use axum::{
    Router,
    extract::State,
    http::{StatusCode, header},
    response::IntoResponse,
    routing::get,
};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::{Metrics, Readiness};

/// The content type of the text format that Prometheus reads.
const OPENMETRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

#[derive(Clone)]
struct Shared {
    metrics: Arc<Metrics>,
    readiness: Readiness,
}

/// Serves until `end`, which comes after the drain, so that probes and the last scrape see it.
pub(super) async fn run(
    socket: TcpListener,
    metrics: Arc<Metrics>,
    readiness: Readiness,
    end: CancellationToken,
) {
    let routes = Router::new()
        .route("/metrics", get(export_metrics))
        .route("/livez", get(|| async { "alive\n" }))
        .route("/readyz", get(report_readiness))
        .with_state(Shared { metrics, readiness });
    let serving = axum::serve(socket, routes);
    if let Some(Err(cause)) = end.run_until_cancelled(serving.into_future()).await {
        tracing::error!(error.message = %cause, "the metrics listener failed");
    }
}

async fn export_metrics(State(shared): State<Shared>) -> impl IntoResponse {
    (
        [(header::CONTENT_TYPE, OPENMETRICS)],
        shared.metrics.encode(),
    )
}

async fn report_readiness(State(shared): State<Shared>) -> impl IntoResponse {
    let failing = shared.readiness.failing();
    if failing.is_empty() {
        return (StatusCode::OK, "ready\n".to_owned());
    }
    let lines = failing
        .iter()
        .map(|(check, state)| format!("{check}: {state}\n"));
    (StatusCode::SERVICE_UNAVAILABLE, lines.collect())
}

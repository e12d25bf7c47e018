//! Logs and traces of the process.

use std::{path::PathBuf, time::Duration};

use opentelemetry::trace::TracerProvider as _;
use opentelemetry_otlp::{WithExportConfig as _, WithTonicConfig as _};
use opentelemetry_sdk::{
    Resource,
    trace::{Sampler, SdkTracerProvider},
};
use serde::Deserialize;
use tonic::transport::{Certificate, ClientTlsConfig};
use tracing::level_filters::LevelFilter;
use tracing_subscriber::{
    EnvFilter, Layer as _,
    filter::{FilterExt as _, Targets, dynamic_filter_fn},
    layer::SubscriberExt as _,
    util::SubscriberInitExt as _,
};

use crate::{StartError, read_authority};

/// How the process tells what it does (`TELEMETRY_*`).
#[derive(Debug, Clone, Deserialize)]
pub struct TelemetryConfig {
    /// The form of the log lines.
    #[serde(default)]
    pub log_format: LogFormat,
    /// Which log lines are written, in the syntax of `tracing`.
    #[serde(default = "log_filter")]
    pub log_filter: String,
    /// Where spans are sent by OTLP over gRPC; nowhere when unset.
    pub otlp_endpoint: Option<String>,
    /// The authorities that signed the certificates of the collector, in PEM; those of the
    /// system when unset.
    pub otlp_ca_file: Option<PathBuf>,
    /// The share of new traces that are sampled, from 0 to 1.
    #[serde(default = "sample_ratio")]
    pub sample_ratio: f64,
}

/// The form of the log lines.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// One JSON object per line, with dotted fields.
    #[default]
    Json,
    /// For a person at a terminal.
    Human,
}

fn log_filter() -> String {
    "info".to_owned()
}

fn sample_ratio() -> f64 {
    1.0
}

/// The running telemetry, which must be shut down to send its last spans.
#[derive(Debug)]
#[must_use = "the last spans are lost unless it is shut down"]
pub struct Telemetry {
    provider: SdkTracerProvider,
}

/// Libraries that say too much when asked for details.
const DISCREET: [&str; 8] = [
    "h2",
    "hyper",
    "hyper_util",
    "reqwest",
    "rustls",
    "sqlx",
    "tonic",
    "tower",
];

/// How long the last spans may take to leave.
const FLUSH: Duration = Duration::from_secs(5);

impl Telemetry {
    /// Starts the telemetry of the process, once.
    ///
    /// Traces have identifiers and are passed on even when no span is exported.
    pub fn start(config: &TelemetryConfig, service: &'static str) -> Result<Self, StartError> {
        let filter = EnvFilter::try_new(&config.log_filter)
            .map_err(|cause| StartError::unusable("TELEMETRY_LOG_FILTER", cause))?;
        let lines = match config.log_format {
            LogFormat::Json => tracing_subscriber::fmt::layer()
                .json()
                .flatten_event(true)
                .with_span_list(false)
                .with_writer(std::io::stderr)
                .boxed(),
            LogFormat::Human => tracing_subscriber::fmt::layer()
                .with_writer(std::io::stderr)
                .boxed(),
        };

        // However much is asked for: below these levels they write headers, and with them
        // tokens, or the parameters of statements.
        let discreet = Targets::new()
            .with_default(LevelFilter::TRACE)
            .with_targets(DISCREET.map(|library| (library, LevelFilter::INFO)))
            // It warns at every try, and calls an error what is only away: the event log
            // says so once.
            .with_target("redis", LevelFilter::OFF)
            // It quotes what it does not know of an address.
            .with_target("sqlx_postgres::options", LevelFilter::OFF);

        let provider = provider(config, service)?;
        // Spans of libraries below us would multiply the cost of a trace.
        let ours = Targets::new()
            .with_default(LevelFilter::INFO)
            .with_targets(DISCREET.map(|library| (library, LevelFilter::OFF)));
        // A library that only asks whether it would be heard leaves the answer behind, and
        // what is never asked for itself, being always heard, would take it for its own.
        let asked_anew = dynamic_filter_fn(|_, _| true).with_max_level_hint(LevelFilter::INFO);
        let spans = tracing_opentelemetry::layer()
            .with_tracer(provider.tracer("vigie"))
            .with_location(false)
            .with_threads(false)
            .with_filter(ours.and(asked_anew));
        tracing_subscriber::registry()
            .with(lines.with_filter(filter.and(discreet)))
            .with(spans)
            .try_init()
            .map_err(|cause| StartError::unusable("telemetry", cause))?;
        log_panics();
        Ok(Self { provider })
    }

    /// Sends the last spans, within a few seconds.
    pub async fn shutdown(self) {
        let flushed =
            tokio::task::spawn_blocking(move || self.provider.shutdown_with_timeout(FLUSH)).await;
        if !matches!(flushed, Ok(Ok(()))) {
            tracing::warn!("the last spans could not be sent");
        }
    }
}

/// Logs where the process panics, and not what the panic says: it may quote anything.
fn log_panics() {
    std::panic::set_hook(Box::new(|panic| {
        let place = panic
            .location()
            .map(ToString::to_string)
            .unwrap_or_default();
        tracing::error!(
            code.location = place,
            "the program panicked: this is a defect"
        );
    }));
}

fn provider(
    config: &TelemetryConfig,
    service: &'static str,
) -> Result<SdkTracerProvider, StartError> {
    if !(0.0..=1.0).contains(&config.sample_ratio) {
        return Err(StartError::unusable(
            "TELEMETRY_SAMPLE_RATIO",
            "not between 0 and 1",
        ));
    }
    let ratio = Sampler::TraceIdRatioBased(config.sample_ratio);
    let builder = SdkTracerProvider::builder()
        .with_sampler(Sampler::ParentBased(Box::new(ratio)))
        .with_resource(
            Resource::builder()
                .with_service_name(format!("vigie-{service}"))
                .build(),
        );
    let Some(endpoint) = &config.otlp_endpoint else {
        return Ok(builder.build());
    };
    let mut exporter = opentelemetry_otlp::SpanExporter::builder()
        .with_tonic()
        .with_endpoint(endpoint)
        .with_timeout(Duration::from_secs(5));
    if let Some(file) = &config.otlp_ca_file {
        let authorities = read_authority("TELEMETRY_OTLP_CA_FILE", file)?;
        let authorities = Certificate::from_pem(authorities);
        exporter = exporter.with_tls_config(ClientTlsConfig::new().ca_certificate(authorities));
    }
    let exporter = exporter
        .build()
        .map_err(|cause| StartError::unusable("TELEMETRY_OTLP_ENDPOINT", cause))?;
    Ok(builder.with_batch_exporter(exporter).build())
}

//! A receiver of traces that keeps what it gets.

use std::{
    collections::BTreeMap,
    fmt::Write,
    sync::{Arc, Mutex, MutexGuard},
};

use opentelemetry_proto::tonic::{
    collector::trace::v1::{
        ExportTraceServiceRequest, ExportTraceServiceResponse,
        trace_service_server::{TraceService, TraceServiceServer},
    },
    common::v1::{KeyValue, any_value::Value},
};
use tokio::net::TcpListener;
use tokio_stream::wrappers::TcpListenerStream;
use tonic::{Request, Response, Status, transport::Server};

use crate::{background::Background, eventually_some};

/// A server on loopback that takes traces in OTLP by gRPC and keeps them.
#[derive(Debug)]
pub struct OtlpReceiver {
    endpoint: String,
    spans: Arc<Spans>,
    _server: Background,
}

/// A span as it was received.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReceivedSpan {
    /// The trace, as 32 lower-case hexadecimal digits.
    pub trace_id: String,
    /// The span, as 16 lower-case hexadecimal digits.
    pub span_id: String,
    /// The span above, unless this one is the first of its trace.
    pub parent_span_id: Option<String>,
    /// The spans that this one follows without being below them.
    pub links: Vec<String>,
    /// What the span is called.
    pub name: String,
    /// The attribute `service.name` of whoever sent it.
    pub service: String,
    /// The attributes, each as text.
    pub attributes: BTreeMap<String, String>,
    /// What happened during it: the name and the attributes of each event.
    pub events: Vec<(String, BTreeMap<String, String>)>,
}

#[derive(Debug, Default)]
struct Spans(Mutex<Vec<ReceivedSpan>>);

impl OtlpReceiver {
    /// Starts a receiver on a free port.
    ///
    /// # Panics
    ///
    /// When it cannot listen.
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0")
            .await
            .expect("loopback has a free port");
        let address = listener
            .local_addr()
            .expect("a bound listener has an address");
        let spans = Arc::new(Spans::default());
        let service = TraceServiceServer::from_arc(Arc::clone(&spans));
        let server = Background::run(async move {
            let served = Server::builder()
                .add_service(service)
                .serve_with_incoming(TcpListenerStream::new(listener))
                .await;
            if let Err(error) = served {
                tracing::error!(%error, "the receiver of traces stopped");
            }
        });
        Self {
            endpoint: format!("http://{address}"),
            spans,
            _server: server,
        }
    }

    /// Where traces are to be sent.
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// Every span received so far.
    pub fn spans(&self) -> Vec<ReceivedSpan> {
        self.spans.lock().clone()
    }

    /// Waits for a span of this kind, and returns the first.
    ///
    /// # Panics
    ///
    /// When none comes within twenty seconds.
    #[track_caller]
    pub fn wait_for(
        &self,
        wanted: impl Fn(&ReceivedSpan) -> bool,
    ) -> impl Future<Output = ReceivedSpan> {
        eventually_some(async move || self.spans().into_iter().find(&wanted))
    }
}

impl Spans {
    fn lock(&self) -> MutexGuard<'_, Vec<ReceivedSpan>> {
        self.0.lock().expect("no holder of this lock panics")
    }
}

#[tonic::async_trait]
impl TraceService for Spans {
    async fn export(
        &self,
        request: Request<ExportTraceServiceRequest>,
    ) -> Result<Response<ExportTraceServiceResponse>, Status> {
        let mut kept = self.lock();
        for sent in request.into_inner().resource_spans {
            let resource = texts(sent.resource.map(|r| r.attributes).unwrap_or_default());
            let service = resource.get("service.name").cloned().unwrap_or_default();
            for span in sent.scope_spans.into_iter().flat_map(|scope| scope.spans) {
                kept.push(ReceivedSpan {
                    trace_id: hex(&span.trace_id),
                    span_id: hex(&span.span_id),
                    parent_span_id: Some(hex(&span.parent_span_id)).filter(|id| !id.is_empty()),
                    links: span.links.iter().map(|link| hex(&link.span_id)).collect(),
                    name: span.name,
                    service: service.clone(),
                    attributes: texts(span.attributes),
                    events: span
                        .events
                        .into_iter()
                        .map(|event| (event.name, texts(event.attributes)))
                        .collect(),
                });
            }
        }
        Ok(Response::new(ExportTraceServiceResponse::default()))
    }
}

fn texts(attributes: Vec<KeyValue>) -> BTreeMap<String, String> {
    let text = |attribute: KeyValue| {
        let value = attribute.value.and_then(|value| value.value);
        let text = match value {
            Some(Value::StringValue(text)) => text,
            Some(Value::BoolValue(value)) => value.to_string(),
            Some(Value::IntValue(value)) => value.to_string(),
            Some(Value::DoubleValue(value)) => value.to_string(),
            other => format!("{other:?}"),
        };
        (attribute.key, text)
    };
    attributes.into_iter().map(text).collect()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").expect("a string takes every text");
        text
    })
}

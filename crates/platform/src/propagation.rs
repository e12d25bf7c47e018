//! How a trace goes from one service to the next: the W3C trace context.

use std::collections::HashMap;

use opentelemetry::{Context, propagation::TextMapPropagator as _, trace::TraceContextExt as _};
use opentelemetry_sdk::propagation::TraceContextPropagator;
use tracing::Span;
use tracing_opentelemetry::OpenTelemetrySpanExt as _;

const TRACEPARENT: &str = "traceparent";
const TRACE_ID: &str = "trace_id";

/// The trace context of the current span, to be stored with an event or sent along.
pub fn traceparent() -> Option<String> {
    let mut carrier: HashMap<String, String> = HashMap::new();
    TraceContextPropagator::new().inject_context(&Span::current().context(), &mut carrier);
    carrier.remove(TRACEPARENT)
}

/// Sets the parent of a span that was just created, if the trace context can be read, and
/// records the trace in its field `trace_id` for log lines.
pub fn set_parent(span: &Span, traceparent: Option<&str>) {
    if let Some(traceparent) = traceparent {
        adopt_context(span, traceparent);
    }
    if let Some(trace_id) = trace_id_of(span) {
        span.record(TRACE_ID, trace_id);
    }
}

fn adopt_context(span: &Span, traceparent: &str) {
    let carrier = HashMap::from([(TRACEPARENT.to_owned(), traceparent.to_owned())]);
    let parent = TraceContextPropagator::new().extract_with_context(&Context::new(), &carrier);
    if parent.span().span_context().is_valid() && span.set_parent(parent).is_err() {
        tracing::debug!("a span was entered before its parent was set; its trace is broken");
    }
}

/// The identifier of the current trace, in 32 hexadecimal digits.
pub(crate) fn trace_id() -> Option<String> {
    trace_id_of(&Span::current())
}

/// The identifier of the span's trace, in 32 hexadecimal digits.
pub(crate) fn trace_id_of(span: &Span) -> Option<String> {
    let context = span.context();
    let context = context.span().span_context().clone();
    context.is_valid().then(|| context.trace_id().to_string())
}

/// Whether the trace of the span is sampled: kept, where somebody collects.
pub(crate) fn is_sampled(span: &Span) -> bool {
    span.context().span().span_context().is_sampled()
}

#[cfg(test)]
mod tests {
    use opentelemetry::trace::TracerProvider as _;
    use opentelemetry_sdk::trace::SdkTracerProvider;
    use tracing_subscriber::layer::SubscriberExt as _;

    use super::*;

    fn with_tracing(story: impl FnOnce()) {
        let provider = SdkTracerProvider::builder().build();
        let layer = tracing_opentelemetry::layer().with_tracer(provider.tracer("test"));
        tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), story);
    }

    #[test]
    fn a_trace_goes_round_through_its_text_form() {
        with_tracing(|| {
            let first = tracing::info_span!("first");
            let (text, id) = first.in_scope(|| (traceparent().unwrap(), trace_id().unwrap()));
            assert!(text.contains(&id));

            let second = tracing::info_span!(parent: None, "second");
            set_parent(&second, Some(&text));
            assert_eq!(second.in_scope(trace_id), Some(id));
        });
    }

    #[test]
    fn a_broken_trace_context_starts_a_new_trace() {
        with_tracing(|| {
            let span = tracing::info_span!("span");
            set_parent(&span, Some("00-nonsense-01"));
            assert!(span.in_scope(trace_id).is_some());
        });
    }

    #[test]
    fn without_a_span_there_is_nothing_to_pass_on() {
        assert_eq!(traceparent(), None);
    }
}

//! The receiver of traces keeps its promises.

use opentelemetry_proto::tonic::{
    collector::trace::v1::{ExportTraceServiceRequest, trace_service_client::TraceServiceClient},
    common::v1::{AnyValue, KeyValue, any_value::Value},
    resource::v1::Resource,
    trace::v1::{ResourceSpans, ScopeSpans, Span},
};
use testkit::OtlpReceiver;

fn attribute(key: &str, value: Value) -> KeyValue {
    KeyValue {
        key: key.to_owned(),
        value: Some(AnyValue { value: Some(value) }),
        ..KeyValue::default()
    }
}

#[tokio::test]
async fn a_span_is_kept_with_its_place_in_the_trace() {
    let receiver = OtlpReceiver::start().await;
    let mut client = TraceServiceClient::connect(receiver.endpoint().to_owned())
        .await
        .unwrap();
    let span = |id: u8, parent: Vec<u8>, name: &str| Span {
        trace_id: vec![0xab; 16],
        span_id: vec![id; 8],
        parent_span_id: parent,
        name: name.to_owned(),
        attributes: vec![attribute("attempt", Value::IntValue(2))],
        ..Span::default()
    };

    let request = ExportTraceServiceRequest {
        resource_spans: vec![ResourceSpans {
            resource: Some(Resource {
                attributes: vec![attribute(
                    "service.name",
                    Value::StringValue("intake".into()),
                )],
                ..Resource::default()
            }),
            scope_spans: vec![ScopeSpans {
                spans: vec![span(1, vec![], "above"), span(2, vec![1; 8], "below")],
                ..ScopeSpans::default()
            }],
            ..ResourceSpans::default()
        }],
    };
    client.export(request).await.unwrap();

    let above = receiver.wait_for(|span| span.name == "above").await;
    let below = receiver.wait_for(|span| span.name == "below").await;
    assert_eq!(above.parent_span_id, None);
    assert_eq!(below.parent_span_id, Some(above.span_id));
    assert_eq!(below.trace_id, "ab".repeat(16));
    assert_eq!(below.service, "intake");
    assert_eq!(below.attributes["attempt"], "2");
    assert_eq!(receiver.spans().len(), 2);
}

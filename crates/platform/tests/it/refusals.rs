//! What fails, and what clients and the log learn of it.

use proto::notification::v1::RetryDeliveryRequest;
use tonic::{Code, Request};

use crate::env::{TestEnv, ask, log, question, reason};

#[tokio::test]
async fn a_panic_fails_its_own_call_only_and_tells_nothing() {
    let env = TestEnv::start().await;
    let token = env.operator();
    let mut client = env.deliveries().await;
    let status = ask(&mut client, &token, "panic").await.unwrap_err();
    assert_eq!(
        (status.code(), status.message()),
        (Code::Internal, "erreur interne")
    );

    assert_eq!(ask(&mut client, &token, "caller").await.unwrap(), "olga");
    assert!(log().contains("a handler panicked"));
    assert!(!log().contains("a secret of the caller"));
}

#[tokio::test]
async fn a_fault_is_told_to_the_log_with_its_cause_and_not_to_the_client() {
    let env = TestEnv::start().await;
    let status = env.ask("fault told once").await.unwrap_err();
    assert_eq!(
        (status.code(), status.message()),
        (Code::Internal, "erreur interne")
    );
    let told = log().matches("a secret told once").count();
    assert_eq!(told, 1, "logged once, where it is handled");
}

#[tokio::test]
async fn a_refusal_reaches_the_client_with_its_reason() {
    let env = TestEnv::start().await;
    let mut request = Request::new(RetryDeliveryRequest::default());
    let bearer = format!("Bearer {}", env.operator());
    request
        .metadata_mut()
        .insert("authorization", bearer.parse().unwrap());
    let status = env
        .deliveries()
        .await
        .retry_delivery(request)
        .await
        .unwrap_err();
    assert_eq!(status.code(), Code::FailedPrecondition);
    assert_eq!(reason(&status), "WRONG_STATE");
}

#[tokio::test]
async fn calls_are_counted_by_service_method_and_status() {
    let env = TestEnv::start().await;
    env.ask("caller").await.unwrap();
    env.ask("fault").await.unwrap_err();
    let counted = |code: u8| {
        format!(
            "rpc_server_duration_seconds_count{{rpc_service=\"vigie.notification.v1.DeliveryService\",\
             rpc_method=\"ListDeliveries\",rpc_grpc_status_code=\"{code}\"}} 1"
        )
    };
    testkit::eventually(async || {
        let (_, metrics) = env.get("/metrics").await;
        metrics.contains(&counted(0))
            && metrics.contains(&counted(13))
            && metrics.contains("rpc_server_active_requests 0")
    })
    .await;
}

#[tokio::test]
async fn the_trace_of_the_client_goes_on_in_the_handler() {
    let env = TestEnv::start().await;
    let mut request = question(&env.operator(), "trace");
    let trace = "0af7651916cd43dd8448eb211c80319c";
    let parent = format!("00-{trace}-b7ad6b7169203331-01");
    request
        .metadata_mut()
        .insert("traceparent", parent.parse().unwrap());
    let answer = env
        .deliveries()
        .await
        .list_deliveries(request)
        .await
        .unwrap();
    let seen = answer.into_inner().next_page_token;
    assert!(seen.contains(trace), "{seen}");
    assert_ne!(seen, parent, "the handler has a span of its own");

    let example = format!("# {{trace_id=\"{trace}\"}} ");
    testkit::eventually(async || env.get("/metrics").await.1.contains(&example)).await;
}

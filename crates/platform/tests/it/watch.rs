//! Streams that stay open, and when they must not.

use proto::notification::v1::{
    WatchRequest, WatchResponse, notification_service_client::NotificationServiceClient,
};
use testkit::TokenSpec;
use time::Duration;
use tonic::{Code, Request, Status, Streaming};

use crate::env::{TestEnv, log, reason};

async fn watch(env: &TestEnv, spec: &TokenSpec, cursor: &str) -> Streaming<WatchResponse> {
    let mut request = Request::new(WatchRequest {
        cursor: cursor.to_owned(),
        ..Default::default()
    });
    let mut client = NotificationServiceClient::new(env.channel().await);
    // Last: some of them do not live long.
    let bearer = format!("Bearer {}", env.issuer.token(spec));
    request
        .metadata_mut()
        .insert("authorization", bearer.parse().unwrap());
    client.watch(request).await.unwrap().into_inner()
}

async fn follow(env: &TestEnv, spec: &TokenSpec) -> Streaming<WatchResponse> {
    let mut stream = watch(env, spec, "").await;
    assert_eq!(stream.message().await.unwrap().unwrap().cursor, "first");
    stream
}

async fn end(stream: &mut Streaming<WatchResponse>) -> Status {
    stream.message().await.unwrap_err()
}

fn anna() -> TokenSpec {
    TokenSpec::of("anna").role("analyst")
}

#[tokio::test]
async fn a_stream_ends_when_its_token_does() {
    let env = TestEnv::start().await;
    let mut stream = follow(&env, &anna().lifetime(Duration::seconds(6))).await;
    let status = end(&mut stream).await;
    assert_eq!(
        (status.code(), reason(&status).as_str()),
        (Code::Unauthenticated, "TOKEN_EXPIRED")
    );
}

#[tokio::test]
async fn a_stream_outlives_the_deadline_of_calls() {
    let env = TestEnv::start_with(|plan, _| plan.server.default_deadline_ms = 10).await;
    let mut stream = follow(&env, &anna().lifetime(Duration::seconds(6))).await;
    assert_eq!(reason(&end(&mut stream).await), "TOKEN_EXPIRED");
}

#[tokio::test]
async fn a_drain_sends_watchers_elsewhere_at_once() {
    let mut env = TestEnv::start().await;
    let mut stream = follow(&env, &anna()).await;
    env.shutdown.cancel();
    let status = end(&mut stream).await;
    assert_eq!(
        (status.code(), reason(&status).as_str()),
        (Code::Unavailable, "SHUTTING_DOWN")
    );
    env.ended().await.unwrap();
}

#[tokio::test]
async fn watchers_do_not_keep_calls_out() {
    let env = TestEnv::start_with(|plan, _| {
        plan.server.max_concurrent_requests = 1;
        plan.server.max_concurrent_streams = 1;
    })
    .await;
    let _stream = follow(&env, &anna()).await;
    assert_eq!(env.ask("caller").await.unwrap(), "olga");
}

#[tokio::test]
async fn a_stream_that_panics_ends_without_telling_why() {
    let env = TestEnv::start().await;
    let mut stream = watch(&env, &anna(), "panic").await;
    let status = end(&mut stream).await;
    assert_eq!(
        (status.code(), status.message()),
        (Code::Internal, "erreur interne")
    );
    assert!(log().contains("a stream panicked"));
}

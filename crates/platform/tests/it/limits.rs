//! Load and deadlines.

use std::time::Duration;

use prost::bytes::Bytes;
use tokio::{net::TcpStream, task::JoinSet};
use tonic::Code;
use tonic_health::pb::{HealthCheckRequest, health_client::HealthClient};

use crate::env::{TestEnv, ask, question, reason, retry_delay};

#[tokio::test]
async fn a_full_server_refuses_at_once_while_the_others_still_run() {
    let env = TestEnv::start_with(|plan, _| plan.server.max_concurrent_requests = 1).await;
    let token = env.operator();
    let mut client = env.deliveries().await;
    let mut other = client.clone();
    let running = ask(&mut other, &token, "wait");
    let refused = async {
        env.double.waiting.acquire().await.unwrap().forget();
        // The first call still waits for us: a queue would never end this one.
        let status = ask(&mut client, &token, "caller").await.unwrap_err();
        let mut health = HealthClient::new(env.channel().await);
        let healthy = health.check(HealthCheckRequest::default()).await;
        env.double.release.add_permits(1);
        (status, healthy)
    };
    let (ran, (status, healthy)) = tokio::join!(running, refused);

    assert_eq!(ran.unwrap(), "released");
    assert_eq!(
        (status.code(), reason(&status).as_str()),
        (Code::ResourceExhausted, "SERVER_BUSY")
    );
    assert!(retry_delay(&status).is_some_and(|delay| delay > Duration::ZERO));
    assert!(healthy.is_ok(), "probes are answered by a busy server too");
    assert_eq!(
        ask(&mut client, &token, "caller").await.unwrap(),
        "olga",
        "room is given back"
    );
}

#[tokio::test]
async fn a_call_ends_at_the_default_deadline() {
    let env = TestEnv::start_with(|plan, _| plan.server.default_deadline_ms = 50).await;
    let status = env.ask("for ever").await.unwrap_err();
    assert_eq!(
        (status.code(), reason(&status).as_str()),
        (Code::DeadlineExceeded, "DEADLINE_EXCEEDED")
    );
}

#[tokio::test]
async fn a_handler_sees_the_deadline_of_its_client_up_to_the_longest() {
    let env = TestEnv::start_with(|plan, _| plan.server.max_deadline_ms = 5_000).await;
    for (asked, most) in [(2, 2_000), (3_600, 5_000)] {
        let mut request = question(&env.operator(), "deadline");
        request.set_timeout(Duration::from_secs(asked));
        let answer = env
            .deliveries()
            .await
            .list_deliveries(request)
            .await
            .unwrap();
        let seen: u64 = answer.into_inner().next_page_token.parse().unwrap();
        assert!(seen <= most && seen > most / 2, "{seen}");
    }
}

#[tokio::test]
async fn a_client_that_goes_away_gives_its_room_back() {
    let env = TestEnv::start_with(|plan, _| plan.server.max_concurrent_requests = 1).await;
    let token = env.operator();
    let client = env.deliveries().await;
    {
        let mut other = client.clone();
        let mut waiting = Box::pin(ask(&mut other, &token, "for ever"));
        testkit::eventually(async || {
            assert!(futures::poll!(&mut waiting).is_pending());
            env.metrics
                .encode()
                .contains("rpc_server_active_requests 1")
        })
        .await;
    }
    let mut client = client.clone();
    testkit::eventually(async || ask(&mut client, &token, "caller").await.is_ok()).await;
}

/// Among others a proxy sends many people's calls over one connection.
#[tokio::test]
async fn however_many_calls_are_refused_before_their_message_came_the_connection_lives_on() {
    let env = TestEnv::start().await;
    let stream = TcpStream::connect(env.public).await.unwrap();
    let (mut client, connection) = h2::client::handshake(stream).await.unwrap();
    let mut driver = JoinSet::new();
    driver.spawn(connection);
    // HTTP/2 gives up a connection after 1,024 errors of its streams.
    for _ in 0..1_100 {
        client = client.ready().await.unwrap();
        let request = http::Request::post(format!(
            "http://{}/vigie.notification.v1.DeliveryService/ListDeliveries",
            env.public
        ));
        let request = request.header("content-type", "application/grpc");
        let (response, mut message) = client
            .send_request(request.body(()).unwrap(), false)
            .unwrap();
        let refused = response.await.unwrap();
        let status = refused.headers().get("grpc-status").unwrap();
        assert_eq!(status, "16", "refused before there is a message");
        let empty = Bytes::from_static(&[0; 5]);
        message.send_data(empty, true).expect("still taken");
    }
    assert!(driver.try_join_next().is_none(), "the connection lives on");
}

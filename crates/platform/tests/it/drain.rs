//! How a service becomes ready and how it stops.

use platform::{Files, Readiness, StartError};
use tokio::net::TcpStream;
use tonic_health::pb::{
    HealthCheckRequest, health_check_response::ServingStatus, health_client::HealthClient,
};

use crate::env::{TestEnv, ask};

async fn serving(env: &TestEnv) -> bool {
    let mut health = HealthClient::new(env.channel().await);
    let answer = health.check(HealthCheckRequest::default()).await.unwrap();
    answer.into_inner().status() == ServingStatus::Serving
}

#[tokio::test]
async fn readiness_is_told_by_grpc_and_by_http() {
    let env = TestEnv::start().await;
    testkit::eventually(async || serving(&env).await).await;
    assert_eq!(env.get("/readyz").await.0, 200);

    env.readiness.set(
        "consumer",
        Err("the log has another incarnation".to_owned()),
    );
    testkit::eventually(async || !serving(&env).await).await;
    let (code, text) = env.get("/readyz").await;
    assert_eq!(
        (code, text.as_str()),
        (503, "consumer: the log has another incarnation\n")
    );
    assert_eq!(
        env.get("/livez").await.0,
        200,
        "it lives though it is not ready"
    );

    env.readiness.set("consumer", Ok(()));
    testkit::eventually(async || serving(&env).await).await;
}

#[tokio::test]
async fn readiness_follows_the_database() {
    let postgres = testkit::Postgres::start(testkit::PostgresOptions::default())
        .await
        .unwrap();
    let database = postgres.database("readiness").await;
    let config = crate::database::config(&database);
    let pool = platform::connect(&config, "test", &Files::default())
        .await
        .unwrap();
    let env = TestEnv::start_with(|plan, _| {
        plan.readiness = Readiness::new().with_database(pool.clone());
    })
    .await;
    testkit::eventually(async || serving(&env).await).await;
    postgres.kill9().await.unwrap();
    testkit::eventually(async || !serving(&env).await).await;
    postgres.restart().await.unwrap();
    testkit::eventually(async || serving(&env).await).await;
}

#[tokio::test]
async fn a_drain_lets_running_calls_end_and_takes_no_new_ones() {
    let mut env = TestEnv::start().await;
    let token = env.operator();
    let mut client = env.deliveries().await;
    let running = ask(&mut client, &token, "wait");
    let drained = async {
        env.double.waiting.acquire().await.unwrap().forget();
        env.shutdown.cancel();
        testkit::eventually(async || TcpStream::connect(env.public).await.is_err()).await;
        assert_eq!(env.get("/readyz").await.0, 503, "probes hear of the drain");
        env.double.release.add_permits(1);
    };
    let (ran, ()) = tokio::join!(running, drained);
    assert_eq!(ran.unwrap(), "released");
    env.ended().await.unwrap();
}

#[tokio::test]
async fn a_drain_ends_though_a_call_does_not() {
    let mut env = TestEnv::start_with(|plan, _| plan.server.drain_seconds = 0).await;
    let token = env.operator();
    let mut client = env.deliveries().await;
    let running = ask(&mut client, &token, "wait");
    let drained = async {
        env.double.waiting.acquire().await.unwrap().forget();
        env.shutdown.cancel();
    };
    let (ran, ()) = tokio::join!(running, drained);
    assert!(ran.is_err());
    let ended: Result<(), StartError> = env.ended().await;
    ended.unwrap();
}

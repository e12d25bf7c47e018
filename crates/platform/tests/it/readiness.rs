//! What `/readyz` and gRPC's health say, and why.

use platform::{Files, Readiness};
use sqlx::{Connection as _, Executor as _, PgConnection};
use testkit::{Issuer, Postgres, PostgresOptions};
use tonic_health::pb::{
    HealthCheckRequest, health_check_response::ServingStatus, health_client::HealthClient,
};

use crate::env::TestEnv;

async fn serves(env: &TestEnv) -> bool {
    let mut health = HealthClient::new(env.channel().await);
    let answer = health.check(HealthCheckRequest::default()).await.unwrap();
    answer.into_inner().status() == ServingStatus::Serving
}

async fn is(env: &TestEnv, status: u16, body: &str) -> bool {
    env.get("/readyz").await == (status, body.to_owned())
}

#[tokio::test]
async fn a_database_that_only_reads_is_named_and_takes_the_service_out() {
    let postgres = Postgres::start(PostgresOptions::default()).await.unwrap();
    let database = postgres.database("readonly").await;
    let config = crate::database::config(&database);
    let pool = platform::connect(&config, "test", &Files::default())
        .await
        .unwrap();
    let env = TestEnv::start_with(|plan, _| {
        plan.readiness = Readiness::new().with_database(pool.clone());
    })
    .await;
    testkit::eventually(async || is(&env, 200, "ready\n").await).await;
    assert!(serves(&env).await);

    let mut admin = PgConnection::connect(&database.superuser_url())
        .await
        .unwrap();
    let name: String = sqlx::query_scalar("select current_database()::text")
        .fetch_one(&mut admin)
        .await
        .unwrap();
    for (setting, undone) in [
        // Reaches every session at once.
        (
            "alter system set default_transaction_read_only = on".to_owned(),
            "alter system reset default_transaction_read_only".to_owned(),
        ),
        // Reaches new sessions only.
        (
            format!("alter database {name} set default_transaction_read_only = on"),
            format!("alter database {name} reset default_transaction_read_only"),
        ),
    ] {
        let apply = async |statement: String, admin: &mut PgConnection| {
            let statement = sqlx::AssertSqlSafe(statement);
            admin.execute("set transaction_read_only = off").await.ok();
            admin.execute(statement).await.unwrap();
            admin.execute("select pg_reload_conf()").await.unwrap();
        };
        apply(setting, &mut admin).await;
        let read_only = "database: PostgreSQL is read-only\n";
        testkit::eventually(async || is(&env, 503, read_only).await).await;
        testkit::eventually(async || !serves(&env).await).await;
        apply(undone, &mut admin).await;
        testkit::eventually(async || is(&env, 200, "ready\n").await).await;
    }
}

#[tokio::test]
async fn a_service_that_never_read_the_keys_of_the_issuer_is_not_ready() {
    let issuer = Issuer::start().await;
    issuer.go_down();
    let env = TestEnv::start_with(|plan, _| {
        plan.auth = platform::AuthConfig::new(issuer.url(), testkit::AUDIENCE);
    })
    .await;
    let missing = "issuer: its keys were not read yet\n";
    testkit::eventually(async || is(&env, 503, missing).await).await;
    assert!(!serves(&env).await);

    issuer.come_up();
    testkit::eventually(async || is(&env, 200, "ready\n").await).await;
    testkit::eventually(async || serves(&env).await).await;
    issuer.go_down();
    assert!(is(&env, 200, "ready\n").await, "the last keys still serve");
}

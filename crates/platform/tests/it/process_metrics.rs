//! What a process tells of itself to Prometheus.

use std::fs;

use platform::{Files, Readiness};
use testkit::{Postgres, PostgresOptions};

use crate::env::TestEnv;

/// The value of a metric, labels included, as a scrape shows it.
async fn told(env: &TestEnv, metric: &str) -> Option<String> {
    let (_, metrics) = env.get("/metrics").await;
    let mut lines = metrics.lines();
    let value = lines.find_map(|line| line.strip_prefix(metric)?.strip_prefix(' '));
    value.map(str::to_owned)
}

#[tokio::test]
async fn checks_and_connections_are_told_as_they_are_when_somebody_asks() {
    let postgres = Postgres::start(PostgresOptions::default()).await.unwrap();
    let database = postgres.database("process_metrics").await;
    let config = crate::database::config(&database);
    let pool = platform::connect(&config, "test", &Files::default())
        .await
        .unwrap();
    let env = TestEnv::start_with(|plan, _| {
        plan.readiness = Readiness::new().with_database(pool.clone());
    })
    .await;
    let is = async |metric: &str, value: &str| told(&env, metric).await.as_deref() == Some(value);
    let used = r#"db_client_connection_count{state="used"}"#;

    testkit::eventually(async || is(r#"readiness_check{check="database"}"#, "1").await).await;
    let most = config.max_connections.to_string();
    assert!(is("db_client_connection_max", &most).await);
    assert!(is(used, "0").await);
    let held = pool.acquire().await.unwrap();
    assert!(is(used, "1").await);
    drop(held);
    testkit::eventually(async || is(used, "0").await).await;

    env.readiness.set("consumer", Err("stopped".to_owned()));
    assert!(is(r#"readiness_check{check="consumer"}"#, "0").await);
}

#[tokio::test]
async fn what_ends_and_what_ages_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let (cert, key) = (folder.path().join("cert"), folder.path().join("key"));
    let mut of = rcgen::CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    of.not_after = rcgen::date_time_ymd(2030, 1, 1);
    let pair = rcgen::KeyPair::generate().unwrap();
    fs::write(&cert, of.self_signed(&pair).unwrap().pem()).unwrap();
    fs::write(&key, pair.serialize_pem()).unwrap();
    let env = TestEnv::start_with(|plan, _| {
        plan.server.tls_cert_file = Some(cert);
        plan.server.tls_key_file = Some(key);
    })
    .await;

    let ends = r#"tls_certificate_not_after_timestamp_seconds{listener="public"}"#;
    assert_eq!(told(&env, ends).await.as_deref(), Some("1893456000"));
    let age = told(&env, "auth_issuer_keys_age_seconds").await.unwrap();
    assert!((0.0..60.0).contains(&age.parse().unwrap()), "{age}");
    let build = format!(
        r#"vigie_build_info{{service="intake",version="{}",revision=""}}"#,
        env!("CARGO_PKG_VERSION")
    );
    assert_eq!(told(&env, &build).await.as_deref(), Some("1"));
}

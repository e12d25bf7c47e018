//! Rules 2 and 4 where sentinels tell which Redis is the master.

use eventlog::{EventLogConfig, RedisMode};
use testkit::{Certificates, RedisSentinel, RedisSentinelOptions};

use crate::{
    env::{Running, TestEnv, stream_entries, streams_by},
    ledger::Ledger,
};

fn config(url: String) -> EventLogConfig {
    EventLogConfig {
        redis_url: Some(url.into()),
        redis_mode: RedisMode::Sentinel,
        redis_master_name: Some(RedisSentinel::MASTER_NAME.to_owned()),
        ..EventLogConfig::default()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failover_loses_nothing() {
    let mut env = TestEnv::new("failover").await;
    let sentinel = RedisSentinel::start(RedisSentinelOptions::default())
        .await
        .unwrap();
    // One of the sentinels is away: the others are asked.
    let url = sentinel.sentinel().url();
    let streams = streams_by(&config(url.replace("://", "://127.0.0.1:1,")));
    let publisher = Running::publisher(env.publisher(&streams));
    let consumer = Running::consumer(env.consumer_over(&Ledger::new(), Some(streams)));
    env.append_many(0..30).await;
    env.until_applied(30).await;
    let master = sentinel.master().await.unwrap();
    testkit::eventually(async || stream_entries(master).await == 30).await;

    let failover = sentinel.fail_over();
    let (killed, ()) = tokio::join!(failover, env.append_many(30..60));
    killed.unwrap();
    env.until_applied(60).await;
    let promoted = sentinel.master().await.unwrap();
    testkit::eventually(async || stream_entries(promoted).await == 60).await;

    // From now on nothing but the new master is left to read from.
    env.until_redis_is_heard().await;
    let known = env.applied().await.len();
    env.stop_producer().await;
    env.append_many(60..90).await;
    let entries = env.until_applied(known + 30).await;
    assert!(entries.iter().all(|entry| entry.times == 1));
    consumer.stop().await;
    publisher.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_master_is_found_over_tls_by_who_knows_the_password_of_the_sentinel() {
    let env = TestEnv::new("sentinel_tls").await;
    let folder = tempfile::tempdir().unwrap();
    let certificates = Certificates::generate(folder.path()).unwrap();
    let sentinel = RedisSentinel::start(RedisSentinelOptions {
        sentinel_password: Some("watchword".to_owned()),
        tls: Some(certificates.clone()),
    })
    .await
    .unwrap();
    let url = sentinel.sentinel().tls_url().unwrap();
    let url = url.replace(":watchword@", "");
    env.append_many(0..5).await;
    let trusting = EventLogConfig {
        redis_ca_file: Some(certificates.ca_file()),
        ..config(url)
    };
    let stranger = streams_by(&trusting);
    env.publisher(&stranger).step().await.unwrap_err();

    let file = folder.path().join("password");
    std::fs::write(&file, "watchword\n").unwrap();
    let known = streams_by(&EventLogConfig {
        redis_sentinel_password_file: Some(file),
        ..trusting
    });
    env.publisher(&known).step().await.unwrap();
    let master = sentinel.master().await.unwrap();
    assert_eq!(stream_entries(master).await, 5);
}

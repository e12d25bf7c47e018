//! Rule 4: without Redis everything still arrives; silence is not news.

use eventlog::{EventLogConfig, Streams};
use platform::{Files, SealingKey};
use testkit::{Redis, RedisOptions};

use crate::{
    env::{
        BY_REDIS, Running, TestEnv, redis_connection, stream_entries, stream_names, streams,
        streams_by,
    },
    ledger::Ledger,
};

const BY_GRPC: &str = r#"eventlog_consumer_read_events_total{consumer="qualification",producer="intake",source="grpc"}"#;

#[tokio::test(flavor = "multi_thread")]
async fn everything_arrives_when_redis_was_never_there() {
    let env = TestEnv::new("no_redis").await;
    let nowhere = streams("redis://127.0.0.1:1");
    let publisher = Running::publisher(env.publisher(&nowhere));
    let consumer = Running::consumer(env.consumer_over(&Ledger::new(), Some(nowhere)));
    env.append_many(0..50).await;
    assert_eq!(env.until_applied(50).await.len(), 50);
    assert!(env.metric("eventlog_publisher_errors_total") > 0.0);
    consumer.stop().await;
    publisher.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_arrives_when_redis_answers_reads_and_refuses_writes() {
    let env = TestEnv::new("read_only").await;
    let redis = Redis::start(RedisOptions {
        users: vec!["reader on >secret ~vigie:* +@all -xadd".to_owned()],
        ..RedisOptions::default()
    })
    .await
    .unwrap();
    let streams = streams(&redis.url_as("reader", "secret"));
    let publisher = Running::publisher(env.publisher(&streams));
    let consumer = Running::consumer(env.consumer_over(&Ledger::new(), Some(streams)));
    env.append_many(0..50).await;
    assert_eq!(env.until_applied(50).await.len(), 50);
    testkit::eventually(async || env.metric("eventlog_publisher_errors_total") > 0.0).await;
    assert_eq!(stream_entries(&redis).await, 0);
    consumer.stop().await;
    publisher.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_arrives_when_redis_dies_midway_and_comes_back() {
    let env = TestEnv::new("dying").await;
    let redis = Redis::start(RedisOptions::default()).await.unwrap();
    let streams = streams(&redis.url());
    let publisher = Running::publisher(env.publisher(&streams));
    let consumer = Running::consumer(env.consumer_over(&Ledger::new(), Some(streams)));
    env.append_many(0..30).await;
    env.until_applied(30).await;
    redis.kill9().await.unwrap();
    env.append_many(30..60).await;
    env.until_applied(60).await;
    redis.restart().await.unwrap();
    env.append_many(60..90).await;
    let entries = env.until_applied(90).await;
    assert!(entries.iter().all(|entry| entry.times == 1));
    testkit::eventually(async || stream_entries(&redis).await == 90).await;
    consumer.stop().await;
    publisher.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_arrives_when_redis_hangs() {
    let env = TestEnv::new("hanging").await;
    let redis = Redis::start(RedisOptions::default()).await.unwrap();
    let streams = streams(&redis.url());
    let publisher = Running::publisher(env.publisher(&streams));
    let consumer = Running::consumer(env.consumer_over(&Ledger::new(), Some(streams)));
    env.append_many(0..10).await;
    env.until_applied(10).await;
    redis.freeze().await.unwrap();
    env.append_many(10..20).await;
    env.until_applied(20).await;
    redis.thaw().await.unwrap();
    consumer.stop().await;
    publisher.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn redis_is_reached_over_tls() {
    let env = TestEnv::new("tls").await;
    let folder = tempfile::tempdir().unwrap();
    let certificates = testkit::Certificates::generate(folder.path()).unwrap();
    let redis = Redis::start(RedisOptions {
        tls: Some(certificates.clone()),
        ..RedisOptions::default()
    })
    .await
    .unwrap();
    let streams = streams_by(&EventLogConfig {
        redis_url: redis.tls_url().map(Into::into),
        redis_ca_file: Some(certificates.ca_file()),
        ..EventLogConfig::default()
    });
    env.append_many(0..5).await;
    env.publisher(&streams).step().await.unwrap();
    assert_eq!(stream_entries(&redis).await, 5);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_is_made_by_the_address_that_the_file_has_now() {
    let env = TestEnv::new("address").await;
    let redis = Redis::start(RedisOptions {
        password: Some("new".to_owned()),
        ..RedisOptions::default()
    })
    .await
    .unwrap();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("url");
    std::fs::write(&file, redis.url_as("default", "old")).unwrap();
    let config = EventLogConfig {
        redis_url_file: Some(file.clone()),
        ..EventLogConfig::default()
    };
    let (key, files) = (SealingKey::from_bytes([7; 32]), Files::default());
    let streams = Streams::open(&config, key, &files).unwrap().unwrap();
    env.append_many(0..5).await;
    let mut publisher = env.publisher(&streams);
    assert!(publisher.step().await.is_err());

    std::fs::write(&file, redis.url_as("default", "new")).unwrap();
    files.poll().await;
    publisher.step().await.unwrap();
    assert_eq!(stream_entries(&redis).await, 5);

    // What is open is not kept for its own sake, though the old server still answers.
    let other = Redis::start(RedisOptions::default()).await.unwrap();
    std::fs::write(&file, other.url()).unwrap();
    files.poll().await;
    env.append_many(5..8).await;
    publisher.step().await.unwrap();
    assert_eq!(stream_entries(&redis).await, 5);
    assert_eq!(stream_entries(&other).await, 8);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_whose_beginning_was_trimmed_is_a_gap_that_the_producer_fills() {
    let env = TestEnv::new("gap").await;
    let redis = Redis::start(RedisOptions::default()).await.unwrap();
    let streams = streams(&redis.url());
    let subject = env.subject_in(0);
    let mut consumer = env.consumer_over(&Ledger::new(), Some(streams.clone()));
    // Attached, and told that there is nothing yet.
    consumer.step().await;
    consumer.step().await;
    env.append(&subject, &["1", "2", "3"]).await;
    env.publisher(&streams).step().await.unwrap();
    let [name] = stream_names(&redis).await.try_into().unwrap();
    let _: () = redis::cmd("XTRIM")
        .arg(&[&name, "MINID", "3"])
        .query_async(&mut redis_connection(&redis).await)
        .await
        .unwrap();
    let consumer = Running::consumer(consumer);
    let entries = env.until_applied(3).await;
    assert_eq!(
        entries
            .iter()
            .map(|entry| entry.text.as_str())
            .collect::<Vec<_>>(),
        ["1", "2", "3"]
    );
    assert!(env.metric("eventlog_consumer_gaps_total") > 0.0);
    assert!(env.metric(BY_GRPC) > 0.0);
    consumer.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gap_is_left_alone_until_the_producer_was_asked() {
    let mut env = TestEnv::new("gap_alone").await;
    let redis = Redis::start(RedisOptions::default()).await.unwrap();
    let streams = streams(&redis.url());
    let mut consumer = env.consumer_over(&Ledger::new(), Some(streams.clone()));
    consumer.step().await;
    consumer.step().await;
    env.append(&env.subject_in(0), &["1", "2", "3"]).await;
    env.publisher(&streams).step().await.unwrap();
    let [name] = stream_names(&redis).await.try_into().unwrap();
    let _: () = redis::cmd("XTRIM")
        .arg(&[&name, "MINID", "3"])
        .query_async(&mut redis_connection(&redis).await)
        .await
        .unwrap();
    env.stop_producer().await;
    for _ in 0..20 {
        consumer.step().await;
    }
    assert!((env.metric("eventlog_consumer_gaps_total") - 1.0).abs() < 0.1);
}

#[tokio::test(flavor = "multi_thread")]
async fn contiguous_streams_are_enough_while_the_producer_is_away() {
    let mut env = TestEnv::new("producer_away").await;
    let redis = Redis::start(RedisOptions::default()).await.unwrap();
    let streams = streams(&redis.url());
    let publisher = Running::publisher(env.publisher(&streams));
    let consumer = Running::consumer(env.consumer_over(&Ledger::new(), Some(streams)));
    env.append_many(0..10).await;
    env.until_applied(10).await;
    env.stop_producer().await;
    env.append_many(10..40).await;
    assert_eq!(env.until_applied(40).await.len(), 40);
    assert!(env.metric(BY_REDIS) >= 30.0);
    consumer.stop().await;
    publisher.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_that_stays_silent_is_no_proof_that_nothing_happened() {
    let env = TestEnv::new("silence").await;
    let redis = Redis::start(RedisOptions::default()).await.unwrap();
    // Redis is well, but nobody publishes.
    let consumer =
        Running::consumer(env.consumer_over(&Ledger::new(), Some(streams(&redis.url()))));
    env.until_caught_up().await;
    env.append_many(0..20).await;
    assert_eq!(env.until_applied(20).await.len(), 20);
    consumer.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_of_large_events_stay_within_what_a_message_may_hold() {
    let env = TestEnv::new("large_pages").await;
    let large = "x".repeat(60_000);
    for number in 0..60 {
        env.append(&format!("report/{number}"), &[&large]).await;
    }
    let consumer = Running::consumer(env.consumer(&Ledger::new()));
    assert_eq!(env.until_applied(60).await.len(), 60);
    consumer.stop().await;
}

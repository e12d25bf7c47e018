//! Rule 4: without Redis everything still arrives; silence is not news.

use eventlog::{EventLogConfig, Streams};
use platform::{Files, SealingKey};
use testkit::{Redis, RedisOptions};

use crate::{
    ledger::Ledger,
    world::{
        BY_REDIS, Running, World, redis_connection, stream_entries, stream_names, streams,
        streams_by,
    },
};

const BY_GRPC: &str = r#"eventlog_consumer_read_events_total{consumer="qualification",producer="intake",source="grpc"}"#;

#[tokio::test(flavor = "multi_thread")]
async fn everything_arrives_when_redis_was_never_there() {
    let world = World::new("no_redis").await;
    let nowhere = streams("redis://127.0.0.1:1");
    let publisher = Running::publisher(world.publisher(&nowhere));
    let consumer = Running::consumer(world.consumer_over(&Ledger::new(), Some(nowhere)));
    world.append_many(0..50).await;
    assert_eq!(world.until_applied(50).await.len(), 50);
    assert!(world.metric("eventlog_relay_errors_total") > 0.0);
    consumer.stop().await;
    publisher.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_arrives_when_redis_answers_reads_and_refuses_writes() {
    let world = World::new("read_only").await;
    let redis = Redis::start(RedisOptions {
        users: vec!["reader on >secret ~vigie:* +@all -xadd".to_owned()],
        ..RedisOptions::default()
    })
    .await
    .unwrap();
    let streams = streams(&redis.url_as("reader", "secret"));
    let publisher = Running::publisher(world.publisher(&streams));
    let consumer = Running::consumer(world.consumer_over(&Ledger::new(), Some(streams)));
    world.append_many(0..50).await;
    assert_eq!(world.until_applied(50).await.len(), 50);
    testkit::eventually(async || world.metric("eventlog_relay_errors_total") > 0.0).await;
    assert_eq!(stream_entries(&redis).await, 0);
    consumer.stop().await;
    publisher.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_arrives_when_redis_dies_midway_and_comes_back() {
    let world = World::new("dying").await;
    let redis = Redis::start(RedisOptions::default()).await.unwrap();
    let streams = streams(&redis.url());
    let publisher = Running::publisher(world.publisher(&streams));
    let consumer = Running::consumer(world.consumer_over(&Ledger::new(), Some(streams)));
    world.append_many(0..30).await;
    world.until_applied(30).await;
    redis.kill9().await.unwrap();
    world.append_many(30..60).await;
    world.until_applied(60).await;
    redis.restart().await.unwrap();
    world.append_many(60..90).await;
    let entries = world.until_applied(90).await;
    assert!(entries.iter().all(|entry| entry.times == 1));
    testkit::eventually(async || stream_entries(&redis).await == 90).await;
    consumer.stop().await;
    publisher.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_arrives_when_redis_hangs() {
    let world = World::new("hanging").await;
    let redis = Redis::start(RedisOptions::default()).await.unwrap();
    let streams = streams(&redis.url());
    let publisher = Running::publisher(world.publisher(&streams));
    let consumer = Running::consumer(world.consumer_over(&Ledger::new(), Some(streams)));
    world.append_many(0..10).await;
    world.until_applied(10).await;
    redis.freeze().await.unwrap();
    world.append_many(10..20).await;
    world.until_applied(20).await;
    redis.thaw().await.unwrap();
    consumer.stop().await;
    publisher.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn redis_is_reached_over_tls() {
    let world = World::new("tls").await;
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
    world.append_many(0..5).await;
    world.publisher(&streams).step().await.unwrap();
    assert_eq!(stream_entries(&redis).await, 5);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_is_made_by_the_address_that_the_file_has_now() {
    let world = World::new("address").await;
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
    world.append_many(0..5).await;
    let mut publisher = world.publisher(&streams);
    assert!(publisher.step().await.is_err());

    std::fs::write(&file, redis.url_as("default", "new")).unwrap();
    files.poll().await;
    publisher.step().await.unwrap();
    assert_eq!(stream_entries(&redis).await, 5);

    // What is open is not kept for its own sake, though the old server still answers.
    let other = Redis::start(RedisOptions::default()).await.unwrap();
    std::fs::write(&file, other.url()).unwrap();
    files.poll().await;
    world.append_many(5..8).await;
    publisher.step().await.unwrap();
    assert_eq!(stream_entries(&redis).await, 5);
    assert_eq!(stream_entries(&other).await, 8);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_whose_beginning_was_trimmed_is_a_gap_that_the_producer_fills() {
    let world = World::new("gap").await;
    let redis = Redis::start(RedisOptions::default()).await.unwrap();
    let streams = streams(&redis.url());
    let subject = world.subject_in(0);
    let mut consumer = world.consumer_over(&Ledger::new(), Some(streams.clone()));
    // Attached, and told that there is nothing yet.
    consumer.step().await;
    consumer.step().await;
    world.append(&subject, &["1", "2", "3"]).await;
    world.publisher(&streams).step().await.unwrap();
    let [name] = stream_names(&redis).await.try_into().unwrap();
    let _: () = redis::cmd("XTRIM")
        .arg(&[&name, "MINID", "3"])
        .query_async(&mut redis_connection(&redis).await)
        .await
        .unwrap();
    let consumer = Running::consumer(consumer);
    let entries = world.until_applied(3).await;
    assert_eq!(
        entries
            .iter()
            .map(|entry| entry.text.as_str())
            .collect::<Vec<_>>(),
        ["1", "2", "3"]
    );
    assert!(world.metric("eventlog_consumer_gaps_total") > 0.0);
    assert!(world.metric(BY_GRPC) > 0.0);
    consumer.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gap_is_left_alone_until_the_producer_was_asked() {
    let mut world = World::new("gap_alone").await;
    let redis = Redis::start(RedisOptions::default()).await.unwrap();
    let streams = streams(&redis.url());
    let mut consumer = world.consumer_over(&Ledger::new(), Some(streams.clone()));
    consumer.step().await;
    consumer.step().await;
    world.append(&world.subject_in(0), &["1", "2", "3"]).await;
    world.publisher(&streams).step().await.unwrap();
    let [name] = stream_names(&redis).await.try_into().unwrap();
    let _: () = redis::cmd("XTRIM")
        .arg(&[&name, "MINID", "3"])
        .query_async(&mut redis_connection(&redis).await)
        .await
        .unwrap();
    world.stop_producer().await;
    for _ in 0..20 {
        consumer.step().await;
    }
    assert!((world.metric("eventlog_consumer_gaps_total") - 1.0).abs() < 0.1);
}

#[tokio::test(flavor = "multi_thread")]
async fn contiguous_streams_are_enough_while_the_producer_is_away() {
    let mut world = World::new("producer_away").await;
    let redis = Redis::start(RedisOptions::default()).await.unwrap();
    let streams = streams(&redis.url());
    let publisher = Running::publisher(world.publisher(&streams));
    let consumer = Running::consumer(world.consumer_over(&Ledger::new(), Some(streams)));
    world.append_many(0..10).await;
    world.until_applied(10).await;
    world.stop_producer().await;
    world.append_many(10..40).await;
    assert_eq!(world.until_applied(40).await.len(), 40);
    assert!(world.metric(BY_REDIS) >= 30.0);
    consumer.stop().await;
    publisher.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_that_stays_silent_is_no_proof_that_nothing_happened() {
    let world = World::new("silence").await;
    let redis = Redis::start(RedisOptions::default()).await.unwrap();
    // Redis is well, but nobody publishes.
    let consumer =
        Running::consumer(world.consumer_over(&Ledger::new(), Some(streams(&redis.url()))));
    world.until_caught_up().await;
    world.append_many(0..20).await;
    assert_eq!(world.until_applied(20).await.len(), 20);
    consumer.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_of_large_events_stay_within_what_a_message_may_hold() {
    let world = World::new("large_pages").await;
    let large = "x".repeat(60_000);
    for number in 0..60 {
        world.append(&format!("report/{number}"), &[&large]).await;
    }
    let consumer = Running::consumer(world.consumer(&Ledger::new()));
    assert_eq!(world.until_applied(60).await.len(), 60);
    consumer.stop().await;
}

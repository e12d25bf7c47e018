//! Rule 9: Redis holds nothing readable, and believes nothing that it is given.

use redis::{AsyncCommands as _, streams::StreamRangeReply};
use testkit::{Redis, RedisOptions};

use crate::{
    env::{Running, TestEnv, redis_connection, stream_names, streams},
    ledger::Ledger,
};

#[tokio::test(flavor = "multi_thread")]
async fn an_entry_shows_neither_subject_nor_content() {
    let env = TestEnv::new("ciphertext").await;
    let redis = Redis::start(RedisOptions::default()).await.unwrap();
    env.append("report/conspicuous", &["remarkable words"])
        .await;
    env.publisher(&streams(&redis.url())).step().await.unwrap();
    let [name] = stream_names(&redis).await.try_into().unwrap();
    let entries: StreamRangeReply = redis_connection(&redis)
        .await
        .xrange_all(&name)
        .await
        .unwrap();
    let [(_, value)] = entries.ids[0]
        .map
        .clone()
        .into_iter()
        .collect::<Vec<_>>()
        .try_into()
        .unwrap();
    let bytes: Vec<u8> = redis::from_redis_value(value).unwrap();
    for secret in ["conspicuous", "remarkable", "vigie.report"] {
        let found = bytes
            .windows(secret.len())
            .any(|window| window == secret.as_bytes());
        assert!(!found, "{secret} is readable");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_seal_that_does_not_open_is_a_gap_that_the_producer_fills() {
    let env = TestEnv::new("bad_seal").await;
    let redis = Redis::start(RedisOptions::default()).await.unwrap();
    let streams = streams(&redis.url());
    let subject = env.subject_in(0);
    env.append(&subject, &["1"]).await;
    let consumer = Running::consumer(env.consumer_over(&Ledger::new(), Some(streams.clone())));
    env.until_applied(1).await;

    // Somebody who may write to Redis forges the next entry.
    env.publisher(&streams).step().await.unwrap();
    let [name] = stream_names(&redis).await.try_into().unwrap();
    let mut connection = redis_connection(&redis).await;
    let _: String = connection
        .xadd(&name, "2-0", &[("e", "forged")])
        .await
        .unwrap();
    env.append(&subject, &["2", "3"]).await;
    let entries = env.until_applied(3).await;
    let texts: Vec<&str> = entries.iter().map(|entry| entry.text.as_str()).collect();
    assert_eq!(texts, ["1", "2", "3"]);
    assert!(env.metric("eventlog_consumer_gaps_total") > 0.0);
    consumer.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_entry_copied_to_another_place_does_not_open() {
    let env = TestEnv::new("moved_entry").await;
    let redis = Redis::start(RedisOptions::default()).await.unwrap();
    let streams = streams(&redis.url());
    let subject = env.subject_in(0);
    env.append(&subject, &["1"]).await;
    env.publisher(&streams).step().await.unwrap();
    let consumer = Running::consumer(env.consumer_over(&Ledger::new(), Some(streams)));
    env.until_applied(1).await;
    let [name] = stream_names(&redis).await.try_into().unwrap();
    let mut connection = redis_connection(&redis).await;
    let entries: StreamRangeReply = connection.xrange_all(&name).await.unwrap();
    let sealed: Vec<u8> = redis::from_redis_value(entries.ids[0].map["e"].clone()).unwrap();
    let _: String = connection
        .xadd(&name, "2-0", &[("e", sealed)])
        .await
        .unwrap();
    testkit::eventually(async || env.metric("eventlog_consumer_gaps_total") > 0.0).await;
    assert_eq!(env.applied().await.len(), 1);
    consumer.stop().await;
}

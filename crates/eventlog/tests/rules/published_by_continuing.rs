//! Rule 2: a stream continues from its last id, which is a position.

use redis::AsyncCommands as _;
use testkit::{Redis, RedisOptions};

use crate::env::{
    Running, TestEnv, event, redis_connection, stream_entries, stream_names, streams,
};

#[tokio::test(flavor = "multi_thread")]
async fn every_event_is_published_under_its_position() {
    let env = TestEnv::new("published").await;
    let redis = Redis::start(RedisOptions::default()).await.unwrap();
    env.append_many(0..40).await;
    env.publisher(&streams(&redis.url())).step().await.unwrap();

    let mut connection = redis_connection(&redis).await;
    let incarnation: uuid::Uuid = sqlx::query_scalar("select incarnation from eventlog_meta")
        .fetch_one(&env.intake)
        .await
        .unwrap();
    for (shard, head) in (0..).zip(env.heads().await) {
        let name = format!("vigie:{{intake:{incarnation}:{shard}}}");
        let range: redis::streams::StreamRangeReply = connection.xrange_all(name).await.unwrap();
        let ids: Vec<String> = range.ids.into_iter().map(|entry| entry.id).collect();
        let positions: Vec<String> = (1..=head).map(|position| format!("{position}-0")).collect();
        assert_eq!(ids, positions, "shard {shard}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_publishers_publish_each_event_once() {
    let env = TestEnv::new("two_publishers").await;
    let redis = Redis::start(RedisOptions::default()).await.unwrap();
    let streams = streams(&redis.url());
    let first = Running::publisher(env.publisher(&streams));
    let second = Running::publisher(env.publisher(&streams));
    env.append_many(0..200).await;
    testkit::eventually(async || stream_entries(&redis).await >= 200).await;
    first.stop().await;
    second.stop().await;
    assert_eq!(stream_entries(&redis).await, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wiped_redis_fills_again_without_news() {
    let env = TestEnv::new("wiped").await;
    let redis = Redis::start(RedisOptions::default()).await.unwrap();
    let publisher = Running::publisher(env.publisher(&streams(&redis.url())));
    env.append_many(0..30).await;
    testkit::eventually(async || stream_entries(&redis).await == 30).await;
    redis.flush_all().await.unwrap();
    testkit::eventually(async || stream_entries(&redis).await == 30).await;
    publisher.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redis_rolled_back_to_an_earlier_state_is_continued_from_there() {
    let env = TestEnv::new("rolled_back").await;
    let redis = Redis::start(RedisOptions::default()).await.unwrap();
    let publisher = Running::publisher(env.publisher(&streams(&redis.url())));
    env.append_many(0..10).await;
    testkit::eventually(async || stream_entries(&redis).await == 10).await;
    redis.save().await.unwrap();
    env.append_many(10..30).await;
    testkit::eventually(async || stream_entries(&redis).await == 30).await;
    redis.kill9().await.unwrap();
    redis.restart().await.unwrap();
    testkit::eventually(async || stream_entries(&redis).await == 30).await;
    publisher.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_empty_stream_starts_ten_thousand_before_the_head() {
    let env = TestEnv::new("refill").await;
    let redis = Redis::start(RedisOptions::default()).await.unwrap();
    let subject = env.subject_in(1);
    let events: Vec<_> = (0..67).map(|_| event(&subject, "x")).collect();
    let mut transaction = env.intake.begin().await.unwrap();
    for _ in 0..150 {
        env.log.append(&mut transaction, &events).await.unwrap();
    }
    transaction.commit().await.unwrap();
    env.publisher(&streams(&redis.url())).step().await.unwrap();

    let mut connection = redis_connection(&redis).await;
    let [name] = stream_names(&redis).await.try_into().unwrap();
    let first: redis::streams::StreamRangeReply =
        connection.xrange_count(&name, "-", "+", 1).await.unwrap();
    assert_eq!(first.ids[0].id, "51-0");
    assert_eq!(connection.xlen::<_, usize>(&name).await.unwrap(), 10_000);
}

#[tokio::test(flavor = "multi_thread")]
async fn entries_older_than_a_day_are_trimmed() {
    let env = TestEnv::new("trimmed").await;
    let redis = Redis::start(RedisOptions::default()).await.unwrap();
    let subject = env.subject_in(0);
    env.append(&subject, &["1", "2", "3", "4", "5"]).await;
    sqlx::query("insert into eventlog_mark (shard, position, at) values (0, 3, $1), (0, 4, $2)")
        .bind(platform::now() - time::Duration::hours(25))
        .bind(platform::now() - time::Duration::hours(23))
        .execute(&env.intake)
        .await
        .unwrap();
    env.publisher(&streams(&redis.url())).step().await.unwrap();
    // The mark says that position 3 is more than a day old, and 4 is not.
    assert_eq!(stream_entries(&redis).await, 3);
    // Trimming is not wiping: nothing is published again.
    env.publisher(&streams(&redis.url())).step().await.unwrap();
    assert_eq!(stream_entries(&redis).await, 3);
}

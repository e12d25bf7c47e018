//! Rule 3: exactly once, in order per shard, any number of replicas.

use std::sync::atomic::Ordering;

use eventlog::{Consumer, Step, is_applied};
use proto::eventlog::v1::{DescribeRequest, event_log_service_client::EventLogServiceClient};
use rand::Rng as _;
use testkit::{Postgres, PostgresOptions, Redis, RedisOptions};

use crate::{
    env::{CONSUMER, Running, TestEnv, streams},
    ledger::{Entry, Ledger},
};

#[tokio::test(flavor = "multi_thread")]
async fn events_are_applied_once_and_in_order_per_shard() {
    let env = TestEnv::new("in_order").await;
    env.append_many(0..300).await;
    let consumer = Running::consumer(env.consumer(&Ledger::new()));
    let entries = env.until_applied(300).await;
    consumer.stop().await;
    assert_once_and_in_order(&entries, &env.heads().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn replicas_share_the_work_and_apply_each_event_once_while_they_are_cut_off_at_random() {
    let env = TestEnv::new("replicas").await;
    let redis = Redis::start(RedisOptions::default()).await.unwrap();
    let streams = streams(&redis.url());
    let publisher = Running::publisher(env.publisher(&streams));
    let ledger = Ledger::new();
    let start = || Running::consumer(env.consumer_over(&ledger, Some(streams.clone())));
    let steady = start();
    let mut unlucky = start();
    for round in 0..20 {
        env.append_many(round * 20..round * 20 + 20).await;
        let pause = rand::rng().random_range(0..30);
        // Not a wait for anything: the moment of the cut is what is tried.
        let _ = tokio::time::timeout(
            std::time::Duration::from_millis(pause),
            std::future::pending::<()>(),
        )
        .await;
        unlucky.cut_off().await;
        unlucky = start();
    }
    let entries = env.until_applied(400).await;
    env.until_caught_up().await;
    steady.stop().await;
    unlucky.stop().await;
    publisher.stop().await;
    assert_eq!(entries.len(), 400);
    assert_once_and_in_order(&entries, &env.heads().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shard_that_another_replica_holds_is_left_alone_and_the_others_go_on() {
    let env = TestEnv::new("busy").await;
    let (held, free) = (env.subject_in(0), env.subject_in(1));
    let mut consumer = env.consumer(&Ledger::new());
    assert_eq!(consumer.step().await, Step::Attached);
    let mut other = env.qualification.begin().await.unwrap();
    sqlx::query("select from consumer_offset where shard = 0 for update")
        .execute(&mut *other)
        .await
        .unwrap();
    env.append(&held, &["held"]).await;
    env.append(&free, &["free"]).await;
    let consumer = Running::consumer(consumer);
    let entries = env.until_applied(1).await;
    assert_eq!(entries[0].text, "free");
    testkit::eventually(async || env.metric("eventlog_consumer_skipped_locked_total") > 0.0).await;
    other.rollback().await.unwrap();
    assert_eq!(env.until_applied(2).await[1].text, "held");
    consumer.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn shards_share_a_transaction_as_far_as_their_events_fit() {
    let env = TestEnv::new("shared").await;
    let mut consumer = env.consumer(&Ledger::new());
    assert_eq!(consumer.step().await, Step::Attached);

    env.append_many(0..40).await;
    assert_eq!(applied_next(&mut consumer).await, 40);
    assert_eq!(transactions(&env, 0..40).await, 1);

    env.append_many(40..640).await;
    let count = applied_next(&mut consumer).await;
    assert!(count > 256, "{count}");
    assert!(transactions(&env, 40..40 + count).await > 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shard_that_fails_holds_up_none_that_came_with_it() {
    let env = TestEnv::new("apart").await;
    let ledger = Ledger::new();
    ledger.hold_up("stuck");
    let (stuck, free) = (env.subject_in(0), env.subject_in(1));
    env.append(&stuck, &["stuck"]).await;
    env.append(&free, &["free"]).await;
    let mut consumer = env.consumer(&ledger);
    assert_eq!(consumer.step().await, Step::Attached);
    assert_eq!(consumer.step().await, Step::Applied(1));
    // Together, then each by itself.
    assert_eq!(ledger.attempts.load(Ordering::SeqCst), 3);
    let texts: Vec<String> = env.applied().await.into_iter().map(|e| e.text).collect();
    assert_eq!(texts, ["free"]);
}

/// How many events the next step applies that finds any. Soon after another, a step
/// without Redis only waits until the producer may be asked again.
async fn applied_next(consumer: &mut Consumer) -> usize {
    loop {
        match consumer.step().await {
            Step::Applied(0) => (),
            Step::Applied(count) => return count,
            other => panic!("there is something to apply, not {other:?}"),
        }
    }
}

/// How many transactions applied these, in the order of their application.
async fn transactions(env: &TestEnv, entries: std::ops::Range<usize>) -> i64 {
    sqlx::query_scalar(
        "select count(distinct tx)
         from (select xmin::text as tx from applied order by entry offset $1 limit $2) as part",
    )
    .bind(i64::try_from(entries.start).unwrap())
    .bind(i64::try_from(entries.len()).unwrap())
    .fetch_one(&env.qualification)
    .await
    .unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_batch_leaves_neither_effect_nor_offset() {
    let env = TestEnv::new("failed_batch").await;
    let ledger = Ledger::new();
    env.append(&env.subject_in(3), &["a", "b"]).await;
    ledger.fail_next(1);
    let mut consumer = env.consumer(&ledger);
    while ledger.attempts.load(Ordering::SeqCst) == 0 {
        consumer.step().await;
    }
    assert_eq!(env.applied().await, []);
    let moved: i64 = sqlx::query_scalar("select sum(position)::bigint from consumer_offset")
        .fetch_one(&env.qualification)
        .await
        .unwrap();
    assert_eq!(moved, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_event_is_applied_once_though_the_database_is_killed_midway() {
    let postgres = Postgres::start(PostgresOptions::default()).await.unwrap();
    let env = TestEnv::on(&postgres, "killed").await;
    let redis = Redis::start(RedisOptions::default()).await.unwrap();
    let streams = streams(&redis.url());
    let publisher = Running::publisher(env.publisher(&streams));
    let consumer = Running::consumer(env.consumer_over(&Ledger::new(), Some(streams)));
    env.append_many(0..100).await;
    postgres.kill9().await.unwrap();
    postgres.restart().await.unwrap();
    // Sessions of the killed server fail once before the pool replaces them.
    testkit::eventually(async || sqlx::query("select").execute(&env.intake).await.is_ok()).await;
    testkit::eventually(async || {
        sqlx::query("select")
            .execute(&env.qualification)
            .await
            .is_ok()
    })
    .await;
    env.append_many(100..200).await;
    let entries = env.until_applied(200).await;
    env.until_caught_up().await;
    consumer.stop().await;
    publisher.stop().await;
    assert_once_and_in_order(&entries, &env.heads().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_knows_whether_it_is_through_with_a_log() {
    let env = TestEnv::new("through").await;
    let ledger = Ledger::new();
    ledger.poison("bad");
    env.append_many(0..5).await;
    let mut log = EventLogServiceClient::new(env.channel());
    let told = log.describe(DescribeRequest {}).await.unwrap().into_inner();
    let mut conn = env.qualification.acquire().await.unwrap();
    assert!(!is_applied(&mut conn, CONSUMER, &told).await.unwrap());

    let consumer = Running::consumer(env.consumer(&ledger));
    env.until_applied(5).await;
    assert!(is_applied(&mut conn, CONSUMER, &told).await.unwrap());

    env.append("report/bad", &["bad"]).await;
    env.until_caught_up().await;
    let told = log.describe(DescribeRequest {}).await.unwrap().into_inner();
    assert!(
        !is_applied(&mut conn, CONSUMER, &told).await.unwrap(),
        "what is parked is not applied"
    );
    consumer.stop().await;
}

fn assert_once_and_in_order(entries: &[Entry], heads: &[u64]) {
    assert!(
        entries.iter().all(|entry| entry.times == 1),
        "an event was applied twice"
    );
    for (shard, &head) in (0..).zip(heads) {
        let of_shard = entries.iter().filter(|entry| entry.shard == shard);
        let positions: Vec<u64> = of_shard
            .map(|entry| entry.position.cast_unsigned())
            .collect();
        assert_eq!(positions, (1..=head).collect::<Vec<_>>(), "shard {shard}");
    }
}

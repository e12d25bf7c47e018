//! Rule 7 where there are few events: a month that is over is dropped like a partition
//! that is full.

use eventlog::Maintenance;
use time::{Duration, OffsetDateTime, macros::datetime};

use crate::{
    env::{CONSUMER, Running, TestEnv},
    ledger::Ledger,
    nothing_needed_is_dropped::{floors, partitions, register},
};

/// A log opened in January.
async fn env(label: &str) -> TestEnv {
    let env = TestEnv::new(label).await;
    sqlx::query("update eventlog_meta set opened_at = '2026-01-10 00:00:00+00'")
        .execute(&env.intake)
        .await
        .unwrap();
    env
}

async fn step(env: &TestEnv, now: OffsetDateTime) {
    let maintenance = Maintenance::new(env.log.clone(), env.intake.clone(), Duration::days(30));
    maintenance.step(now).await.unwrap();
}

/// Tells that a consumer has applied everything.
async fn register_all(env: &TestEnv) {
    register(env, CONSUMER, 0).await;
    sqlx::query(
        "update eventlog_registration r set position = h.position
         from eventlog_head h where r.shard = h.shard",
    )
    .execute(&env.intake)
    .await
    .unwrap();
}

async fn append_to_all(env: &TestEnv, counts: [usize; 4]) {
    for (shard, count) in (0..).zip(counts) {
        let subject = env.subject_in(shard);
        env.append(&subject, &vec!["x"; count]).await;
    }
}

async fn rows(env: &TestEnv) -> i64 {
    sqlx::query_scalar("select count(*) from event")
        .fetch_one(&env.intake)
        .await
        .unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_of_few_events_drops_a_month_that_is_old_and_applied() {
    let env = env("few_events").await;
    append_to_all(&env, [5, 6, 7, 8]).await;
    let january = *env.heads().await.iter().max().unwrap();
    step(&env, datetime!(2026-01-31 23:59 UTC)).await;
    let february = format!("event_from_{}", january + 1);
    assert!(!partitions(&env).await.contains(&february));
    step(&env, datetime!(2026-02-01 00:01 UTC)).await;
    assert!(partitions(&env).await.contains(&february));
    append_to_all(&env, [5; 4]).await;
    assert!(env.heads().await.iter().all(|&head| head > january));
    step(&env, datetime!(2026-02-02 00:00 UTC)).await;
    append_to_all(&env, [3; 4]).await;

    register_all(&env).await;
    step(&env, datetime!(2026-03-01 00:00 UTC)).await;
    assert_eq!(rows(&env).await, 58, "it is not old");
    register(&env, CONSUMER, january.cast_signed() - 1).await;
    step(&env, datetime!(2026-03-10 00:00 UTC)).await;
    assert_eq!(rows(&env).await, 58, "the slowest consumer needs it");
    register_all(&env).await;
    step(&env, datetime!(2026-03-10 00:01 UTC)).await;
    assert_eq!(floors(&env).await, vec![january; 4]);
    assert!(!partitions(&env).await.contains(&"event_from_1".to_owned()));
    let left = env.heads().await.into_iter().map(|head| head - january);
    assert_eq!(rows(&env).await, left.sum::<u64>().cast_signed());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shard_that_stands_still_holds_nothing_back_and_goes_on_below_the_others() {
    let env = env("stands_still").await;
    env.append(&env.subject_in(0), &["1", "2", "3"]).await;
    env.append(&env.subject_in(1), &["1"]).await;
    let consumer = Running::consumer(env.consumer(&Ledger::new()));
    env.until_applied(4).await;
    env.until_caught_up().await;
    consumer.stop().await;
    register_all(&env).await;
    step(&env, datetime!(2026-02-01 00:01 UTC)).await;
    step(&env, datetime!(2026-04-01 00:01 UTC)).await;
    assert_eq!(rows(&env).await, 0);
    assert_eq!(floors(&env).await, [3, 1, 0, 0]);
    // There is nothing more to drop, and nothing is made anew.
    let before = partitions(&env).await;
    step(&env, datetime!(2026-04-01 00:03 UTC)).await;
    assert_eq!(partitions(&env).await, before);

    for shard in 0..4 {
        env.append(&env.subject_in(shard), &["later"]).await;
    }
    let consumer = Running::consumer(env.consumer(&Ledger::new()));
    let entries = env.until_applied(8).await;
    consumer.stop().await;
    let mut later: Vec<(i32, i64)> = entries[4..].iter().map(|e| (e.shard, e.position)).collect();
    later.sort_unstable();
    assert_eq!(later, [(0, 4), (1, 2), (2, 1), (3, 1)]);
    assert!(entries.iter().all(|entry| entry.times == 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_month_without_events_begins_no_partition() {
    let env = env("no_events").await;
    let before = partitions(&env).await;
    step(&env, datetime!(2026-02-01 00:01 UTC)).await;
    step(&env, datetime!(2026-03-01 00:01 UTC)).await;
    assert_eq!(partitions(&env).await, before);
}

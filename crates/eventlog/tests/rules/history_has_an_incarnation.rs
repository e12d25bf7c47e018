//! Rule 6: another history, or a shorter one, stops a consumer loudly.

use eventlog::{Consumer, Source, Step, adopt, reincarnate};
use platform::Caller;
use uuid::Uuid;

use crate::{
    env::{CONSUMER, PRODUCER, Running, SHARDS, TestEnv},
    ledger::Ledger,
};

const STOPPED: &str = r#"eventlog_consumer_stopped{consumer="qualification",producer="intake"}"#;

#[tokio::test(flavor = "multi_thread")]
async fn a_restored_log_stops_its_consumer_until_an_operator_adopts_the_new_history() {
    let env = TestEnv::new("reincarnated").await;
    let consumer = Running::consumer(env.consumer(&Ledger::new()));
    env.append_many(0..20).await;
    env.until_applied(20).await;
    consumer.stop().await;

    restore_without_the_last(&env, 5).await;
    // It reaches beyond the offsets: only its name tells the new history from the old.
    env.append_many(20..60).await;
    let mut conn = env.intake.acquire().await.unwrap();
    reincarnate(&mut conn, &Caller::service("operator"), platform::now())
        .await
        .unwrap();
    let consumer = Running::consumer(env.consumer(&Ledger::new()));
    testkit::eventually(async || env.metric(STOPPED) > 0.5).await;
    // What the new history holds is not applied meanwhile.
    env.append("report/new", &["new"]).await;
    assert_eq!(env.applied().await.len(), 20);

    let mut conn = env.qualification.acquire().await.unwrap();
    adopt(
        &mut conn,
        CONSUMER,
        PRODUCER,
        &Caller::service("operator"),
        platform::now(),
    )
    .await
    .unwrap();
    env.until_applied(61).await;
    env.append("report/newer", &["newer"]).await;
    let entries = env.until_applied(62).await;
    assert!(env.metric(STOPPED) < 0.5);
    // What the lost history held is no lag.
    testkit::eventually(async || (0..SHARDS).all(|shard| env.metric(&lag(shard)) < 0.5)).await;
    consumer.stop().await;
    assert_eq!(
        entries.len(),
        62,
        "what was applied before is met, not doubled"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_offset_above_the_head_stops_the_consumer() {
    let env = TestEnv::new("above_head").await;
    env.append_many(0..20).await;
    let consumer = Running::consumer(env.consumer(&Ledger::new()));
    env.until_applied(20).await;
    // Somebody restored the producer and forgot the new incarnation.
    restore_without_the_last(&env, 5).await;
    testkit::eventually(async || env.metric(STOPPED) > 0.5).await;
    consumer.stop().await;

    // New events take the lost positions: what looks like a continuation is not.
    env.append_many(20..60).await;
    let mut restarted = env.consumer(&Ledger::new());
    assert_eq!(restarted.step().await, Step::Stopped);
    assert_eq!(restarted.step().await, Step::Stopped);
    assert_eq!(env.applied().await.len(), 20);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stopped_consumer_stays_stopped_after_a_restart() {
    let env = TestEnv::new("still_stopped").await;
    let consumer = Running::consumer(env.consumer(&Ledger::new()));
    env.append_many(0..5).await;
    env.until_applied(5).await;
    consumer.stop().await;
    let mut conn = env.intake.acquire().await.unwrap();
    reincarnate(&mut conn, &Caller::service("operator"), platform::now())
        .await
        .unwrap();

    let mut restarted = env.consumer(&Ledger::new());
    assert_eq!(restarted.step().await, Step::Attached);
    assert_eq!(restarted.step().await, Step::Stopped);
    let mut again = env.consumer(&Ledger::new());
    assert_eq!(again.step().await, Step::Stopped);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replica_still_in_one_history_applies_nothing_to_the_offsets_of_another() {
    let env = TestEnv::new("adopted_meanwhile").await;
    let mut consumer = env.consumer(&Ledger::new());
    assert_eq!(consumer.step().await, Step::Attached);
    assert_eq!(consumer.step().await, Step::Applied(0));
    // An operator has adopted another history, in which nothing was applied either.
    sqlx::query("update consumer_offset set incarnation = $1")
        .bind(Uuid::now_v7())
        .execute(&env.qualification)
        .await
        .unwrap();
    env.append("report/1", &["of the first history"]).await;
    loop {
        match consumer.step().await {
            Step::Stopped => break,
            Step::Applied(0) | Step::Waited | Step::Attached => {}
            Step::Applied(count) => panic!("two histories are mixed: {count} applied"),
        }
    }
    assert_eq!(env.applied().await, []);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_consumers_of_other_logs_go_on() {
    let env = TestEnv::new("others_go_on").await;
    let other = TestEnv::new("other_log").await;
    let stopped = Running::consumer(env.consumer(&Ledger::new()));
    // The same service consumes a second log.
    let second = Consumer::new(
        CONSUMER,
        "notification",
        env.qualification.clone(),
        Source::new(other.channel(), None),
        Ledger::new(),
        env.log_metrics.clone(),
    );
    let second = Running::consumer(second);
    env.append_many(0..5).await;
    env.until_applied(5).await;
    let mut conn = env.intake.acquire().await.unwrap();
    reincarnate(&mut conn, &Caller::service("operator"), platform::now())
        .await
        .unwrap();
    testkit::eventually(async || env.metric(STOPPED) > 0.5).await;
    other.append_many(0..5).await;
    assert_eq!(env.until_applied(10).await.len(), 10);
    stopped.stop().await;
    second.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn reincarnating_and_adopting_leave_an_audit_entry() {
    let env = TestEnv::new("audited").await;
    let caller = Caller::service("operator");
    let mut producer = env.intake.acquire().await.unwrap();
    let before = env.log.incarnation(&mut producer).await.unwrap();
    assert_eq!(env.log.reincarnated_at(&mut producer).await.unwrap(), None);
    let after = reincarnate(&mut producer, &caller, platform::now())
        .await
        .unwrap();
    assert_ne!(before, after);
    let since = env.log.reincarnated_at(&mut producer).await.unwrap();
    assert!(since.is_some_and(|since| since <= platform::now()));
    assert_eq!(env.log.incarnation(&mut producer).await.unwrap(), after);
    let actions: Vec<String> = sqlx::query_scalar("select action from audit_entry")
        .fetch_all(&mut *producer)
        .await
        .unwrap();
    assert_eq!(actions, ["log.reincarnate"]);

    let mut consumer = env.qualification.acquire().await.unwrap();
    let unknown = adopt(&mut consumer, CONSUMER, PRODUCER, &caller, platform::now()).await;
    assert_eq!(unknown.unwrap_err().code(), "NOT_FOUND");
}

fn lag(shard: u16) -> String {
    format!(
        r#"eventlog_consumer_lag_events{{consumer="qualification",producer="intake",shard="{shard}"}}"#
    )
}

/// Brings the producer's database back to before its last events, as a restore
/// does.
async fn restore_without_the_last(env: &TestEnv, events: i64) {
    let mut transaction = env.intake.begin().await.unwrap();
    sqlx::query(
        "with lost as (
             delete from event where (shard, position) in (
                 select shard, position from event order by recorded_at desc limit $1)
             returning event_id)
         delete from fact where event_id in (select event_id from lost)",
    )
    .bind(events)
    .execute(&mut *transaction)
    .await
    .unwrap();
    sqlx::query(
        "update eventlog_head h set position = coalesce(
             (select max(position) from event e where e.shard = h.shard), 0)",
    )
    .execute(&mut *transaction)
    .await
    .unwrap();
    transaction.commit().await.unwrap();
}

//! Rule 7: dropped is only what is old and applied by everyone; who comes later
//! starts from a snapshot.

use std::sync::{Arc, atomic::Ordering};

use eventlog::{Log, Maintenance, consumer_service, event_log_service};
use platform::{Caller, now};
use proto::eventlog::v1::{
    ReportOffsetsRequest, ShardPosition, UnregisterConsumerRequest,
    consumer_service_client::ConsumerServiceClient,
    event_log_service_client::EventLogServiceClient,
};
use sqlx::PgPool;
use testkit::{Redis, RedisOptions};
use time::{Duration, OffsetDateTime};
use tonic::{Code, Request, Status};

use crate::{
    applying_is_total::request,
    env::{CONSUMER, PRODUCER, Running, SHARDS, TestEnv, stream_entries, streams},
    ledger::Ledger,
    served_to_consumers::Nothing,
};

const RETENTION: Duration = Duration::days(30);
/// The last position of the first partition.
const LAST: i64 = 100_000;

#[tokio::test(flavor = "multi_thread")]
async fn partitions_are_made_ahead_by_any_number_of_replicas() {
    let env = TestEnv::new("made_ahead").await;
    move_heads(&env, LAST).await;
    let keepers = [maintenance(&env), maintenance(&env), maintenance(&env)];
    let rounds = keepers.iter().map(|keeper| keeper.step(now()));
    for round in futures::future::join_all(rounds).await {
        round.unwrap();
    }
    // Beyond the first partition there is room for what comes.
    env.append(&env.subject_in(0), &["beyond"]).await;
    assert_eq!(
        partitions(&env).await,
        ["event_from_1", "event_from_100001", "event_from_200001"]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_slowest_registered_consumer_needs_is_kept() {
    let env = TestEnv::new("kept").await;
    age_the_first_partition(&env).await;
    register(&env, "statistics", LAST).await;
    register(&env, "qualification", LAST - 1).await;
    maintenance(&env).step(now() + RETENTION * 2).await.unwrap();
    assert_eq!(partitions(&env).await[0], "event_from_1");

    register(&env, "qualification", LAST).await;
    maintenance(&env).step(now() + RETENTION * 2).await.unwrap();
    assert_eq!(partitions(&env).await[0], "event_from_100001");
    assert_eq!(
        floors(&env).await,
        vec![LAST.cast_unsigned(); usize::from(SHARDS)]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn consumers_of_one_service_are_registered_each_for_itself() {
    let env = TestEnv::new("two_of_a_service").await;
    age_the_first_partition(&env).await;
    // The release before reports under no name, or its service's.
    report(&env, "", LAST).await.unwrap();
    report(&env, "statistics/facts", LAST - 1).await.unwrap();
    report(&env, "statistics", LAST).await.unwrap();
    let keeper = maintenance(&env);
    keeper.step(now() + RETENTION * 2).await.unwrap();
    assert_eq!(partitions(&env).await[0], "event_from_1");
    assert_eq!(
        registered(&env).await,
        [
            ("statistics".to_owned(), LAST),
            ("statistics/facts".to_owned(), LAST - 1)
        ]
    );

    let operators = consumer_service(env.intake.clone(), Some(env.log.clone()), Vec::new());
    let forget = UnregisterConsumerRequest {
        consumer: "statistics/facts".to_owned(),
    };
    ConsumerServiceClient::new(operators)
        .unregister_consumer(request(forget))
        .await
        .unwrap();
    assert_eq!(registered(&env).await, [("statistics".to_owned(), LAST)]);
    keeper.step(now() + RETENTION * 2).await.unwrap();
    assert_eq!(partitions(&env).await[0], "event_from_100001");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_registers_consumers_of_its_own_alone() {
    let env = TestEnv::new("own_alone").await;
    for (consumer, code) in [
        ("qualification", Code::PermissionDenied),
        ("qualification/facts", Code::PermissionDenied),
        ("statistics-2/facts", Code::PermissionDenied),
        ("/statistics", Code::PermissionDenied),
        ("statistics/", Code::InvalidArgument),
        ("statistics/facts/2", Code::InvalidArgument),
        ("statistics/Facts", Code::InvalidArgument),
        ("statistics/a\nb", Code::InvalidArgument),
    ] {
        let refusal = report(&env, consumer, 0).await.unwrap_err();
        assert_eq!(refusal.code(), code, "{consumer}");
    }
    let long = format!("statistics/{}", "x".repeat(64));
    let refusal = report(&env, &long, 0).await.unwrap_err();
    assert_eq!(refusal.code(), Code::InvalidArgument);
    assert_eq!(registered(&env).await, []);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_consumer_reports_under_its_whole_name() {
    let env = TestEnv::new("whole_name").await;
    env.append(&env.subject_in(0), &["1"]).await;
    for (name, registrations) in [(CONSUMER, 1), ("qualification/facts", 2)] {
        let ledger: Arc<Ledger> = Ledger::new();
        let consumer = env.consumer_of(&env.channel(), name, ledger);
        let consumer = Running::consumer(consumer);
        let is_registered = |of: &(String, i64)| *of == (name.to_owned(), 1);
        testkit::eventually(async || registered(&env).await.iter().any(is_registered)).await;
        consumer.stop().await;
        assert_eq!(registered(&env).await.len(), registrations);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn maintenance_works_through_its_own_pool_alone() {
    let env = TestEnv::new("own_pool").await;
    let pool = PgPool::connect_with(env.intake.connect_options().as_ref().clone())
        .await
        .unwrap();
    let log = Log::open(pool.clone(), PRODUCER, SHARDS).await.unwrap();
    pool.close().await;
    age_the_first_partition(&env).await;
    register(&env, CONSUMER, LAST).await;
    let keeper = Maintenance::new(log, env.intake.clone(), RETENTION);
    keeper.step(now() + RETENTION * 2).await.unwrap();
    assert_eq!(partitions(&env).await[0], "event_from_100001");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_consumer_that_told_nothing_about_a_shard_needs_all_of_it() {
    let env = TestEnv::new("silent_shard").await;
    age_the_first_partition(&env).await;
    register(&env, "qualification", LAST).await;
    sqlx::query("delete from eventlog_registration where shard = 2")
        .execute(&env.intake)
        .await
        .unwrap();
    maintenance(&env).step(now() + RETENTION * 2).await.unwrap();
    assert_eq!(floors(&env).await, vec![0; usize::from(SHARDS)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_younger_than_the_retention_is_kept_though_everyone_applied_it() {
    let env = TestEnv::new("young").await;
    age_the_first_partition(&env).await;
    register(&env, "qualification", LAST).await;
    maintenance(&env)
        .step(now() + RETENTION - Duration::hours(1))
        .await
        .unwrap();
    assert_eq!(floors(&env).await, vec![0; usize::from(SHARDS)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_consumer_below_the_floor_starts_from_a_snapshot_and_goes_on_from_there() {
    let env = TestEnv::new("snapshot").await;
    env.append_many(0..10).await;
    drop_the_first_partition(&env).await;
    env.append("report/after", &["after the drop"]).await;

    let consumer = Running::consumer(env.consumer(&Ledger::new()));
    env.until_applied(11).await;
    env.append("report/later", &["later"]).await;
    let entries = env.until_applied(12).await;
    consumer.stop().await;
    assert!(entries.iter().all(|entry| entry.times == 1));
    assert_eq!(entries[11].text, "later");
    assert!(entries[11].position > LAST);
    assert_eq!(
        entries.iter().filter(|entry| entry.position == 0).count(),
        11
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_consumer_that_was_forgotten_and_fell_below_the_floor_catches_up_from_a_snapshot() {
    let env = TestEnv::new("forgotten").await;
    env.append_many(0..10).await;
    let consumer = Running::consumer(env.consumer(&Ledger::new()));
    env.until_applied(10).await;
    env.until_caught_up().await;
    consumer.stop().await;
    env.append_many(10..15).await;
    sqlx::query("delete from eventlog_registration")
        .execute(&env.intake)
        .await
        .unwrap();
    drop_the_first_partition(&env).await;

    let consumer = Running::consumer(env.consumer(&Ledger::new()));
    let entries = env.until_applied(15).await;
    env.until_caught_up().await;
    consumer.stop().await;
    assert_eq!(entries.len(), 15);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_snapshot_that_breaks_off_goes_on_and_misses_nothing_that_changed_meanwhile() {
    let env = TestEnv::new("broken_off").await;
    env.append_many(0..10).await;
    drop_the_first_partition(&env).await;
    // Three to a page: the last is alone on its own.
    let texts: Vec<String> = sqlx::query_scalar("select text from fact order by event_id")
        .fetch_all(&env.intake)
        .await
        .unwrap();
    let ledger = Ledger::new();
    ledger.hold_up(&texts[9]);
    let consumer = Running::consumer(env.consumer(&ledger));
    env.until_applied(9).await;
    // Some come before the cursor, some after.
    env.append_many(10..30).await;
    let held_up = ledger.attempts.load(Ordering::SeqCst);
    testkit::eventually(async || ledger.attempts.load(Ordering::SeqCst) > held_up + 1).await;
    ledger.cure();

    let entries = env.until_applied(30).await;
    env.until_caught_up().await;
    consumer.stop().await;
    let times = |text: &String| entries.iter().find(|e| e.text == *text).unwrap().times;
    assert!(texts[..9].iter().all(|text| times(text) == 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_that_ends_below_the_floor_goes_on_above_it() {
    let env = TestEnv::new("stream_below").await;
    let redis = Redis::start(RedisOptions::default()).await.unwrap();
    let mut publisher = env.publisher(&streams(&redis.url()));
    env.append(&env.subject_in(0), &["1", "2", "3"]).await;
    publisher.step().await.unwrap();
    drop_the_first_partition(&env).await;
    env.append(&env.subject_in(0), &["after"]).await;
    publisher.step().await.unwrap();
    assert_eq!(stream_entries(&redis).await, 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_poisonous_event_of_a_snapshot_is_parked_alone() {
    let env = TestEnv::new("bad_snapshot").await;
    env.append_many(0..5).await;
    env.append("report/bad", &["bad"]).await;
    drop_the_first_partition(&env).await;
    let ledger = Ledger::new();
    ledger.poison("bad");
    let consumer = Running::consumer(env.consumer(&ledger));
    env.until_applied(5).await;
    env.until_caught_up().await;
    consumer.stop().await;
    assert_eq!(
        env.parked().await,
        [("report/bad".to_owned(), "test_poison".to_owned())]
    );
}

fn maintenance(env: &TestEnv) -> Maintenance {
    Maintenance::new(env.log.clone(), env.intake.clone(), RETENTION)
}

/// Lets the heads stand at the end of the first partition, and a mark say since
/// when.
async fn age_the_first_partition(env: &TestEnv) {
    move_heads(env, LAST).await;
    maintenance(env).step(now()).await.unwrap();
    // The next positions belong to the second partition.
    move_heads(env, LAST + 1).await;
}

/// Lets the first partition be old and applied by everyone, and drops it.
async fn drop_the_first_partition(env: &TestEnv) {
    age_the_first_partition(env).await;
    // Facts stay; their announcements go.
    move_heads(env, LAST).await;
    maintenance(env).step(now() + RETENTION * 2).await.unwrap();
    assert_eq!(
        floors(env).await,
        vec![LAST.cast_unsigned(); usize::from(SHARDS)]
    );
    let reopened = Log::open(env.intake.clone(), PRODUCER, SHARDS).await;
    assert!(reopened.is_ok(), "a log opens after a drop");
}

async fn move_heads(env: &TestEnv, position: i64) {
    sqlx::query("update eventlog_head set position = $1")
        .bind(position)
        .execute(&env.intake)
        .await
        .unwrap();
}

/// Reports as a consumer of statistics does that has applied every shard up to a position.
async fn report(env: &TestEnv, consumer: &str, position: i64) -> Result<(), Status> {
    let mut conn = env.intake.acquire().await.unwrap();
    let applied = (0..SHARDS).map(|shard| ShardPosition {
        shard: u32::from(shard),
        position: position.cast_unsigned(),
    });
    let mut request = Request::new(ReportOffsetsRequest {
        incarnation: env.log.incarnation(&mut conn).await.unwrap().to_string(),
        applied: applied.collect(),
        consumer: consumer.to_owned(),
    });
    drop(conn);
    let statistics = Caller::service("statistics");
    request.extensions_mut().insert(statistics);
    let service = event_log_service(
        env.log.clone(),
        env.intake.clone(),
        Arc::new(Nothing),
        &[CONSUMER, "statistics"],
    );
    let mut client = EventLogServiceClient::new(service);
    client.report_offsets(request).await.map(|_| ())
}

/// The consumers that hold events of the first shard back, and up to where.
async fn registered(env: &TestEnv) -> Vec<(String, i64)> {
    sqlx::query_as(
        "select consumer, position from eventlog_registration where shard = 0 order by consumer",
    )
    .fetch_all(&env.intake)
    .await
    .unwrap()
}

pub(crate) async fn register(env: &TestEnv, consumer: &str, position: i64) {
    sqlx::query(
        "insert into eventlog_registration (consumer, shard, position, reported_at)
         select $1, shard, $2, $3 from eventlog_head
         on conflict (consumer, shard) do update set position = excluded.position",
    )
    .bind(consumer)
    .bind(position)
    .bind(OffsetDateTime::UNIX_EPOCH)
    .execute(&env.intake)
    .await
    .unwrap();
}

pub(crate) async fn floors(env: &TestEnv) -> Vec<u64> {
    let mut conn = env.intake.acquire().await.unwrap();
    env.log.floors(&mut conn).await.unwrap()
}

pub(crate) async fn partitions(env: &TestEnv) -> Vec<String> {
    sqlx::query_scalar(
        "select c.relname::text from pg_inherits i join pg_class c on i.inhrelid = c.oid
         where i.inhparent = 'event'::regclass order by 1",
    )
    .fetch_all(&env.intake)
    .await
    .unwrap()
}

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
    ledger::Ledger,
    served_to_consumers::Nothing,
    world::{CONSUMER, PRODUCER, Running, SHARDS, World, stream_entries, streams},
};

const RETENTION: Duration = Duration::days(30);
/// The last position of the first partition.
const LAST: i64 = 100_000;

#[tokio::test(flavor = "multi_thread")]
async fn partitions_are_made_ahead_by_any_number_of_replicas() {
    let world = World::new("made_ahead").await;
    move_heads(&world, LAST).await;
    let keepers = [
        maintenance(&world),
        maintenance(&world),
        maintenance(&world),
    ];
    let rounds = keepers.iter().map(|keeper| keeper.step(now()));
    for round in futures::future::join_all(rounds).await {
        round.unwrap();
    }
    // Beyond the first partition there is room for what comes.
    world.append(&world.subject_in(0), &["beyond"]).await;
    assert_eq!(
        partitions(&world).await,
        ["event_from_1", "event_from_100001", "event_from_200001"]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_slowest_registered_consumer_needs_is_kept() {
    let world = World::new("kept").await;
    age_the_first_partition(&world).await;
    register(&world, "statistics", LAST).await;
    register(&world, "qualification", LAST - 1).await;
    maintenance(&world)
        .step(now() + RETENTION * 2)
        .await
        .unwrap();
    assert_eq!(partitions(&world).await[0], "event_from_1");

    register(&world, "qualification", LAST).await;
    maintenance(&world)
        .step(now() + RETENTION * 2)
        .await
        .unwrap();
    assert_eq!(partitions(&world).await[0], "event_from_100001");
    assert_eq!(
        floors(&world).await,
        vec![LAST.cast_unsigned(); usize::from(SHARDS)]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn consumers_of_one_service_are_registered_each_for_itself() {
    let world = World::new("two_of_a_service").await;
    age_the_first_partition(&world).await;
    // The release before reports under no name, or its service's.
    report(&world, "", LAST).await.unwrap();
    report(&world, "statistics/facts", LAST - 1).await.unwrap();
    report(&world, "statistics", LAST).await.unwrap();
    let keeper = maintenance(&world);
    keeper.step(now() + RETENTION * 2).await.unwrap();
    assert_eq!(partitions(&world).await[0], "event_from_1");
    assert_eq!(
        registered(&world).await,
        [
            ("statistics".to_owned(), LAST),
            ("statistics/facts".to_owned(), LAST - 1)
        ]
    );

    let operators = consumer_service(world.intake.clone(), Some(world.log.clone()), Vec::new());
    let forget = UnregisterConsumerRequest {
        consumer: "statistics/facts".to_owned(),
    };
    ConsumerServiceClient::new(operators)
        .unregister_consumer(request(forget))
        .await
        .unwrap();
    assert_eq!(registered(&world).await, [("statistics".to_owned(), LAST)]);
    keeper.step(now() + RETENTION * 2).await.unwrap();
    assert_eq!(partitions(&world).await[0], "event_from_100001");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_registers_consumers_of_its_own_alone() {
    let world = World::new("own_alone").await;
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
        let refusal = report(&world, consumer, 0).await.unwrap_err();
        assert_eq!(refusal.code(), code, "{consumer}");
    }
    let long = format!("statistics/{}", "x".repeat(64));
    let refusal = report(&world, &long, 0).await.unwrap_err();
    assert_eq!(refusal.code(), Code::InvalidArgument);
    assert_eq!(registered(&world).await, []);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_consumer_reports_under_its_whole_name() {
    let world = World::new("whole_name").await;
    world.append(&world.subject_in(0), &["1"]).await;
    for (name, registrations) in [(CONSUMER, 1), ("qualification/facts", 2)] {
        let ledger: Arc<Ledger> = Ledger::new();
        let consumer = world.consumer_of(&world.channel(), name, ledger);
        let consumer = Running::consumer(consumer);
        let is_registered = |of: &(String, i64)| *of == (name.to_owned(), 1);
        testkit::eventually(async || registered(&world).await.iter().any(is_registered)).await;
        consumer.stop().await;
        assert_eq!(registered(&world).await.len(), registrations);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn maintenance_works_through_its_own_pool_alone() {
    let world = World::new("own_pool").await;
    let pool = PgPool::connect_with(world.intake.connect_options().as_ref().clone())
        .await
        .unwrap();
    let log = Log::open(pool.clone(), PRODUCER, SHARDS).await.unwrap();
    pool.close().await;
    age_the_first_partition(&world).await;
    register(&world, CONSUMER, LAST).await;
    let keeper = Maintenance::new(log, world.intake.clone(), RETENTION);
    keeper.step(now() + RETENTION * 2).await.unwrap();
    assert_eq!(partitions(&world).await[0], "event_from_100001");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_consumer_that_told_nothing_about_a_shard_needs_all_of_it() {
    let world = World::new("silent_shard").await;
    age_the_first_partition(&world).await;
    register(&world, "qualification", LAST).await;
    sqlx::query("delete from eventlog_registration where shard = 2")
        .execute(&world.intake)
        .await
        .unwrap();
    maintenance(&world)
        .step(now() + RETENTION * 2)
        .await
        .unwrap();
    assert_eq!(floors(&world).await, vec![0; usize::from(SHARDS)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_younger_than_the_retention_is_kept_though_everyone_applied_it() {
    let world = World::new("young").await;
    age_the_first_partition(&world).await;
    register(&world, "qualification", LAST).await;
    maintenance(&world)
        .step(now() + RETENTION - Duration::hours(1))
        .await
        .unwrap();
    assert_eq!(floors(&world).await, vec![0; usize::from(SHARDS)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_consumer_below_the_floor_starts_from_a_snapshot_and_goes_on_from_there() {
    let world = World::new("snapshot").await;
    world.append_many(0..10).await;
    drop_the_first_partition(&world).await;
    world.append("report/after", &["after the drop"]).await;

    let consumer = Running::consumer(world.consumer(&Ledger::new()));
    world.until_applied(11).await;
    world.append("report/later", &["later"]).await;
    let entries = world.until_applied(12).await;
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
    let world = World::new("forgotten").await;
    world.append_many(0..10).await;
    let consumer = Running::consumer(world.consumer(&Ledger::new()));
    world.until_applied(10).await;
    world.until_caught_up().await;
    consumer.stop().await;
    world.append_many(10..15).await;
    sqlx::query("delete from eventlog_registration")
        .execute(&world.intake)
        .await
        .unwrap();
    drop_the_first_partition(&world).await;

    let consumer = Running::consumer(world.consumer(&Ledger::new()));
    let entries = world.until_applied(15).await;
    world.until_caught_up().await;
    consumer.stop().await;
    assert_eq!(entries.len(), 15);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_snapshot_that_breaks_off_goes_on_and_misses_nothing_that_changed_meanwhile() {
    let world = World::new("broken_off").await;
    world.append_many(0..10).await;
    drop_the_first_partition(&world).await;
    // Three to a page: the last is alone on its own.
    let texts: Vec<String> = sqlx::query_scalar("select text from fact order by event_id")
        .fetch_all(&world.intake)
        .await
        .unwrap();
    let ledger = Ledger::new();
    ledger.hold_up(&texts[9]);
    let consumer = Running::consumer(world.consumer(&ledger));
    world.until_applied(9).await;
    // Some come before the cursor, some after.
    world.append_many(10..30).await;
    let held_up = ledger.attempts.load(Ordering::SeqCst);
    testkit::eventually(async || ledger.attempts.load(Ordering::SeqCst) > held_up + 1).await;
    ledger.cure();

    let entries = world.until_applied(30).await;
    world.until_caught_up().await;
    consumer.stop().await;
    let times = |text: &String| entries.iter().find(|e| e.text == *text).unwrap().times;
    assert!(texts[..9].iter().all(|text| times(text) == 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_that_ends_below_the_floor_goes_on_above_it() {
    let world = World::new("stream_below").await;
    let redis = Redis::start(RedisOptions::default()).await.unwrap();
    let mut publisher = world.publisher(&streams(&redis.url()));
    world.append(&world.subject_in(0), &["1", "2", "3"]).await;
    publisher.step().await.unwrap();
    drop_the_first_partition(&world).await;
    world.append(&world.subject_in(0), &["after"]).await;
    publisher.step().await.unwrap();
    assert_eq!(stream_entries(&redis).await, 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_poisonous_event_of_a_snapshot_is_parked_alone() {
    let world = World::new("bad_snapshot").await;
    world.append_many(0..5).await;
    world.append("report/bad", &["bad"]).await;
    drop_the_first_partition(&world).await;
    let ledger = Ledger::new();
    ledger.poison("bad");
    let consumer = Running::consumer(world.consumer(&ledger));
    world.until_applied(5).await;
    world.until_caught_up().await;
    consumer.stop().await;
    assert_eq!(
        world.parked().await,
        [("report/bad".to_owned(), "test_poison".to_owned())]
    );
}

fn maintenance(world: &World) -> Maintenance {
    Maintenance::new(world.log.clone(), world.intake.clone(), RETENTION)
}

/// Lets the heads stand at the end of the first partition, and a mark say since
/// when.
async fn age_the_first_partition(world: &World) {
    move_heads(world, LAST).await;
    maintenance(world).step(now()).await.unwrap();
    // The next positions belong to the second partition.
    move_heads(world, LAST + 1).await;
}

/// Lets the first partition be old and applied by everyone, and drops it.
async fn drop_the_first_partition(world: &World) {
    age_the_first_partition(world).await;
    // Facts stay; their announcements go.
    move_heads(world, LAST).await;
    maintenance(world)
        .step(now() + RETENTION * 2)
        .await
        .unwrap();
    assert_eq!(
        floors(world).await,
        vec![LAST.cast_unsigned(); usize::from(SHARDS)]
    );
    let reopened = Log::open(world.intake.clone(), PRODUCER, SHARDS).await;
    assert!(reopened.is_ok(), "a log opens after a drop");
}

async fn move_heads(world: &World, position: i64) {
    sqlx::query("update eventlog_head set position = $1")
        .bind(position)
        .execute(&world.intake)
        .await
        .unwrap();
}

/// Reports as a consumer of statistics does that has applied every shard up to a position.
async fn report(world: &World, consumer: &str, position: i64) -> Result<(), Status> {
    let mut conn = world.intake.acquire().await.unwrap();
    let applied = (0..SHARDS).map(|shard| ShardPosition {
        shard: u32::from(shard),
        position: position.cast_unsigned(),
    });
    let mut request = Request::new(ReportOffsetsRequest {
        incarnation: world.log.incarnation(&mut conn).await.unwrap().to_string(),
        applied: applied.collect(),
        consumer: consumer.to_owned(),
    });
    drop(conn);
    let statistics = Caller::service("statistics");
    request.extensions_mut().insert(statistics);
    let service = event_log_service(
        world.log.clone(),
        world.intake.clone(),
        Arc::new(Nothing),
        &[CONSUMER, "statistics"],
    );
    let mut client = EventLogServiceClient::new(service);
    client.report_offsets(request).await.map(|_| ())
}

/// The consumers that hold events of the first shard back, and up to where.
async fn registered(world: &World) -> Vec<(String, i64)> {
    sqlx::query_as(
        "select consumer, position from eventlog_registration where shard = 0 order by consumer",
    )
    .fetch_all(&world.intake)
    .await
    .unwrap()
}

pub(crate) async fn register(world: &World, consumer: &str, position: i64) {
    sqlx::query(
        "insert into eventlog_registration (consumer, shard, position, reported_at)
         select $1, shard, $2, $3 from eventlog_head
         on conflict (consumer, shard) do update set position = excluded.position",
    )
    .bind(consumer)
    .bind(position)
    .bind(OffsetDateTime::UNIX_EPOCH)
    .execute(&world.intake)
    .await
    .unwrap();
}

pub(crate) async fn floors(world: &World) -> Vec<u64> {
    let mut conn = world.intake.acquire().await.unwrap();
    world.log.floors(&mut conn).await.unwrap()
}

pub(crate) async fn partitions(world: &World) -> Vec<String> {
    sqlx::query_scalar(
        "select c.relname::text from pg_inherits i join pg_class c on i.inhrelid = c.oid
         where i.inhparent = 'event'::regclass order by 1",
    )
    .fetch_all(&world.intake)
    .await
    .unwrap()
}

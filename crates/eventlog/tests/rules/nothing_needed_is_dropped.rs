//! Rule 7: dropped is only what is old and applied by everyone; who comes later
//! starts from a snapshot.

use std::sync::atomic::Ordering;

use eventlog::{Log, Maintenance};
use platform::now;
use testkit::{Redis, RedisOptions};
use time::{Duration, OffsetDateTime};

use crate::{
    ledger::Ledger,
    world::{PRODUCER, Running, SHARDS, World, stream_entries, streams},
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
    Maintenance::new(world.log.clone(), RETENTION)
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

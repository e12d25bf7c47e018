//! Rule 7 where there are few events: a month that is over is dropped like a partition
//! that is full.

use eventlog::Maintenance;
use time::{Duration, OffsetDateTime, macros::datetime};

use crate::{
    ledger::Ledger,
    nothing_needed_is_dropped::{floors, partitions, register},
    world::{CONSUMER, Running, World},
};

/// A log opened in January.
async fn world(label: &str) -> World {
    let world = World::new(label).await;
    sqlx::query("update eventlog_meta set opened_at = '2026-01-10 00:00:00+00'")
        .execute(&world.intake)
        .await
        .unwrap();
    world
}

async fn step(world: &World, now: OffsetDateTime) {
    let maintenance = Maintenance::new(world.log.clone(), world.intake.clone(), Duration::days(30));
    maintenance.step(now).await.unwrap();
}

/// Tells that a consumer has applied everything.
async fn register_all(world: &World) {
    register(world, CONSUMER, 0).await;
    sqlx::query(
        "update eventlog_registration r set position = h.position
         from eventlog_head h where r.shard = h.shard",
    )
    .execute(&world.intake)
    .await
    .unwrap();
}

async fn append_to_all(world: &World, counts: [usize; 4]) {
    for (shard, count) in (0..).zip(counts) {
        let subject = world.subject_in(shard);
        world.append(&subject, &vec!["x"; count]).await;
    }
}

async fn rows(world: &World) -> i64 {
    sqlx::query_scalar("select count(*) from event")
        .fetch_one(&world.intake)
        .await
        .unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_of_few_events_drops_a_month_that_is_old_and_applied() {
    let world = world("few_events").await;
    append_to_all(&world, [5, 6, 7, 8]).await;
    let january = *world.heads().await.iter().max().unwrap();
    step(&world, datetime!(2026-01-31 23:59 UTC)).await;
    let february = format!("event_from_{}", january + 1);
    assert!(!partitions(&world).await.contains(&february));
    step(&world, datetime!(2026-02-01 00:01 UTC)).await;
    assert!(partitions(&world).await.contains(&february));
    append_to_all(&world, [5; 4]).await;
    assert!(world.heads().await.iter().all(|&head| head > january));
    step(&world, datetime!(2026-02-02 00:00 UTC)).await;
    append_to_all(&world, [3; 4]).await;

    register_all(&world).await;
    step(&world, datetime!(2026-03-01 00:00 UTC)).await;
    assert_eq!(rows(&world).await, 58, "it is not old");
    register(&world, CONSUMER, january.cast_signed() - 1).await;
    step(&world, datetime!(2026-03-10 00:00 UTC)).await;
    assert_eq!(rows(&world).await, 58, "the slowest consumer needs it");
    register_all(&world).await;
    step(&world, datetime!(2026-03-10 00:01 UTC)).await;
    assert_eq!(floors(&world).await, vec![january; 4]);
    assert!(
        !partitions(&world)
            .await
            .contains(&"event_from_1".to_owned())
    );
    let left = world.heads().await.into_iter().map(|head| head - january);
    assert_eq!(rows(&world).await, left.sum::<u64>().cast_signed());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shard_that_stands_still_holds_nothing_back_and_goes_on_below_the_others() {
    let world = world("stands_still").await;
    world.append(&world.subject_in(0), &["1", "2", "3"]).await;
    world.append(&world.subject_in(1), &["1"]).await;
    let consumer = Running::consumer(world.consumer(&Ledger::new()));
    world.until_applied(4).await;
    world.until_caught_up().await;
    consumer.stop().await;
    register_all(&world).await;
    step(&world, datetime!(2026-02-01 00:01 UTC)).await;
    step(&world, datetime!(2026-04-01 00:01 UTC)).await;
    assert_eq!(rows(&world).await, 0);
    assert_eq!(floors(&world).await, [3, 1, 0, 0]);
    // There is nothing more to drop, and nothing is made anew.
    let before = partitions(&world).await;
    step(&world, datetime!(2026-04-01 00:03 UTC)).await;
    assert_eq!(partitions(&world).await, before);

    for shard in 0..4 {
        world.append(&world.subject_in(shard), &["later"]).await;
    }
    let consumer = Running::consumer(world.consumer(&Ledger::new()));
    let entries = world.until_applied(8).await;
    consumer.stop().await;
    let mut later: Vec<(i32, i64)> = entries[4..].iter().map(|e| (e.shard, e.position)).collect();
    later.sort_unstable();
    assert_eq!(later, [(0, 4), (1, 2), (2, 1), (3, 1)]);
    assert!(entries.iter().all(|entry| entry.times == 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_month_without_events_begins_no_partition() {
    let world = world("no_events").await;
    let before = partitions(&world).await;
    step(&world, datetime!(2026-02-01 00:01 UTC)).await;
    step(&world, datetime!(2026-03-01 00:01 UTC)).await;
    assert_eq!(partitions(&world).await, before);
}

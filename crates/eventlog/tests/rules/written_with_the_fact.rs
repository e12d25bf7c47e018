//! Rule 1: positions are gapless and in commit order; nobody waits in a circle or
//! for ever.

use std::{
    sync::atomic::{AtomicUsize, Ordering},
    time::{Duration, Instant},
};

use eventlog::{Log, NewEvent, OpenError, erase_data_keys, in_transaction};
use futures::FutureExt as _;
use platform::Error;
use rand::{Rng as _, SeedableRng as _, rngs::StdRng, seq::SliceRandom as _};
use tokio::task::JoinSet;

use crate::env::{PRODUCER, SHARDS, TestEnv, event};

#[tokio::test(flavor = "multi_thread")]
async fn positions_are_gapless_and_appear_in_order_under_writers_that_abort_at_random() {
    let env = TestEnv::new("gapless").await;
    let mut writers = JoinSet::new();
    for seed in 0..8 {
        let (log, pool) = (env.log.clone(), env.intake.clone());
        writers
            .spawn(async move { write_at_random(&log, &pool, StdRng::seed_from_u64(seed)).await });
    }
    // A reader that only ever reads on must miss nothing.
    let mut seen = vec![0_u64; usize::from(SHARDS)];
    let mut committed = 0;
    let mut writing = true;
    while writing {
        if let Some(count) = writers.try_join_next() {
            committed += count.unwrap();
        }
        // Looked at before the last read, so that it sees everything.
        writing = !writers.is_empty();
        read_on(&env, &mut seen).await;
    }
    assert_eq!(seen, env.heads().await);
    assert_eq!(seen.iter().sum::<u64>(), committed);
    assert!(committed > 0);
}

/// Commits and aborts transactions of one to three events; returns how many events
/// were committed.
async fn write_at_random(log: &Log, pool: &sqlx::PgPool, mut random: StdRng) -> u64 {
    let mut committed = 0;
    for number in 0..40 {
        let mut transaction = pool.begin().await.unwrap();
        let count = random.random_range(1..=3);
        let events: Vec<NewEvent> = (0..count)
            .map(|_| event(&format!("report/{}", random.random_range(0..30)), "x"))
            .collect();
        log.append(&mut transaction, &events).await.unwrap();
        if random.random_bool(0.3) {
            transaction.rollback().await.unwrap();
        } else if number % 7 == 0 {
            drop(transaction);
        } else {
            transaction.commit().await.unwrap();
            committed += count;
        }
    }
    committed
}

async fn read_on(env: &TestEnv, seen: &mut [u64]) {
    let mut conn = env.intake.acquire().await.unwrap();
    for (shard, seen) in (0..).zip(seen) {
        for event in env.log.page(&mut conn, shard, *seen, 1000).await.unwrap() {
            assert_eq!(event.position, *seen + 1, "shard {shard}");
            *seen = event.position;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn events_of_a_shard_keep_the_order_in_which_they_were_given() {
    let env = TestEnv::new("given_order").await;
    let subject = env.subject_in(2);
    env.append(&subject, &["a", "b", "c", "d", "e", "f"]).await;
    env.append(&subject, &["g"]).await;
    let mut conn = env.intake.acquire().await.unwrap();
    let page = env.log.page(&mut conn, 2, 0, 10).await.unwrap();
    let texts: Vec<String> = page
        .iter()
        .map(|event| {
            event
                .decode::<proto::events::v1::ReportWithdrawn>()
                .unwrap()
                .reference
        })
        .collect();
    assert_eq!(texts, ["a", "b", "c", "d", "e", "f", "g"]);
    assert_eq!(
        page.iter().map(|event| event.position).collect::<Vec<_>>(),
        [1, 2, 3, 4, 5, 6, 7]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn appends_that_cross_do_not_deadlock() {
    let env = TestEnv::new("crossed").await;
    let subjects: Vec<String> = (0..SHARDS).map(|shard| env.subject_in(shard)).collect();
    let mut writers = JoinSet::new();
    for seed in 0..6 {
        let (log, pool, mut subjects) = (env.log.clone(), env.intake.clone(), subjects.clone());
        writers.spawn(async move {
            let mut random = StdRng::seed_from_u64(seed);
            for _ in 0..30 {
                subjects.shuffle(&mut random);
                let events: Vec<NewEvent> =
                    subjects.iter().map(|subject| event(subject, "x")).collect();
                let mut transaction = pool.begin().await.unwrap();
                log.append(&mut transaction, &events).await.unwrap();
                transaction.commit().await.unwrap();
            }
        });
    }
    writers.join_all().await;
    assert_eq!(env.heads().await, vec![180; usize::from(SHARDS)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_frozen_holder_of_a_shard_is_cut_off_and_the_others_go_on() {
    let env = TestEnv::new("frozen").await;
    let mut frozen = env.intake.begin().await.unwrap();
    env.log
        .append(&mut frozen, &[event("report/1", "never finished")])
        .await
        .unwrap();

    let started = Instant::now();
    let tries = AtomicUsize::new(0);
    in_transaction(&env.intake, &(&env.log, &tries), |conn, (log, tries)| {
        async move {
            tries.fetch_add(1, Ordering::SeqCst);
            log.append(conn, &[event("report/1", "finished")]).await
        }
        .boxed()
    })
    .await
    .unwrap();

    assert!(
        tries.into_inner() > 1,
        "the first try must have met the holder"
    );
    assert!(
        started.elapsed() < Duration::from_secs(12),
        "{:?}",
        started.elapsed()
    );
    assert_eq!(env.heads().await.iter().sum::<u64>(), 1);
    assert!(
        frozen.commit().await.is_err(),
        "the frozen session must be gone"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn work_runs_again_after_its_connection_was_lost() {
    let env = TestEnv::new("lost_connection").await;
    let (pool, log) = (env.intake.clone(), env.log.clone());
    // In a task of its own, as a service does.
    let work = async move {
        let tries = AtomicUsize::new(0);
        in_transaction(&pool, &(&log, &tries), |conn, (log, tries)| {
            async move {
                if tries.fetch_add(1, Ordering::SeqCst) == 0 {
                    sqlx::query("select pg_terminate_backend(pg_backend_pid())")
                        .execute(&mut *conn)
                        .await?;
                }
                log.append(conn, &[event("report/1", "x")]).await
            }
            .boxed()
        })
        .await
        .unwrap();
        tries.into_inner()
    };
    let mut tasks = JoinSet::new();
    tasks.spawn(work);
    assert_eq!(tasks.join_next().await.unwrap().unwrap(), 2);
    assert_eq!(env.heads().await.iter().sum::<u64>(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_of_the_domain_is_not_tried_again() {
    let env = TestEnv::new("refusal").await;
    let tries = AtomicUsize::new(0);
    let refused: platform::Result<()> = in_transaction(&env.intake, &tries, |_, tries| {
        async move {
            tries.fetch_add(1, Ordering::SeqCst);
            Err(Error::aborted("ETAG_MISMATCH", "read it again"))
        }
        .boxed()
    })
    .await;
    assert_eq!(refused.unwrap_err().code(), "ETAG_MISMATCH");
    assert_eq!(tries.into_inner(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_beyond_64_kib_is_refused_by_name() {
    let env = TestEnv::new("too_large").await;
    let mut transaction = env.intake.begin().await.unwrap();
    let large = event("report/1", &"x".repeat(eventlog::MAX_PAYLOAD_BYTES));
    let refused = env
        .log
        .append(&mut transaction, &[large])
        .await
        .unwrap_err();
    assert_eq!(refused.code(), "EVENT_TOO_LARGE");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_without_room_is_no_fault_of_the_events() {
    let env = TestEnv::new("no_room").await;
    sqlx::query("update eventlog_head set position = 1000000000000")
        .execute(&env.intake)
        .await
        .unwrap();
    let mut transaction = env.intake.begin().await.unwrap();
    let events = [event("report/1", "x")];
    let refused = env.log.append(&mut transaction, &events).await;
    let refused = refused.unwrap_err();
    assert_eq!(refused.code(), "LOG_FULL");
    assert!(refused.retryable());
}

#[tokio::test(flavor = "multi_thread")]
async fn another_number_of_shards_than_at_installation_is_refused() {
    let env = TestEnv::new("other_shards").await;
    let refused = Log::open(env.intake.clone(), PRODUCER, SHARDS * 2)
        .await
        .unwrap_err();
    assert!(
        matches!(
            refused,
            OpenError::Shards {
                installed: 4,
                configured: 8
            }
        ),
        "{refused}"
    );
    let refused = Log::open(env.intake.clone(), "notification", SHARDS)
        .await
        .unwrap_err();
    assert!(matches!(refused, OpenError::Producer(_)), "{refused}");
    assert!(
        Log::open(env.intake.clone(), PRODUCER, SHARDS)
            .await
            .is_ok()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn erasing_a_subject_leaves_its_events_without_a_key() {
    let env = TestEnv::new("erasure").await;
    let mut transaction = env.intake.begin().await.unwrap();
    let events = [
        event("report/1", "x").with_data_key(b"wrapped".to_vec()),
        event("report/2", "y").with_data_key(b"wrapped".to_vec()),
    ];
    env.log.append(&mut transaction, &events).await.unwrap();
    assert_eq!(
        erase_data_keys(&mut transaction, &["report/1".to_owned()])
            .await
            .unwrap(),
        1
    );
    let mut left = Vec::new();
    for shard in 0..SHARDS {
        left.extend(env.log.page(&mut transaction, shard, 0, 10).await.unwrap());
    }
    let keyed: Vec<&str> = left
        .iter()
        .filter(|event| event.data_key.is_some())
        .map(|event| event.subject.as_str())
        .collect();
    assert_eq!(keyed, ["report/2"]);
}

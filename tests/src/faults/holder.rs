//! A process that is frozen while it holds a lock that all the others need.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use crate::MONTPELLIER;
use dev::Suite;
use sqlx::{Connection as _, PgConnection};
use testkit::{eventually, eventually_some};
use tokio::task::JoinSet;

use super::{
    client::Client,
    ledger::{Ledger, Line},
    load::{submission, submit, token},
    processes::{Fleet, Signal},
};

/// How long others may be held up: PostgreSQL ends a silent session that holds
/// locks after 5 s, and whoever waited tries again within seconds.
const HELD_UP: Duration = Duration::from_secs(15);
/// How long anybody asks.
const PATIENCE: Duration = Duration::from_mins(2);
/// How many others declare meanwhile.
const OTHERS: usize = 16;

/// Freezes a process of intake in the middle of a transaction that holds a head
/// of its log, and declares at the other one; returns how long that took.
///
/// While an administrator holds the heads, the process is given a report and
/// waits for them. It is frozen there, and then the heads are let go: one falls
/// to its session, which says nothing any more.
pub(super) async fn freeze_the_holder(
    suite: &Suite,
    fleet: &Fleet,
    ledger: &Arc<Ledger>,
) -> Duration {
    let director = token(suite, "director");
    let intake = Client::of(fleet, "intake", &director, &Arc::default(), PATIENCE);
    let holder = fleet.replicas("intake").next().expect("there are two");
    let url = suite.database.superuser_url();
    let mut administrator = PgConnection::connect(&url).await.unwrap();
    let mut watcher = PgConnection::connect(&url).await.unwrap();

    let caught = submission(MONTPELLIER);
    ledger.intend(&Line::asked("director", &caught)).await;
    let mut lock = administrator.begin().await.unwrap();
    sqlx::query("select from intake.eventlog_head for update")
        .execute(&mut *lock)
        .await
        .unwrap();
    let story = async {
        eventually(async || has_waiting_session(&mut watcher).await).await;
        holder.send(Signal::Freeze).await;
        lock.rollback().await.unwrap();
        let session = eventually_some(async || silent_holder(&mut watcher).await).await;

        let frozen = Instant::now();
        let mut others = JoinSet::new();
        for _ in 0..OTHERS {
            let (intake, other) = (intake.clone(), submission(MONTPELLIER));
            ledger.intend(&Line::asked("director", &other)).await;
            others.spawn(async move {
                let receipt = intake.insist(1, &other, &submit).await.unwrap();
                Line::declared(&other, &receipt)
            });
        }
        // The report itself, sent again, needs the very rows that are held.
        let again = intake.insist(1, &caught, &submit).await.unwrap();
        let others = others.join_all().await;
        let held_up = frozen.elapsed();
        assert!(!is_alive(&mut watcher, session).await);
        holder.send(Signal::Thaw).await;
        (again, others, held_up)
    };
    let (first, (again, others, held_up)) = tokio::join!(intake.insist(0, &caught, &submit), story);
    let first = first.unwrap();
    assert_eq!(first, again, "the same request has the same answer");
    ledger.note(&Line::declared(&caught, &first)).await;
    for other in &others {
        ledger.note(other).await;
    }
    assert!(held_up < HELD_UP, "held up for {held_up:?}");
    held_up
}

/// Whether a session of intake waits for a lock, and has not waited for so long
/// that it is about to give up (2 s).
async fn has_waiting_session(watcher: &mut PgConnection) -> bool {
    sqlx::query_scalar(
        "select exists (
             select from pg_stat_activity
             where usename = 'intake'
               and wait_event_type = 'Lock'
               and query_start > clock_timestamp() - interval '500 ms'
         )",
    )
    .fetch_one(watcher)
    .await
    .unwrap()
}

/// A session of intake that holds the heads and says nothing.
async fn silent_holder(watcher: &mut PgConnection) -> Option<i32> {
    sqlx::query_scalar(
        "select a.pid
         from pg_stat_activity a
         join pg_locks l on l.pid = a.pid and l.mode = 'RowExclusiveLock' and l.granted
         where a.usename = 'intake'
           and a.state = 'idle in transaction'
           and a.state_change < clock_timestamp() - interval '500 ms'
           and l.relation = 'intake.eventlog_head'::regclass",
    )
    .fetch_optional(watcher)
    .await
    .unwrap()
}

async fn is_alive(watcher: &mut PgConnection, session: i32) -> bool {
    sqlx::query_scalar("select exists (select from pg_stat_activity where pid = $1)")
        .bind(session)
        .fetch_one(watcher)
        .await
        .unwrap()
}

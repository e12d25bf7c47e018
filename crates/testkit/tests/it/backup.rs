//! A server is restored to a moment of its past.

use std::{
    collections::BTreeSet,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicI32, Ordering},
    },
};

use sqlx::{Connection, PgConnection};
use testkit::{Backup, Database, Point, Postgres, PostgresOptions, eventually};
use time::OffsetDateTime;
use tokio::task::JoinSet;

async fn connect(url: &str) -> PgConnection {
    PgConnection::connect(url).await.unwrap()
}

/// A server with a fact, 1.
async fn server(options: PostgresOptions) -> (Postgres, Database) {
    let server = Postgres::start(options).await.unwrap();
    let database = server.named_database("kept").await.unwrap();
    let mut intake = connect(&database.url("intake")).await;
    sqlx::raw_sql("create table fact (x int); insert into fact values (1)")
        .execute(&mut intake)
        .await
        .unwrap();
    (server, database)
}

/// A server with a fact of before its backup, 1, and the backup.
async fn backed_up() -> (Postgres, Database, Backup) {
    let (server, database) = server(PostgresOptions::default()).await;
    let backup = server.back_up().await.unwrap();
    (server, database, backup)
}

/// Clients that state one fact after the other, each once, from 2 on.
#[derive(Default)]
struct Load {
    next: Arc<AtomicI32>,
    acknowledged: Arc<Mutex<BTreeSet<i32>>>,
    enough: Arc<AtomicBool>,
    writers: JoinSet<()>,
}

impl Load {
    async fn start(database: &Database) -> Self {
        let mut load = Self::default();
        load.next.store(2, Ordering::SeqCst);
        for _ in 0..4 {
            let mut intake = connect(&database.url("intake")).await;
            let next = Arc::clone(&load.next);
            let acknowledged = Arc::clone(&load.acknowledged);
            let enough = Arc::clone(&load.enough);
            load.writers.spawn(async move {
                while !enough.load(Ordering::SeqCst) {
                    let fact = next.fetch_add(1, Ordering::SeqCst);
                    let insert = sqlx::query("insert into fact values ($1)").bind(fact);
                    insert.execute(&mut intake).await.unwrap();
                    acknowledged.lock().unwrap().insert(fact);
                }
            });
        }
        load
    }

    fn acknowledged(&self) -> BTreeSet<i32> {
        self.acknowledged.lock().unwrap().clone()
    }

    /// Waits for so many more facts.
    async fn more(&self, facts: usize) {
        let wanted = self.acknowledged().len() + facts;
        eventually(async || self.acknowledged().len() >= wanted).await;
    }

    /// The first fact that nobody has stated yet.
    fn first_to_come(&self) -> i32 {
        self.next.load(Ordering::SeqCst)
    }

    async fn end(&mut self) {
        self.enough.store(true, Ordering::SeqCst);
        while let Some(writer) = self.writers.join_next().await {
            writer.unwrap();
        }
    }
}

async fn insert(database: &Database, facts: std::ops::RangeInclusive<i32>) {
    let mut intake = connect(&database.url("intake")).await;
    for fact in facts {
        let insert = sqlx::query("insert into fact values ($1)").bind(fact);
        insert.execute(&mut intake).await.unwrap();
    }
}

async fn facts(database: &Database) -> Vec<i32> {
    let mut intake = connect(&database.url("intake")).await;
    sqlx::query_scalar("select x from fact order by x")
        .fetch_all(&mut intake)
        .await
        .unwrap()
}

async fn now(database: &Database) -> OffsetDateTime {
    let mut intake = connect(&database.url("intake")).await;
    sqlx::query_scalar("select clock_timestamp()")
        .fetch_one(&mut intake)
        .await
        .unwrap()
}

async fn restore(backup: &Backup, point: Point) -> Postgres {
    let options = PostgresOptions::default();
    backup.restore(&point, options).await.unwrap()
}

#[tokio::test]
async fn a_backup_under_load_leads_to_a_moment_under_load_and_to_the_end() {
    // It archives from the start, so that nobody is cut off by a restart.
    let (server, database) = server(PostgresOptions {
        settings: vec![("archive_mode".to_owned(), "on".to_owned())],
        ..PostgresOptions::default()
    })
    .await;
    let mut load = Load::start(&database).await;
    load.more(50).await;
    let backup = server.back_up().await.unwrap();
    load.more(50).await;

    let before = load.acknowledged();
    let moment = now(&database).await;
    let after = load.first_to_come();
    load.more(50).await;
    load.end().await;
    let all = load.acknowledged();
    backup.catch_up_with(&server).await.unwrap();
    // This one is not archived when the server is gone.
    insert(&database, 0..=0).await;
    let folder = server.folder().to_owned();
    server.kill9().await.unwrap();
    drop(server);
    assert!(!folder.exists());

    let then = restore(&backup, Point::Time(moment)).await;
    let found: BTreeSet<_> = facts(&database.at(then.port())).await.into_iter().collect();
    assert_eq!(before.difference(&found).count(), 0, "{before:?} {found:?}");
    assert_eq!(found.range(after..).count(), 0, "{after} {found:?}");
    assert!(before.len() >= 100 && all.range(after..).count() >= 40);

    let finally = restore(&backup, Point::End).await;
    let found = facts(&database.at(finally.port())).await;
    assert_eq!(found[0], 1);
    assert_eq!(found[1..], all.into_iter().collect::<Vec<_>>());
}

#[tokio::test]
async fn a_named_point_has_what_was_committed_before_it_and_nothing_else() {
    let (server, database, backup) = backed_up().await;
    insert(&database, 2..=10).await;
    let mut open = connect(&database.url("intake")).await;
    let mut undecided = open.begin().await.unwrap();
    sqlx::query("insert into fact values (0)")
        .execute(&mut *undecided)
        .await
        .unwrap();
    backup.name(&server, "before").await.unwrap();
    undecided.commit().await.unwrap();
    insert(&database, 11..=20).await;
    backup.name(&server, "after").await.unwrap();
    insert(&database, 21..=30).await;

    let before = restore(&backup, Point::Named("before".to_owned())).await;
    let after = restore(&backup, Point::Named("after".to_owned())).await;

    let found = facts(&database.at(before.port())).await;
    assert_eq!(found, (1..=10).collect::<Vec<_>>());
    let found = facts(&database.at(after.port())).await;
    assert_eq!(found, (0..=20).collect::<Vec<_>>());
    assert_eq!(facts(&database).await, (0..=30).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_moment_has_what_was_committed_until_then_and_nothing_else() {
    let (server, database, backup) = backed_up().await;
    insert(&database, 2..=5).await;
    let moment = now(&database).await;
    insert(&database, 6..=9).await;
    let last = now(&database).await;
    backup.catch_up_with(&server).await.unwrap();

    let then = restore(&backup, Point::Time(moment)).await;
    let lately = restore(&backup, Point::Time(last)).await;

    assert_eq!(facts(&database.at(then.port())).await, [1, 2, 3, 4, 5]);
    let found = facts(&database.at(lately.port())).await;
    assert_eq!(found, (1..=9).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_backup_outlives_its_server_and_what_is_restored_lives_on() {
    let (server, database, backup) = backed_up().await;
    insert(&database, 2..=3).await;
    backup.name(&server, "before the loss").await.unwrap();
    insert(&database, 4..=4).await;
    server.kill9().await.unwrap();
    drop(server);

    let port = testkit::free_port().unwrap();
    let options = PostgresOptions {
        port: Some(port),
        ..PostgresOptions::default()
    };
    let point = Point::Named("before the loss".to_owned());
    let restored = backup.restore(&point, options).await.unwrap();

    assert_eq!(restored.port(), port);
    let there = database.at(port);
    assert_eq!(facts(&there).await, [1, 2, 3]);
    insert(&there, 5..=5).await;
    drop(backup);
    restored.kill9().await.unwrap();
    restored.restart().await.unwrap();
    assert_eq!(facts(&there).await, [1, 2, 3, 5]);
}

#[tokio::test]
async fn a_server_goes_on_without_its_backup() {
    let (server, database, backup) = backed_up().await;
    let folder = backup.folder().to_owned();
    drop(backup);
    assert!(!folder.exists());
    insert(&database, 2..=3).await;

    let later = server.back_up().await.unwrap();
    insert(&database, 4..=4).await;
    later.name(&server, "later").await.unwrap();

    let restored = restore(&later, Point::Named("later".to_owned())).await;
    assert_eq!(facts(&database.at(restored.port())).await, [1, 2, 3, 4]);
}

#[tokio::test]
async fn a_restored_server_is_backed_up_in_its_turn_beyond_the_moment_it_began() {
    let (server, database, backup) = backed_up().await;
    backup.name(&server, "first").await.unwrap();
    let restored = restore(&backup, Point::Named("first".to_owned())).await;
    let there = database.at(restored.port());

    let again = restored.back_up().await.unwrap();
    insert(&there, 2..=3).await;
    again.catch_up_with(&restored).await.unwrap();

    let last = restore(&again, Point::End).await;
    assert_eq!(facts(&database.at(last.port())).await, [1, 2, 3]);
    let standby = restored.standby(PostgresOptions::default()).await.unwrap();
    standby.catch_up_with(&restored).await.unwrap();
    assert_eq!(facts(&there.at(standby.port())).await, [1, 2, 3]);
}

#[tokio::test]
async fn a_point_that_nobody_named_is_refused_with_its_reason() {
    let (server, _, backup) = backed_up().await;
    backup.name(&server, "known").await.unwrap();

    let point = Point::Named("unknown".to_owned());
    let refused = backup.restore(&point, PostgresOptions::default()).await;

    let reason = format!("{:#}", refused.unwrap_err());
    assert!(
        reason.contains("recovery ended before configured recovery target"),
        "{reason}"
    );
}

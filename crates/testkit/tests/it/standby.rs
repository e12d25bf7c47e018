//! A standby has what its primary acknowledged, and takes its place.

use std::{
    collections::BTreeSet,
    net::{Ipv4Addr, SocketAddr},
    pin::pin,
};

use sqlx::{Connection, PgConnection};
use testkit::{Database, Postgres, PostgresOptions, Proxy, Standby, Synchrony, eventually};
use tokio::{sync::mpsc, task::JoinSet};

async fn connect(url: &str) -> PgConnection {
    PgConnection::connect(url).await.unwrap()
}

/// A server with a table of facts, and a standby of it.
async fn pair() -> (Postgres, Database, Standby) {
    let primary = Postgres::start(PostgresOptions::default()).await.unwrap();
    let database = primary.named_database("kept").await.unwrap();
    let mut intake = connect(&database.url("intake")).await;
    sqlx::raw_sql("create table fact (x int primary key)")
        .execute(&mut intake)
        .await
        .unwrap();
    let standby = primary.standby(PostgresOptions::default()).await.unwrap();
    (primary, database, standby)
}

async fn insert(connection: &mut PgConnection, fact: i32) -> sqlx::Result<()> {
    let insert = sqlx::query("insert into fact values ($1)").bind(fact);
    insert.execute(connection).await.map(drop)
}

async fn facts(database: &Database) -> BTreeSet<i32> {
    let mut intake = connect(&database.url("intake")).await;
    let facts: Vec<i32> = sqlx::query_scalar("select x from fact")
        .fetch_all(&mut intake)
        .await
        .unwrap();
    facts.into_iter().collect()
}

/// Whether this commit waits for a standby, rather than being done.
async fn waits(database: &Database, commit: impl Future<Output = sqlx::Result<()>>) -> bool {
    let mut admin = connect(&database.superuser_url()).await;
    let waiting = eventually(async || {
        sqlx::query_scalar(
            "select exists (select from pg_stat_activity where wait_event = 'SyncRep')",
        )
        .fetch_one(&mut admin)
        .await
        .unwrap()
    });
    tokio::select! {
        _ = commit => false,
        () = waiting => true,
    }
}

async fn shown(server: &Postgres, setting: &str) -> String {
    let database = server.named_database("postgres").await.unwrap();
    let mut admin = connect(&database.superuser_url()).await;
    sqlx::query_scalar("select current_setting($1)")
        .bind(setting)
        .fetch_one(&mut admin)
        .await
        .unwrap()
}

#[tokio::test]
async fn what_a_synchronous_primary_acknowledged_is_on_the_promoted_standby() {
    let (primary, database, standby) = pair().await;
    primary
        .synchronous_with(&standby, Synchrony::Flushed)
        .await
        .unwrap();
    let (acknowledge, mut acknowledged) = mpsc::unbounded_channel();
    let mut writers = JoinSet::new();
    for writer in 0..4 {
        let mut intake = connect(&database.url("intake")).await;
        let acknowledge = acknowledge.clone();
        writers.spawn(async move {
            for fact in (writer..).step_by(4) {
                if insert(&mut intake, fact).await.is_err() {
                    return;
                }
                acknowledge.send(fact).unwrap();
            }
        });
    }
    drop(acknowledge);
    let mut kept = BTreeSet::new();
    while kept.len() < 200 {
        kept.insert(acknowledged.recv().await.unwrap());
    }

    primary.kill9().await.unwrap();
    writers.join_all().await;
    while let Some(fact) = acknowledged.recv().await {
        kept.insert(fact);
    }
    let promoted = standby.promote().await.unwrap();

    let found = facts(&database.at(promoted.port())).await;
    let lost: Vec<_> = kept.difference(&found).collect();
    assert_eq!(lost, [&0; 0], "{} were acknowledged", kept.len());
    assert!(found.len() - kept.len() <= 4, "one in flight per writer");
    let mut intake = connect(&database.at(promoted.port()).url("intake")).await;
    insert(&mut intake, -1).await.unwrap();
}

#[tokio::test]
async fn a_commit_is_acknowledged_when_the_synchronous_standby_has_it() {
    let (primary, database, standby) = pair().await;
    primary
        .synchronous_with(&standby, Synchrony::Flushed)
        .await
        .unwrap();
    let mut intake = connect(&database.url("intake")).await;

    standby.server().freeze().await.unwrap();
    let mut waiting = pin!(insert(&mut intake, 1));
    assert!(waits(&database, &mut waiting).await);
    assert_eq!(facts(&database).await, BTreeSet::new());
    standby.server().thaw().await.unwrap();
    waiting.await.unwrap();
    assert_eq!(facts(&database).await, BTreeSet::from([1]));
}

#[tokio::test]
async fn a_commit_that_waits_for_a_lost_standby_is_released_when_nobody_is_waited_for() {
    let (primary, database, standby) = pair().await;
    primary
        .synchronous_with(&standby, Synchrony::Flushed)
        .await
        .unwrap();
    let mut intake = connect(&database.url("intake")).await;

    standby.server().kill9().await.unwrap();
    let mut waiting = pin!(insert(&mut intake, 1));
    assert!(waits(&database, &mut waiting).await);
    assert_eq!(facts(&database).await, BTreeSet::new());
    primary.asynchronous().await.unwrap();
    waiting.await.unwrap();
    assert_eq!(facts(&database).await, BTreeSet::from([1]));
}

#[tokio::test]
async fn what_had_to_be_applied_is_seen_on_the_standby_at_once() {
    let (primary, database, standby) = pair().await;
    primary
        .synchronous_with(&standby, Synchrony::Applied)
        .await
        .unwrap();
    let mut intake = connect(&database.url("intake")).await;
    let mut reader = connect(&database.at(standby.port()).url("intake")).await;
    for fact in 1..=100 {
        insert(&mut intake, fact).await.unwrap();
        let seen: i64 = sqlx::query_scalar("select count(*) from fact")
            .fetch_one(&mut reader)
            .await
            .unwrap();
        assert_eq!(seen, i64::from(fact));
    }
}

#[tokio::test]
async fn a_standby_follows_also_after_either_of_the_two_was_killed() {
    let (primary, database, standby) = pair().await;
    for (fact, victim) in [(1, &primary), (2, standby.server())] {
        victim.kill9().await.unwrap();
        victim.restart().await.unwrap();
        let mut intake = connect(&database.url("intake")).await;
        insert(&mut intake, fact).await.unwrap();
    }

    standby.catch_up_with(&primary).await.unwrap();

    let found = facts(&database.at(standby.port())).await;
    assert_eq!(found, BTreeSet::from([1, 2]));
}

#[tokio::test]
async fn a_standby_refuses_writes_until_it_is_promoted() {
    let (primary, database, standby) = pair().await;
    standby.catch_up_with(&primary).await.unwrap();
    let there = database.at(standby.port());
    let mut intake = connect(&there.url("intake")).await;

    let refused = insert(&mut intake, 1).await.unwrap_err();
    assert!(refused.to_string().contains("read-only"), "{refused}");

    let _promoted = standby.promote().await.unwrap();
    insert(&mut intake, 1).await.unwrap();
    assert_eq!(facts(&there).await, BTreeSet::from([1]));
    assert_eq!(facts(&database).await, BTreeSet::new(), "they have parted");
}

#[tokio::test]
async fn a_promoted_standby_has_the_roles_passwords_and_settings_of_its_primary() {
    let primary = Postgres::start(PostgresOptions {
        settings: vec![("work_mem".to_owned(), "7MB".to_owned())],
        ..PostgresOptions::default()
    })
    .await
    .unwrap();
    let database = primary.named_database("kept").await.unwrap();
    let mut admin = connect(&database.superuser_url()).await;
    sqlx::raw_sql("alter role intake password 'correct horse'")
        .execute(&mut admin)
        .await
        .unwrap();
    let standby = primary.standby(PostgresOptions::default()).await.unwrap();
    primary
        .synchronous_with(&standby, Synchrony::Flushed)
        .await
        .unwrap();
    let promoted = standby.promote().await.unwrap();

    let roles = "select array_agg(rolname || coalesce(rolpassword, '') order by rolname)
                 from pg_authid where rolcanlogin";
    let mut there = connect(&database.at(promoted.port()).superuser_url()).await;
    let (before, after): (Vec<String>, Vec<String>) = (
        sqlx::query_scalar(roles)
            .fetch_one(&mut admin)
            .await
            .unwrap(),
        sqlx::query_scalar(roles)
            .fetch_one(&mut there)
            .await
            .unwrap(),
    );
    assert_eq!(before, after);
    assert!(before.iter().any(|role| role.starts_with("intakeSCRAM")));
    assert_eq!(shown(&promoted, "work_mem").await, "7MB");
    assert_eq!(shown(&promoted, "fsync").await, "off");
    // It would wait for itself.
    assert_eq!(shown(&promoted, "synchronous_standby_names").await, "");
}

#[tokio::test]
async fn a_client_keeps_its_address_when_the_standby_takes_the_place_of_its_primary() {
    let (primary, database, standby) = pair().await;
    primary
        .synchronous_with(&standby, Synchrony::Flushed)
        .await
        .unwrap();
    let here = |server: &Postgres| SocketAddr::from((Ipv4Addr::LOCALHOST, server.port()));
    let proxy = Proxy::start(here(&primary), None).await.unwrap();
    let address = database.at(proxy.address().port());
    let mut before = connect(&address.url("intake")).await;
    insert(&mut before, 1).await.unwrap();

    // A primary that is only cut off would go on for those it still hears.
    let promoted = standby.promote().await.unwrap();
    proxy.lead_to(here(&promoted));

    insert(&mut before, 2).await.unwrap_err();
    let mut after = connect(&address.url("intake")).await;
    insert(&mut after, 3).await.unwrap();
    let found = facts(&database.at(promoted.port())).await;
    assert_eq!(found, BTreeSet::from([1, 3]));
    assert_eq!(facts(&address).await, found);
    assert_eq!(facts(&database).await, BTreeSet::from([1]));
}

#[tokio::test]
async fn a_promoted_standby_can_be_followed_and_replaced_in_its_turn() {
    let (first, database, standby) = pair().await;
    first
        .synchronous_with(&standby, Synchrony::Flushed)
        .await
        .unwrap();
    let mut intake = connect(&database.url("intake")).await;
    insert(&mut intake, 1).await.unwrap();
    first.kill9().await.unwrap();
    let second = standby.promote().await.unwrap();
    drop(first);

    let standby = second.standby(PostgresOptions::default()).await.unwrap();
    second
        .synchronous_with(&standby, Synchrony::Flushed)
        .await
        .unwrap();
    let mut intake = connect(&database.at(second.port()).url("intake")).await;
    insert(&mut intake, 2).await.unwrap();
    second.kill9().await.unwrap();
    let third = standby.promote().await.unwrap();

    let found = facts(&database.at(third.port())).await;
    assert_eq!(found, BTreeSet::from([1, 2]));
    // A copy gives no name that the first has given.
    let fresh = third.database("kept").await;
    connect(&fresh.url("intake")).await;
}

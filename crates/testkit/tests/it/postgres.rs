//! The private PostgreSQL keeps its promises.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    pin::pin,
    process::Command,
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};

use sqlx::{Connection, PgConnection, Row};
use testkit::{Folder, Postgres, PostgresOptions};
use tokio::time::timeout;

async fn connect(url: &str) -> PgConnection {
    PgConnection::connect(url).await.unwrap()
}

/// A folder which the server's own user, who is not root, may enter.
fn folder_to_pass_through() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o711)).unwrap();
    folder
}

#[tokio::test]
async fn two_databases_of_the_same_label_share_nothing() {
    let postgres = testkit::postgres().await;
    let (one, other) = (
        postgres.database("same").await,
        postgres.database("same").await,
    );
    let mut inside = connect(&one.url("intake")).await;
    sqlx::raw_sql("create table only_here (x int)")
        .execute(&mut inside)
        .await
        .unwrap();

    let mut outside = connect(&other.url("intake")).await;
    let found = sqlx::raw_sql("select * from only_here")
        .execute(&mut outside)
        .await;

    assert!(found.unwrap_err().to_string().contains("does not exist"));
}

#[tokio::test]
async fn a_service_cannot_read_the_tables_of_another() {
    let database = testkit::postgres().await.database("curtain").await;
    let mut intake = connect(&database.url("intake")).await;
    sqlx::raw_sql("create table secret (x int)")
        .execute(&mut intake)
        .await
        .unwrap();

    let mut statistics = connect(&database.url("statistics")).await;
    let peeped = sqlx::raw_sql("select * from intake.secret")
        .execute(&mut statistics)
        .await;

    assert!(
        peeped
            .unwrap_err()
            .to_string()
            .contains("permission denied")
    );
}

#[tokio::test]
async fn a_table_made_by_a_service_lies_in_its_own_schema() {
    let database = testkit::postgres().await.database("schemas").await;
    let mut intake = connect(&database.url("intake")).await;
    sqlx::raw_sql("create table report (x int)")
        .execute(&mut intake)
        .await
        .unwrap();

    let row = sqlx::query("select schemaname from pg_tables where tablename = 'report'")
        .fetch_one(&mut intake)
        .await
        .unwrap();

    assert_eq!(row.get::<String, _>(0), "intake");
}

#[tokio::test]
async fn a_template_is_prepared_once_and_copied_for_everyone() {
    let postgres = testkit::postgres().await;
    let prepared = AtomicU32::new(0);
    for _ in 0..2 {
        let database = postgres
            .database_like("copy", "with_a_table", async |template| {
                prepared.fetch_add(1, Ordering::SeqCst);
                let mut connection = PgConnection::connect(&template.url("intake")).await?;
                sqlx::raw_sql("create table prepared (x int)")
                    .execute(&mut connection)
                    .await?;
                connection.close().await?;
                Ok(())
            })
            .await;
        let mut intake = connect(&database.url("intake")).await;
        sqlx::raw_sql("insert into prepared values (1)")
            .execute(&mut intake)
            .await
            .unwrap();
    }
    assert_eq!(prepared.into_inner(), 1);
}

#[tokio::test]
async fn a_killed_server_refuses_connections_and_comes_back_with_every_commit() {
    let postgres = Postgres::start(PostgresOptions::default()).await.unwrap();
    let database = postgres.named_database("kept").await.unwrap();
    let mut before = connect(&database.url("intake")).await;
    sqlx::raw_sql("create table fact (x int); insert into fact values (42)")
        .execute(&mut before)
        .await
        .unwrap();

    postgres.kill9().await.unwrap();
    assert!(
        sqlx::raw_sql("select 1")
            .execute(&mut before)
            .await
            .is_err()
    );
    assert!(
        PgConnection::connect(&database.url("intake"))
            .await
            .is_err()
    );

    postgres.restart().await.unwrap();
    let mut after = connect(&database.url("intake")).await;
    let row = sqlx::query("select x from fact")
        .fetch_one(&mut after)
        .await
        .unwrap();
    assert_eq!(row.get::<i32, _>(0), 42);
}

#[tokio::test]
async fn a_frozen_server_is_silent_until_it_thaws() {
    let postgres = Postgres::start(PostgresOptions::default()).await.unwrap();
    let database = postgres.named_database("frozen").await.unwrap();
    let mut connection = connect(&database.url("intake")).await;

    postgres.freeze().await.unwrap();
    let mut asked = pin!(sqlx::raw_sql("select 1").execute(&mut connection));
    let silence = timeout(Duration::from_millis(200), &mut asked).await;
    assert!(silence.is_err());

    postgres.thaw().await.unwrap();
    asked.await.unwrap();
}

#[tokio::test]
async fn a_kept_folder_outlives_its_server() {
    let folder = folder_to_pass_through();
    let options = PostgresOptions {
        folder: Folder::Kept(folder.path().join("data")),
        ..PostgresOptions::default()
    };

    let first = Postgres::start(options.clone()).await.unwrap();
    first.named_database("kept").await.unwrap();
    drop(first);
    let second = Postgres::start(options).await.unwrap();
    let database = second.named_database("postgres").await.unwrap();

    let mut admin = connect(&database.superuser_url()).await;
    let found = sqlx::query("select from pg_database where datname = 'kept'")
        .fetch_optional(&mut admin)
        .await;
    assert!(found.unwrap().is_some());
}

#[tokio::test]
async fn a_process_that_has_the_number_of_a_killed_server_is_left_alone() {
    let folder = folder_to_pass_through();
    let options = PostgresOptions {
        folder: Folder::Kept(folder.path().join("data")),
        ..PostgresOptions::default()
    };
    drop(Postgres::start(options.clone()).await.unwrap());
    let mut other = Command::new("sleep").arg("60").spawn().unwrap();
    let pid_file = folder.path().join("data/data/postmaster.pid");
    fs::write(&pid_file, format!("{}\n", other.id())).unwrap();

    let started = Postgres::start(options).await;

    let still_there = other.try_wait().unwrap().is_none();
    other.kill().unwrap();
    other.wait().unwrap();
    assert!(still_there);
    started.unwrap().named_database("unharmed").await.unwrap();
}

#[tokio::test]
async fn two_servers_cannot_share_a_folder() {
    let folder = folder_to_pass_through();

    let options = PostgresOptions {
        folder: Folder::Kept(folder.path().join("data")),
        ..PostgresOptions::default()
    };
    let first = Postgres::start(options.clone()).await.unwrap();

    let refused = Postgres::start(options).await.unwrap_err();

    assert!(refused.to_string().contains("is in use"), "{refused:#}");
    first.named_database("unharmed").await.unwrap();
}

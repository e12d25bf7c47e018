//! Connecting, migrating and what errors of PostgreSQL mean.

use std::{error::Error as _, time::Duration};

use platform::{
    DatabaseConfig, Deadline, Error, Files, MIGRATOR, StartError, check_migrated, connect, migrate,
    read_transaction,
};
use sqlx::{Connection as _, Executor as _, PgConnection, PgPool};
use testkit::{Database, Postgres, PostgresOptions};
use tokio::net::{TcpListener, TcpStream};

use crate::env::{log, trace};

pub(crate) fn config(database: &Database) -> DatabaseConfig {
    DatabaseConfig {
        max_connections: 8,
        acquire_timeout_ms: 5_000,
        ..DatabaseConfig::new(database.url("platform"), "platform")
    }
}

/// A fresh schema with all tables of the platform.
pub(crate) async fn pool(label: &str) -> PgPool {
    let database = testkit::postgres().await.database(label).await;
    let config = config(&database);
    migrate(&config, &[&MIGRATOR]).await.unwrap();
    connect(&config, "test", &Files::default()).await.unwrap()
}

#[tokio::test]
async fn an_unreachable_server_is_told_with_its_true_cause() {
    let config = DatabaseConfig {
        max_connections: 1,
        acquire_timeout_ms: 60_000,
        connect_timeout_ms: 500,
        ..DatabaseConfig::new("postgres://me:hunter2@127.0.0.1:1/vigie", "platform")
    };
    let connected = tokio::time::timeout(
        Duration::from_secs(5),
        connect(&config, "test", &Files::default()),
    )
    .await;
    let error = connected.unwrap().unwrap_err().to_string();
    assert!(error.starts_with("DATABASE_URL: "), "{error}");
    assert!(error.contains("refused"), "{error}");
    assert!(!error.contains("hunter2"), "{error}");
}

#[tokio::test]
async fn a_server_that_can_be_reached_only_later_is_waited_for() {
    trace();
    let database = testkit::postgres().await.database("later").await;
    let free = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = free.local_addr().unwrap();
    drop(free);
    let mut there: reqwest::Url = database.url("platform").parse().unwrap();
    let server = format!("{}:{}", there.host_str().unwrap(), there.port().unwrap());
    there.set_port(Some(address.port())).unwrap();
    let config = DatabaseConfig::new(there.to_string(), "platform");

    let migrators = [&MIGRATOR];
    let migrating = migrate(&config, &migrators);
    let opening = async {
        testkit::eventually(async || log().contains("PostgreSQL cannot be reached yet")).await;
        let listener = TcpListener::bind(address).await.unwrap();
        let (mut inside, _) = listener.accept().await.unwrap();
        let mut outside = TcpStream::connect(server).await.unwrap();
        tokio::io::copy_bidirectional(&mut inside, &mut outside)
            .await
            .unwrap();
    };
    let (migrated, ()) = tokio::join!(migrating, opening);
    migrated.unwrap();
}

#[tokio::test]
async fn a_refused_password_is_an_error_at_once() {
    let database = testkit::postgres().await.database("refused").await;
    let address = database.url("platform").replace("//", "//nobody_");
    let config = DatabaseConfig::new(address, "platform");
    let files = Files::default();
    let connecting = connect(&config, "test", &files);
    let connected = tokio::time::timeout(Duration::from_secs(5), connecting).await;
    let error = connected.unwrap().unwrap_err().to_string();
    assert!(error.starts_with("DATABASE_URL: "), "{error}");
    assert!(error.contains("nobody_"), "{error}");
}

#[tokio::test]
async fn a_read_ends_with_the_deadline_of_its_call_and_changes_nothing() {
    let pool = pool("reads").await;
    let deadline = Deadline::after(Duration::from_millis(300));
    let mut read = read_transaction(&pool, Some(deadline)).await.unwrap();
    let error: Error = read
        .execute("select pg_sleep(30)")
        .await
        .unwrap_err()
        .into();
    assert_eq!(error.code(), "STATEMENT_TIMEOUT");
    assert!(error.retryable());
    drop(read);

    let mut read = read_transaction(&pool, None).await.unwrap();
    let written = read.execute("delete from audit_entry").await;
    let refused = written.unwrap_err().into_database_error().unwrap();
    assert_eq!(refused.code().unwrap(), "25006");
    drop(read);

    // The limit is the transaction's: the next user of the connection has the session's.
    let mut conn = pool.acquire().await.unwrap();
    let timeout: String = sqlx::query_scalar("show statement_timeout")
        .fetch_one(&mut *conn)
        .await
        .unwrap();
    assert_eq!(timeout, "30s");
}

#[tokio::test]
async fn the_statement_of_a_call_that_is_gone_ends() {
    let database = testkit::postgres().await.database("gone").await;
    let config = config(&database);
    let pool = connect(&config, "test", &Files::default()).await.unwrap();
    let running = async || -> i64 {
        let count = "select count(*) from pg_stat_activity
                     where datname = current_database() and state = 'active'
                       and query = 'select pg_sleep(3600)'";
        let count = sqlx::query_scalar(count);
        count.fetch_one(&pool).await.unwrap()
    };
    let mut call = Box::pin(async {
        let deadline = Deadline::after(Duration::from_hours(1));
        let mut read = read_transaction(&pool, Some(deadline)).await.unwrap();
        read.execute("select pg_sleep(3600)").await.unwrap();
    });
    testkit::eventually(async || {
        assert!(futures::poll!(&mut call).is_pending());
        running().await == 1
    })
    .await;
    drop(call);
    testkit::eventually(async || running().await == 0).await;
}

#[tokio::test]
async fn a_transaction_given_up_at_its_beginning_takes_nothing_with_it() {
    let postgres = Postgres::start(PostgresOptions::default()).await.unwrap();
    let database = postgres.database("given_up").await;
    let config = DatabaseConfig {
        max_connections: 1,
        ..config(&database)
    };
    let pool = connect(&config, "test", &Files::default()).await.unwrap();
    let others = connect(&config, "others", &Files::default()).await.unwrap();
    pool.execute("create table kept (number int)")
        .await
        .unwrap();
    postgres.freeze().await.unwrap();
    let given_up = tokio::time::timeout(Duration::from_millis(50), pool.begin()).await;
    assert!(given_up.is_err(), "a frozen server answered");
    postgres.thaw().await.unwrap();

    pool.execute("insert into kept values (1)").await.unwrap();
    let seen: i64 = sqlx::query_scalar("select count(*) from kept")
        .fetch_one(&others)
        .await
        .unwrap();
    assert_eq!(seen, 1);
}

#[tokio::test]
async fn a_server_that_fell_silent_keeps_no_place_in_the_pool() {
    let postgres = Postgres::start(PostgresOptions::default()).await.unwrap();
    let database = postgres.database("silent").await;
    let config = DatabaseConfig {
        max_connections: 1,
        ..config(&database)
    };
    let pool = connect(&config, "test", &Files::default()).await.unwrap();
    let mut conn = pool.acquire().await.unwrap();
    postgres.freeze().await.unwrap();
    let unanswered = sqlx::query("select 1").execute(&mut *conn);
    let given_up = tokio::time::timeout(Duration::from_millis(50), unanswered).await;
    assert!(given_up.is_err(), "a frozen server answered");
    drop(conn);
    testkit::eventually(async || pool.size() == 0).await;

    postgres.thaw().await.unwrap();
    let answer: i32 = sqlx::query_scalar("select 1")
        .fetch_one(&pool)
        .await
        .unwrap();
    assert_eq!(answer, 1);
}

#[tokio::test]
async fn an_address_that_cannot_be_read_is_not_shown() {
    let config = DatabaseConfig {
        max_connections: 1,
        acquire_timeout_ms: 1,
        ..DatabaseConfig::new("postgres://me:hunter2@[::1/vigie", "platform")
    };
    let error = connect(&config, "test", &Files::default())
        .await
        .unwrap_err()
        .to_string();
    assert!(error.starts_with("DATABASE_URL: "), "{error}");
    assert!(!error.contains("hunter2"), "{error}");
}

#[tokio::test]
async fn an_address_is_told_once() {
    let folder = tempfile::tempdir().unwrap();
    let mut config = DatabaseConfig::new("postgres://127.0.0.1:1/vigie", "platform");
    let connected = async |config: &DatabaseConfig| {
        let connected = connect(config, "test", &Files::default()).await;
        connected.unwrap_err().to_string()
    };
    config.url_file = Some(folder.path().join("url"));
    let twice = connected(&config).await;
    assert_eq!(twice, "DATABASE_URL_FILE: DATABASE_URL is set too");
    config.url = None;
    let absent = connected(&config).await;
    assert!(absent.starts_with("DATABASE_URL_FILE: /"), "{absent}");
    config.url_file = None;
    let missing = "DATABASE_URL (or DATABASE_URL_FILE) is not set";
    assert_eq!(connected(&config).await, missing);
}

#[tokio::test]
async fn new_connections_are_made_by_the_address_that_the_file_has_now() {
    let database = testkit::postgres().await.database("address").await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("url");
    let write = |address: &str| std::fs::write(&file, address).unwrap();
    let user = async |connection: &mut PgConnection| -> String {
        let user = sqlx::query_scalar("select current_user::text");
        user.fetch_one(connection).await.unwrap()
    };
    write(&format!("{}\n", database.url("intake")));
    let config = DatabaseConfig {
        url: None,
        url_file: Some(file.clone()),
        ..DatabaseConfig::new("", "platform")
    };
    let files = Files::default();
    let pool = connect(&config, "test", &files).await.unwrap();
    let mut first = pool.acquire().await.unwrap();
    let before = user(&mut first).await;

    write(&database.url("statistics"));
    files.poll().await;
    let mut second = pool.acquire().await.unwrap();
    let after = user(&mut second).await;
    assert_ne!(before, after);
    assert!(after.ends_with("statistics"), "{after}");
    // What is open goes on until its user is done with it.
    assert_eq!(user(&mut first).await, before);
    drop((first, second));
    let mut open = Vec::new();
    for _ in 0..4 {
        let mut conn = pool.acquire().await.unwrap();
        assert_eq!(user(&mut conn).await, after);
        open.push(conn);
    }
    drop(open);
    // What nobody can connect by changes nothing.
    let unknown = database.url("intake").replace("//", "//nobody_");
    for unusable in ["postgres://[", unknown.as_str()] {
        write(unusable);
        files.poll().await;
        let mut third = pool.acquire().await.unwrap().detach();
        assert_eq!(user(&mut third).await, after);
    }
    let mut third = pool.acquire().await.unwrap();
    let path: String = sqlx::query_scalar("show search_path")
        .fetch_one(&mut *third)
        .await
        .unwrap();
    assert_eq!(path, "platform");
}

#[tokio::test]
async fn a_schema_is_refused_until_it_is_migrated() {
    let database = testkit::postgres().await.database("migrated").await;
    let config = config(&database);
    let pool = connect(&config, "test", &Files::default()).await.unwrap();
    let error = check_migrated(&pool, &[&MIGRATOR]).await.unwrap_err();
    assert!(matches!(error, StartError::NotMigrated(_)), "{error}");

    migrate(&config, &[&MIGRATOR]).await.unwrap();
    check_migrated(&pool, &[&MIGRATOR]).await.unwrap();
    let newer =
        "insert into _platform_migrations (version, description, success, checksum, execution_time)
                 values (9999, 'of the next release', true, '', 0)";
    pool.execute(newer).await.unwrap();
    check_migrated(&pool, &[&MIGRATOR])
        .await
        .expect("a newer schema serves this release too");

    pool.execute("update _platform_migrations set checksum = 'x' where version = 1")
        .await
        .unwrap();
    let error = check_migrated(&pool, &[&MIGRATOR])
        .await
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("migration 1 is not the one of this program"),
        "{error}"
    );
}

#[tokio::test]
async fn an_earlier_release_leaves_the_schema_of_a_later_one_as_it_is() {
    let database = testkit::postgres().await.database("ahead").await;
    let config = config(&database);
    migrate(&config, &[&MIGRATOR]).await.unwrap();
    let pool = connect(&config, "test", &Files::default()).await.unwrap();
    let later =
        "insert into _platform_migrations (version, description, success, checksum, execution_time)
                 values (9999, 'of the next release', true, '', 0)";
    pool.execute(later).await.unwrap();
    migrate(&config, &[&MIGRATOR]).await.unwrap();

    let changed = "update _platform_migrations set checksum = 'x' where version = 1";
    pool.execute(changed).await.unwrap();
    let error = migrate(&config, &[&MIGRATOR]).await.unwrap_err();
    assert!(
        error.to_string().starts_with("DATABASE_SCHEMA: "),
        "{error}"
    );
}

#[tokio::test]
async fn programs_that_migrate_at_the_same_time_do_not_disturb_each_other() {
    let database = testkit::postgres().await.database("together").await;
    let config = config(&database);
    let migrators = [&MIGRATOR];
    let one = || migrate(&config, &migrators);
    let (a, b, c, d) = tokio::join!(one(), one(), one(), one());
    for migrated in [a, b, c, d] {
        migrated.unwrap();
    }
}

#[tokio::test]
async fn a_session_lets_no_lock_and_no_frozen_transaction_hold_others_up() {
    let pool = pool("session").await;
    for (setting, expected) in [
        ("lock_timeout", "2s"),
        ("statement_timeout", "30s"),
        ("idle_in_transaction_session_timeout", "5s"),
        ("search_path", "platform"),
    ] {
        let value: String = sqlx::query_scalar("select current_setting($1)")
            .bind(setting)
            .fetch_one(&pool)
            .await
            .unwrap();
        assert_eq!(value, expected, "{setting}");
    }
}

#[tokio::test]
async fn a_lock_that_is_held_too_long_is_worth_a_retry() {
    let pool = pool("locked").await;
    let mut holder = pool.begin().await.unwrap();
    holder.execute("lock table audit_entry").await.unwrap();
    let error: Error = pool
        .execute("delete from audit_entry")
        .await
        .unwrap_err()
        .into();
    assert!(matches!(error, Error::Aborted(_)), "{error:?}");
    assert!(error.retryable());
}

#[tokio::test]
async fn what_is_wrong_with_a_statement_or_a_server_is_our_fault_and_not_worth_a_retry() {
    let pool = pool("faults").await;
    for (statement, state) in [
        ("select * from nowhere", "42P01"),
        ("select 1 +", "42601"),
        (
            "do $$ begin raise exception using errcode = 'XX001'; end $$",
            "XX001",
        ),
    ] {
        let error: Error = pool.execute(statement).await.unwrap_err().into();
        assert_eq!(error.code(), "INTERNAL", "{state}");
        assert_eq!(error.sql_state().as_deref(), Some(state));
        assert!(!error.retryable(), "{state}");
    }
}

#[tokio::test]
async fn a_server_that_died_is_worth_a_retry() {
    let postgres = testkit::Postgres::start(testkit::PostgresOptions::default())
        .await
        .unwrap();
    let database = postgres.database("dead").await;
    let pool = connect(&config(&database), "test", &Files::default())
        .await
        .unwrap();
    let mut conn = pool.acquire().await.unwrap();
    conn.ping().await.unwrap();
    postgres.kill9().await.unwrap();
    let error: Error = conn.execute("select 1").await.unwrap_err().into();
    assert!(matches!(error, Error::Unavailable { .. }), "{error:?}");
}

#[tokio::test]
async fn a_pool_recovers_when_its_server_is_back() {
    let postgres = testkit::Postgres::start(testkit::PostgresOptions::default())
        .await
        .unwrap();
    let database = postgres.database("back").await;
    let pool = connect(&config(&database), "test", &Files::default())
        .await
        .unwrap();
    pool.execute("select 1").await.unwrap();
    postgres.kill9().await.unwrap();
    postgres.restart().await.unwrap();
    testkit::eventually(async || pool.execute("select 1").await.is_ok()).await;
}

#[tokio::test]
async fn values_that_the_database_complains_about_do_not_reach_the_log() {
    let pool = pool("quoted").await;
    let error: Error = pool
        .execute("select 'Jeanne Martin'::int")
        .await
        .unwrap_err()
        .into();
    let cause = error.source().unwrap().to_string();
    assert!(cause.contains("22P02"), "{cause}");
    assert!(!cause.contains("Jeanne"), "{cause}");
    assert!(!format!("{error:?}").contains("Jeanne"));
}

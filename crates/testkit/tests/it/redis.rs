//! The private Redis keeps its promises.

use std::time::Duration;

use testkit::{Redis, RedisOptions};
use tokio::time::timeout;

async fn start() -> Redis {
    Redis::start(RedisOptions::default()).await.unwrap()
}

#[tokio::test]
async fn it_answers_at_its_address() {
    let redis = testkit::redis().await;
    assert_eq!(redis.command(&["PING"]).await.unwrap(), "PONG");
    assert_eq!(redis.url(), format!("redis://127.0.0.1:{}", redis.port()));
}

#[tokio::test]
async fn a_killed_server_comes_back_empty() {
    let redis = start().await;
    redis.command(&["SET", "key", "value"]).await.unwrap();

    redis.kill9().await.unwrap();
    assert!(redis.command(&["PING"]).await.is_err());

    redis.restart().await.unwrap();
    assert_eq!(redis.command(&["EXISTS", "key"]).await.unwrap(), "0");
}

#[tokio::test]
async fn a_restart_rolls_back_to_what_was_saved() {
    let redis = start().await;
    redis.command(&["SET", "before", "1"]).await.unwrap();
    redis.save().await.unwrap();
    redis.command(&["SET", "after", "1"]).await.unwrap();

    redis.restart().await.unwrap();

    assert_eq!(redis.command(&["EXISTS", "before"]).await.unwrap(), "1");
    assert_eq!(redis.command(&["EXISTS", "after"]).await.unwrap(), "0");
}

#[tokio::test]
async fn flushing_empties_it() {
    let redis = start().await;
    redis.command(&["SET", "key", "value"]).await.unwrap();
    redis.flush_all().await.unwrap();
    assert_eq!(redis.command(&["DBSIZE"]).await.unwrap(), "0");
}

#[tokio::test]
async fn a_user_may_do_only_what_its_line_says() {
    let redis = Redis::start(RedisOptions {
        password: Some("first".into()),
        users: vec!["reader on >second ~* -@all +get +auth".into()],
        ..RedisOptions::default()
    })
    .await
    .unwrap();
    assert_eq!(redis.command(&["PING"]).await.unwrap(), "PONG");

    let answer = redis
        .command(&["ACL", "DRYRUN", "reader", "SET", "key", "value"])
        .await;

    assert!(answer.unwrap().contains("no permissions"));
    assert!(redis.url().contains(":first@"));
    assert!(redis.url_as("reader", "second").contains("reader:second@"));
}

#[tokio::test]
async fn a_frozen_server_answers_after_it_thaws() {
    let redis = start().await;
    redis.freeze().await.unwrap();
    let asked = redis.command(&["PING"]);
    let silent = timeout(Duration::from_millis(200), asked).await;
    assert!(silent.is_err());
    redis.thaw().await.unwrap();
    assert_eq!(redis.command(&["PING"]).await.unwrap(), "PONG");
}

//! A reader against the log of a database.

use eventlog::{Log, NewEvent};
use futures::FutureExt as _;
use platform::DatabaseConfig;
use proto::events::v1::NotificationRaised;

use super::*;
use crate::feed::tail::Tail;

async fn feed_with(notifications: u16) -> Feed {
    let database = testkit::postgres().await.database("feed").await;
    let config = DatabaseConfig {
        url: database.url("notification").into(),
        schema: "notification".to_owned(),
        max_connections: 4,
        acquire_timeout_ms: 3_000,
    };
    platform::migrate(&config, &crate::migrators())
        .await
        .unwrap();
    let pool = platform::connect(&config, "test").await.unwrap();
    let log = Log::open(pool.clone(), crate::NAME, 8).await.unwrap();
    let feed = Feed::new(log, pool, 8, 10);
    for number in 0..notifications {
        tell_of(&feed, &format!("report/{number}")).await;
    }
    feed
}

async fn tell_of(feed: &Feed, subject: &str) {
    let raised = NotificationRaised {
        visible_to: vec!["cell".to_owned()],
        ..NotificationRaised::default()
    };
    let event = NewEvent::new(Uuid::now_v7(), subject.to_owned(), platform::now(), &raised);
    let mut conn = feed.pool.acquire().await.unwrap();
    feed.log.append(&mut conn, &[event]).await.unwrap();
}

async fn cell(feed: &Feed) -> Watcher {
    let cell = BTreeSet::from(["cell".to_owned()]);
    Watcher::begin(feed, cell, Begin::Oldest, platform::now())
        .await
        .unwrap()
}

#[tokio::test]
async fn a_reader_who_is_interrupted_before_every_answer_still_catches_up() {
    let feed = feed_with(40).await;
    let mut watcher = cell(&feed).await;
    let mut told = 0;
    testkit::eventually(async || {
        // As when a heartbeat is due: what waits is dropped and asked for anew.
        let Some(next) = watcher.next(platform::now).now_or_never() else {
            return false;
        };
        match next.unwrap() {
            Next::Told(_) => told += 1,
            Next::CaughtUp => return true,
            Next::Gap(_) => panic!("a gap where everything is kept"),
        }
        false
    })
    .await;
    assert_eq!(told, 40);
}

#[tokio::test]
async fn what_the_tail_passed_over_is_found_in_the_log() {
    let feed = feed_with(0).await;
    let mut watcher = cell(&feed).await;
    let caught_up = watcher.next(platform::now).await.unwrap();
    assert!(matches!(caught_up, Next::CaughtUp));

    // Two are there before the tail first looks, and it begins behind them.
    let mut tail = Tail::new(feed.clone(), Arc::default());
    tell_of(&feed, "report/1").await;
    tell_of(&feed, "report/1").await;
    tail.step().await.unwrap();
    tell_of(&feed, "report/1").await;
    tail.step().await.unwrap();

    let bounds = feed.bounds().await.unwrap();
    let mut told = 0;
    while watcher.behind(&bounds) > 0 {
        let next = watcher.next(platform::now).await.unwrap();
        assert!(matches!(next, Next::Told(_)), "{next:?}");
        told += 1;
    }
    assert_eq!(told, 3);
}

//! A reader against the log of a database.

use eventlog::{Log, NewEvent};
use futures::FutureExt as _;
use platform::DatabaseConfig;
use proto::events::v1::NotificationRaised;

use super::*;

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
    let raised = NotificationRaised {
        visible_to: vec!["cell".to_owned()],
        ..NotificationRaised::default()
    };
    let events: Vec<NewEvent> = (0..notifications)
        .map(|number| {
            let subject = format!("report/{number}");
            NewEvent::new(Uuid::now_v7(), subject, platform::now(), &raised)
        })
        .collect();
    let mut conn = pool.acquire().await.unwrap();
    log.append(&mut conn, &events).await.unwrap();
    drop(conn);
    Feed::new(log, pool, 8, 10)
}

#[tokio::test]
async fn a_reader_who_is_interrupted_before_every_answer_still_catches_up() {
    let feed = feed_with(40).await;
    let cell = BTreeSet::from(["cell".to_owned()]);
    let mut watcher = Watcher::begin(&feed, cell, Begin::Oldest, platform::now())
        .await
        .unwrap();
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

//! A reader against the log of a database.

use eventlog::{Log, NewEvent};
use futures::FutureExt as _;
use platform::{DatabaseConfig, Files};
use proto::events::v1::NotificationRaised;
use time::OffsetDateTime;

use super::*;
use crate::feed::{log::PAGE, reader::FeedReader};

async fn feed_with(notifications: u16) -> Feed {
    let database = testkit::postgres().await.database("feed").await;
    let config = DatabaseConfig {
        max_connections: 4,
        ..DatabaseConfig::new(database.url("notification"), "notification")
    };
    platform::migrate(&config, &crate::migrators())
        .await
        .unwrap();
    let pool = platform::connect(&config, "test", &Files::default())
        .await
        .unwrap();
    let log = Log::open(pool.clone(), crate::NAME, 8).await.unwrap();
    let mut config = crate::NotificationConfig::new("", "", "");
    (config.stream_buffer, config.gap_after) = (8, 10);
    let feed = Feed::new(log, pool, &config);
    for number in 0..notifications {
        tell_of(&feed, &format!("report/{number}")).await;
    }
    feed
}

async fn tell_of(feed: &Feed, subject: &str) {
    tell_of_at(feed, subject, platform::now().unix_timestamp()).await;
}

async fn tell_of_at(feed: &Feed, subject: &str, second: i64) {
    let raised = NotificationRaised {
        visible_to: vec!["cell".to_owned()],
        headline: format!("{subject} at {second}"),
        ..NotificationRaised::default()
    };
    let at = OffsetDateTime::from_unix_timestamp(second).unwrap();
    let event = NewEvent::new(Uuid::now_v7(), subject.to_owned(), at, &raised);
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
            Next::Item(_) => told += 1,
            Next::CaughtUp => return true,
            Next::Gap(_) => panic!("a gap where everything is kept"),
        }
        false
    })
    .await;
    assert_eq!(told, 40);
}

/// Two subjects of different shards.
fn two_subjects(feed: &Feed) -> [String; 2] {
    let here = "report/0".to_owned();
    let elsewhere = (1..1_000)
        .map(|number| format!("report/{number}"))
        .find(|subject| feed.log.shard_of(subject) != feed.log.shard_of(&here))
        .expect("there are several shards");
    [here, elsewhere]
}

async fn headlines(feed: &Feed) -> Vec<String> {
    let mut watcher = cell(feed).await;
    let mut told = Vec::new();
    while let Next::Item(next) = watcher.next(platform::now).await.unwrap() {
        told.push(next.notification.headline);
    }
    told
}

#[tokio::test]
async fn a_report_keeps_its_order_and_what_was_raised_first_comes_first_across_reports() {
    let feed = feed_with(0).await;
    let [here, elsewhere] = two_subjects(&feed);
    // The replica that announces second has a clock behind that of the first.
    for (subject, second) in [
        (&here, 10),
        (&here, 5),
        (&elsewhere, 7),
        (&here, 30),
        (&elsewhere, 20),
    ] {
        tell_of_at(&feed, subject, second).await;
    }
    let expected = [
        format!("{elsewhere} at 7"),
        format!("{here} at 10"),
        format!("{here} at 5"),
        format!("{elsewhere} at 20"),
        format!("{here} at 30"),
    ];
    assert_eq!(headlines(&feed).await, expected);
}

#[tokio::test]
async fn a_long_history_of_one_report_comes_before_what_followed_it_elsewhere() {
    let feed = feed_with(0).await;
    let [here, elsewhere] = two_subjects(&feed);
    let page = i64::from(PAGE);
    let mut expected = Vec::new();
    for second in 0..=2 * page {
        tell_of_at(&feed, &here, second).await;
        expected.push(format!("{here} at {second}"));
    }
    for second in 3 * page..=4 * page {
        tell_of_at(&feed, &elsewhere, second).await;
        expected.push(format!("{elsewhere} at {second}"));
    }
    assert_eq!(headlines(&feed).await, expected);
}

#[tokio::test]
async fn what_the_tail_passed_over_is_found_in_the_log() {
    let feed = feed_with(0).await;
    let mut watcher = cell(&feed).await;
    let caught_up = watcher.next(platform::now).await.unwrap();
    assert!(matches!(caught_up, Next::CaughtUp));

    // Two are there before the reader first looks, and it begins behind them.
    let mut reader = FeedReader::new(feed.clone(), Arc::default());
    tell_of(&feed, "report/1").await;
    tell_of(&feed, "report/1").await;
    reader.step().await.unwrap();
    tell_of(&feed, "report/1").await;
    reader.step().await.unwrap();

    let bounds = feed.bounds().await.unwrap();
    let mut told = 0;
    while watcher.behind(&bounds) > 0 {
        let next = watcher.next(platform::now).await.unwrap();
        assert!(matches!(next, Next::Item(_)), "{next:?}");
        told += 1;
    }
    assert_eq!(told, 3);
}

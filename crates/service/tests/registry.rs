//! Events reach the feature that applies them, and what features announce is appended.

#![expect(
    clippy::unwrap_used,
    reason = "the helpers of a test stop it where something unforeseen happens"
)]

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use eventlog::{Apply as _, ApplyError, Event, Log, NewEvent};
use platform::{DatabaseConfig, Files};
use proto::{
    Payload as _,
    events::v1::{CaseChanged, ReportSubmitted, ReportWithdrawn, StructureRecorded},
};
use service::{Feature, Registry};
use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

/// Keeps the subjects of each call, and announces a case for each event.
#[derive(Default)]
struct Recorder(Mutex<Vec<Vec<String>>>);

#[async_trait]
impl Feature for Recorder {
    async fn apply(
        &self,
        _: &mut PgConnection,
        events: &[Event],
    ) -> Result<Vec<NewEvent>, ApplyError> {
        let subjects = events.iter().map(|event| event.subject.clone());
        self.0.lock().unwrap().push(subjects.collect());
        let announced = events.iter().map(|event| {
            let subject = format!("case/{}", event.subject);
            NewEvent::new(Uuid::now_v7(), subject, event.time, &CaseChanged::default())
        });
        Ok(announced.collect())
    }
}

fn event(event_type: &str, subject: &str) -> Event {
    Event {
        shard: 0,
        position: 1,
        id: Uuid::now_v7(),
        event_type: event_type.to_owned(),
        source: "/vigie/intake".to_owned(),
        subject: subject.to_owned(),
        time: platform::now(),
        traceparent: None,
        payload: Vec::new().into(),
        data_key: None,
        consumers: None,
    }
}

/// A log of one shard, and its database.
async fn open_log(label: &str) -> (Log, PgPool) {
    let database = testkit::postgres().await.database(label).await;
    let config = DatabaseConfig::new(database.url("qualification"), "qualification");
    platform::migrate(&config, &[&platform::MIGRATOR, &eventlog::MIGRATOR])
        .await
        .unwrap();
    let pool = platform::connect(&config, "qualification", &Files::default())
        .await
        .unwrap();
    let log = Log::open(pool.clone(), "qualification", 1).await.unwrap();
    (log, pool)
}

#[tokio::test(flavor = "multi_thread")]
async fn each_feature_applies_its_own_events_in_order_and_what_all_announce_is_appended() {
    let (log, pool) = open_log("registry").await;
    let reports = Arc::new(Recorder::default());
    let structures = Arc::new(Recorder::default());
    let registry = Registry::announcing(log.clone())
        .on::<ReportSubmitted>(&reports)
        .on::<ReportWithdrawn>(&reports)
        .on::<StructureRecorded>(&structures);
    assert!(registry.accepts(ReportWithdrawn::TYPE));
    assert!(registry.accepts(StructureRecorded::TYPE));
    assert!(!registry.accepts(CaseChanged::TYPE));

    let events = [
        event(ReportSubmitted::TYPE, "1"),
        event(ReportWithdrawn::TYPE, "2"),
        event(StructureRecorded::TYPE, "3"),
        event(ReportSubmitted::TYPE, "4"),
        event(StructureRecorded::TYPE, "5"),
        event(StructureRecorded::TYPE, "6"),
    ];
    let mut transaction = pool.begin().await.unwrap();
    registry.apply(&mut transaction, &events).await.unwrap();
    transaction.commit().await.unwrap();
    assert_eq!(*reports.0.lock().unwrap(), [vec!["1", "2"], vec!["4"]]);
    assert_eq!(*structures.0.lock().unwrap(), [vec!["3"], vec!["5", "6"]]);

    let mut conn = pool.acquire().await.unwrap();
    let appended = log.page(&mut conn, 0, 0, 100).await.unwrap();
    let subjects: Vec<&str> = appended.iter().map(|e| e.subject.as_str()).collect();
    let expected = ["case/1", "case/2", "case/3", "case/4", "case/5", "case/6"];
    assert_eq!(subjects, expected);
    let is_of_a_case = |event: &Event| event.event_type == CaseChanged::TYPE;
    assert!(appended.iter().all(is_of_a_case));
}

//! The full state, for a consumer that starts below the floor of the log.

use std::collections::BTreeMap;

use prost::Message as _;
use proto::{
    eventlog::v1::{
        SnapshotRequest, cloud_event::Data, event_log_service_client::EventLogServiceClient,
        snapshot_response::Part,
    },
    events::v1 as events,
};
use tonic::Code;
use uuid::Uuid;

use crate::tests::env::{TestEnv, analyst, in_scope};

#[tokio::test]
async fn a_snapshot_tells_the_latest_change_of_every_case_under_its_first_id() {
    let env = TestEnv::start().await;
    let fresh = env.open(&env.report()).await;
    let led = env.open(&env.report()).await;
    env.claim(&analyst(), &led.case_id).await.unwrap();
    env.qualify(&analyst(), in_scope(&led.case_id))
        .await
        .unwrap();

    let told = env.snapshot().await;
    // Word for word what the log says last of each case.
    let mut expected = BTreeMap::new();
    for case_id in [&fresh.case_id, &led.case_id] {
        let (id, payload): (Uuid, Vec<u8>) = sqlx::query_as(
            "select event_id, payload from event where subject = $1 order by position desc limit 1",
        )
        .bind(format!("case/{case_id}"))
        .fetch_one(&env.pool)
        .await
        .unwrap();
        expected.insert(id, events::CaseChanged::decode(payload.as_slice()).unwrap());
    }
    assert_eq!(told, expected);
}

#[tokio::test]
async fn the_log_is_read_by_its_consumers_only() {
    let env = TestEnv::start().await;
    let refused = EventLogServiceClient::new(env.service.as_service("qualification"))
        .snapshot(SnapshotRequest::default())
        .await
        .unwrap_err();
    assert_eq!(refused.code(), Code::PermissionDenied);
}

impl TestEnv {
    /// The full state as a consumer is told, by the ids of the events.
    pub(crate) async fn snapshot(&self) -> BTreeMap<Uuid, events::CaseChanged> {
        let mut stream = EventLogServiceClient::new(self.service.as_service("notification"))
            .snapshot(SnapshotRequest::default())
            .await
            .unwrap()
            .into_inner();
        let mut told = BTreeMap::new();
        while let Some(message) = stream.message().await.unwrap() {
            let Some(Part::Events(batch)) = message.part else {
                continue;
            };
            for event in batch.events {
                let Some(Data::BinaryData(payload)) = event.data else {
                    panic!("no payload")
                };
                let id = Uuid::try_parse(&event.id).unwrap();
                told.insert(id, events::CaseChanged::decode(payload).unwrap());
            }
        }
        told
    }
}

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

use crate::world::{World, analyst, in_scope};

#[tokio::test]
async fn a_snapshot_tells_the_latest_change_of_every_case_under_its_first_id() {
    let world = World::start().await;
    let fresh = world.open(&world.report()).await;
    let led = world.open(&world.report()).await;
    world.claim(&analyst(), &led.case_id).await.unwrap();
    world
        .qualify(&analyst(), in_scope(&led.case_id))
        .await
        .unwrap();

    let told = world.snapshot().await;
    // Word for word what the log says last of each case.
    let mut expected = BTreeMap::new();
    for case_id in [&fresh.case_id, &led.case_id] {
        let (id, payload): (Uuid, Vec<u8>) = sqlx::query_as(
            "select event_id, payload from event where subject = $1 order by position desc limit 1",
        )
        .bind(format!("case/{case_id}"))
        .fetch_one(&world.pool)
        .await
        .unwrap();
        expected.insert(id, events::CaseChanged::decode(payload.as_slice()).unwrap());
    }
    assert_eq!(told, expected);
}

#[tokio::test]
async fn the_log_is_read_by_its_consumers_only() {
    let world = World::start().await;
    let tls = world.tls("qualification");
    let channel = platform::internal_channel(
        "qualification",
        &world.internal_url,
        &tls,
        &platform::Files::default(),
    )
    .unwrap();
    let refused = EventLogServiceClient::new(channel)
        .snapshot(SnapshotRequest::default())
        .await
        .unwrap_err();
    assert_eq!(refused.code(), Code::PermissionDenied);
}

impl World {
    /// The full state as a consumer is told, by the ids of the events.
    pub(crate) async fn snapshot(&self) -> BTreeMap<Uuid, events::CaseChanged> {
        let tls = self.tls("notification");
        let channel = platform::internal_channel(
            "qualification",
            &self.internal_url,
            &tls,
            &platform::Files::default(),
        )
        .unwrap();
        let mut stream = EventLogServiceClient::new(channel)
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

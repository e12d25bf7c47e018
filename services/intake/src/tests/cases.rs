//! What comes from the log of cases, and what the other services can ask of
//! the service's own log.

use eventlog::NewEvent;
use proto::{
    eventlog::v1::{
        CloudEvent, SnapshotRequest, event_log_service_client::EventLogServiceClient,
        snapshot_response::Part,
    },
    events::v1::CaseChanged,
    intake::v1::WithdrawReportRequest,
    types::v1::CaseState,
};
use std::collections::BTreeMap;
use testkit::eventually;
use tonic::Code;
use uuid::Uuid;

use crate::tests::{drafts::incident, env::TestEnv, resolving::resolving};

fn change(report_id: &str, revision: u64, state: i32) -> NewEvent {
    let case_id = Uuid::from_u128(1).to_string();
    let payload = CaseChanged {
        case_id: case_id.clone(),
        report_id: report_id.to_owned(),
        revision,
        state,
        ..CaseChanged::default()
    };
    NewEvent::new(
        Uuid::new_v4(),
        format!("case/{case_id}"),
        platform::now(),
        &payload,
    )
}

/// What a snapshot tells, by the ids of its events.
async fn snapshot(env: &TestEnv) -> BTreeMap<String, CloudEvent> {
    let mut client = EventLogServiceClient::new(env.service.as_service("notification"));
    let mut parts = client
        .snapshot(SnapshotRequest::default())
        .await
        .unwrap()
        .into_inner();
    let mut told = BTreeMap::new();
    while let Some(part) = parts.message().await.unwrap() {
        if let Some(Part::Events(batch)) = part.part {
            told.extend(
                batch
                    .events
                    .into_iter()
                    .map(|event| (event.id.clone(), event)),
            );
        }
    }
    told
}

#[tokio::test]
async fn a_report_shows_the_greatest_revision_of_its_case() {
    let env = TestEnv::start().await;
    let alice = env.declarant("alice");
    let receipt = alice.submit(incident()).await.unwrap();
    let id = &receipt.report_id;
    let seen = alice.get(id).await.unwrap();
    env.qualification()
        .announce(&[
            change(id, 1, CaseState::Submitted.into()),
            change(id, 3, CaseState::Qualified.into()),
            change(id, 2, CaseState::InQualification.into()),
            change(&Uuid::new_v4().to_string(), 1, CaseState::Submitted.into()),
        ])
        .await;
    eventually(async || alice.get(id).await.unwrap().case_state() == CaseState::Qualified).await;
    let now = alice.get(id).await.unwrap();
    assert_eq!(now.case_id, Uuid::from_u128(1).to_string());
    assert_eq!(now.etag, seen.etag);

    // A state of a later release is passed on as it came, and its revision counts.
    env.qualification()
        .announce(&[change(id, 4, 99), change(id, 3, CaseState::Closed.into())])
        .await;
    eventually(async || alice.get(id).await.unwrap().case_state == 99).await;
}

#[tokio::test]
async fn a_snapshot_tells_the_state_under_the_ids_of_the_log() {
    let env = TestEnv::with_directory().await;
    let alice = env.linked("alice");
    let receipt = alice.submit(incident()).await.unwrap();
    alice.submit(incident()).await.unwrap();
    let resolving = resolving(&receipt.report_id, "Postes réinstallés.");
    alice.resolve(resolving).await.unwrap();
    alice
        .withdraw(WithdrawReportRequest {
            request_id: Uuid::new_v4().to_string(),
            report_id: receipt.report_id,
            reason: "Fausse alerte.".to_owned(),
            etag: String::new(),
        })
        .await
        .unwrap();

    let told = snapshot(&env).await;
    let logged = env.events().await;
    assert_eq!(logged.len(), 5);
    assert_eq!(told.len(), 5);
    for event in logged {
        let again = &told[&event.id.to_string()];
        let Some(proto::eventlog::v1::cloud_event::Data::BinaryData(payload)) = &again.data else {
            panic!("an event has a payload")
        };
        assert_eq!(payload, &event.payload, "{}", event.event_type);
        assert_eq!(
            again.attributes.contains_key("datakey"),
            event.data_key.is_some()
        );
    }
}

#[tokio::test]
async fn a_snapshot_of_many_pages_leaves_nothing_out() {
    let env = TestEnv::start().await;
    let alice = env.declarant("alice");
    // A page holds sixteen reports: two full ones, and what is left.
    let reports = (0..35).map(|_| alice.submit(incident()));
    for receipt in futures::future::join_all(reports).await {
        receipt.unwrap();
    }
    let told = snapshot(&env).await;
    let logged = env.events().await;
    assert_eq!((logged.len(), told.len()), (35, 35));
    for event in logged {
        assert!(told.contains_key(&event.id.to_string()), "{}", event.id);
    }
}

#[tokio::test]
async fn a_service_that_does_not_follow_the_log_reads_nothing() {
    let env = TestEnv::start().await;
    let mut client = EventLogServiceClient::new(env.service.as_service("intake"));
    let status = client
        .snapshot(SnapshotRequest::default())
        .await
        .unwrap_err();
    assert_eq!(status.code(), Code::PermissionDenied);
}

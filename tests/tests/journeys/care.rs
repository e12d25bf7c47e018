//! What an agency records of care reaches those who answer for it.

use proto::notification::v1::NotificationKind;
use proto::qualification::v1 as case_pb;
use proto::qualification::v1::care_service_client::CareServiceClient;
use proto::types::v1 as types;
use testkit::eventually;
use tests::{MONTPELLIER, TestEnv, ransomware};

use crate::reading::{case_of, figure, find_case, next, request_id, watch};

#[tokio::test(flavor = "multi_thread")]
async fn an_emergency_department_that_closes_shows_the_case_to_the_health_authority_and_counts() {
    let env = TestEnv::start().await;
    let (officer, authority) = (env.as_user("fssi"), env.as_user("dgs"));
    let mut draft = ransomware(MONTPELLIER);
    draft.impacts = None;
    let receipt = env.as_user("director").submit(draft.clone()).await;
    let reference = receipt.reference.as_str();
    let agency = env.as_user("ars-76");
    eventually(async || find_case(&agency, reference).await.is_some()).await;
    assert_eq!(find_case(&authority, reference).await, None);
    eventually(async || figure(&officer, "reports").await == 1).await;
    assert_eq!(figure(&officer, "interruption").await, 0);

    let record = case_pb::RecordCareConsequenceRequest {
        request_id: request_id(),
        case_id: case_of(&agency, reference).await.case_id,
        region: String::new(),
        draft: Some(case_pb::CareConsequenceDraft {
            kind: case_pb::CareConsequenceKind::EmergencyDepartmentClosed.into(),
            description: "Régulation par le SAMU".to_owned(),
            begun_at: draft.found_at,
            ..Default::default()
        }),
    };
    CareServiceClient::new(agency.channel("qualification"))
        .record_care_consequence(record)
        .await
        .unwrap();

    let mut stream = watch(&authority).await;
    // They are about two subjects, whose logs may be read in either order.
    let mut awaited = vec![
        NotificationKind::CaseChanged,
        NotificationKind::CaseActivity,
    ];
    while !awaited.is_empty() {
        let told = next(&mut stream, |told| awaited.contains(&told.kind())).await;
        assert_eq!(told.reference, reference);
        awaited.retain(|kind| *kind != told.kind());
    }
    let case = case_of(&authority, reference).await;
    assert_eq!(case.state(), types::CaseState::Submitted);
    assert_eq!(case.declarant, None);
    eventually(async || figure(&officer, "interruption").await == 1).await;
}

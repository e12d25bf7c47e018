//! What consequences for care make of their case.

use proto::{
    events::v1 as events,
    qualification::v1::{self as pb, CareConsequenceKind as Kind},
    types::v1::{self as types, CareImpact},
};
use time::Duration;
use tonic::Code;
use uuid::Uuid;

use super::{dgs, draft, end, timestamp, update};
use crate::tests::env::{DECLARED, TestEnv, agent, analyst, in_scope, out_of_scope, reason};

#[tokio::test]
async fn the_first_consequence_tells_the_health_authority_and_raises_the_impact_of_the_case() {
    let env = TestEnv::start().await;
    let case = env.open(&env.report()).await;
    let id = case.case_id;
    assert_eq!(
        env.get(&dgs(), &id).await.unwrap_err().code(),
        Code::NotFound
    );
    let impact_of = |case: &pb::Case| {
        case.proposed
            .as_ref()
            .unwrap()
            .impacts
            .as_ref()
            .unwrap()
            .care()
    };

    let degraded = draft(Kind::ServiceDegraded, "Prescriptions sur papier");
    env.record_care(&agent("76"), &id, degraded.clone())
        .await
        .unwrap();
    let case = env.get(&dgs(), &id).await.unwrap();
    assert_eq!(impact_of(&case), CareImpact::DegradedMode);
    assert!(case.proposed.as_ref().unwrap().severity.unwrap().serious);
    assert_eq!(
        (case.revision, case.state()),
        (2, types::CaseState::Submitted)
    );
    let entry = case.history.last().unwrap();
    assert_eq!(
        (
            entry.action.as_str(),
            entry.actor.as_str(),
            entry.note.as_str()
        ),
        ("care_recorded", "regional_agent", "")
    );

    // What adds nothing to it leaves the case as it is, what is graver does not.
    env.record_care(&agent("76"), &id, degraded.clone())
        .await
        .unwrap();
    assert_eq!(env.get(&dgs(), &id).await.unwrap().revision, 2);
    let closed = draft(Kind::EmergencyDepartmentClosed, "Régulation par le SAMU");
    env.record_care(&agent("76"), &id, closed).await.unwrap();
    env.record_care(&agent("76"), &id, degraded).await.unwrap();
    let case = env.get(&dgs(), &id).await.unwrap();
    assert_eq!(
        (case.revision, impact_of(&case)),
        (3, CareImpact::Interruption)
    );

    let announced = env.announced(&id).await;
    assert_eq!(announced.len(), 3);
    let told = |event: &events::CaseChanged| {
        let dgs = event.visible_to.contains(&"dgs".to_owned());
        let impact = event.impacts.as_ref().unwrap().care();
        (
            event.change(),
            event.care_recorded,
            event.qualified,
            dgs,
            impact,
        )
    };
    let changes: Vec<_> = announced.iter().map(told).collect();
    let change = events::CaseChange::CareRecorded;
    assert_eq!(
        changes[1..],
        [
            (change, true, false, true, CareImpact::DegradedMode),
            (change, true, false, true, CareImpact::Interruption)
        ]
    );
}

#[tokio::test]
async fn what_the_cell_confirmed_is_raised_and_its_next_qualification_holds() {
    let env = TestEnv::start().await;
    let id = env.open(&env.report()).await.case_id;
    let qualification = in_scope(&id);
    env.qualify(&analyst(), qualification.clone())
        .await
        .unwrap();
    let measure = draft(Kind::TerritorialMeasure, "Plan blanc départemental");
    env.record_care(&agent("76"), &id, measure.clone())
        .await
        .unwrap();
    let case = env.get(&analyst(), &id).await.unwrap();
    let declared = types::Impacts::default();
    assert_eq!(case.proposed.unwrap().impacts, Some(declared));
    let confirmed = case.confirmed.unwrap();
    let raised = types::Impacts {
        care: CareImpact::DegradedMode.into(),
        ..Default::default()
    };
    let expected = pb::Triage {
        impacts: Some(raised),
        ..qualification.triage.clone().unwrap()
    };
    assert_eq!(confirmed, expected);

    let again = pb::QualifyCaseRequest {
        request_id: Uuid::now_v7().to_string(),
        ..qualification.clone()
    };
    let case = env.qualify(&analyst(), again).await.unwrap();
    assert_eq!(case.confirmed, qualification.triage);
    env.get(&dgs(), &id).await.unwrap();
    env.record_care(&agent("76"), &id, measure).await.unwrap();
    let case = env.get(&analyst(), &id).await.unwrap();
    assert_eq!(case.confirmed, Some(expected));
}

#[tokio::test]
async fn neither_the_armed_forces_nor_a_test_reach_the_health_authority() {
    let env = TestEnv::start().await;
    let mut army = env.report();
    army.submitted.visible_to.push("army".into());
    let mut test = env.report();
    test.submitted.test = true;
    for report in [army, test] {
        let id = env.open(&report).await.case_id;
        let draft = draft(Kind::ServiceClosed, "Bloc fermé");
        env.record_care(&agent("76"), &id, draft).await.unwrap();
        let case = env.get(&agent("76"), &id).await.unwrap();
        let impacts = case.proposed.unwrap().impacts.unwrap();
        assert_eq!(impacts.care(), CareImpact::Interruption);
        let refused = env.get(&dgs(), &id).await.unwrap_err();
        assert_eq!(refused.code(), Code::NotFound);
        let refused = env.list_care(&dgs(), &id).await.unwrap_err();
        assert_eq!(refused.code(), Code::NotFound);
    }
}

#[tokio::test]
async fn an_ended_case_takes_no_further_consequence_and_sees_those_it_has_end() {
    let env = TestEnv::start().await;
    let id = env.open(&env.report()).await.case_id;
    let degraded = draft(Kind::ServiceDegraded, "Prescriptions sur papier");
    let recorded = env.record_care(&agent("76"), &id, degraded.clone()).await;
    let recorded = recorded.unwrap().consequence_id;
    env.qualify(&analyst(), out_of_scope(&id)).await.unwrap();

    let refused = env
        .record_care(&agent("76"), &id, degraded.clone())
        .await
        .unwrap_err();
    assert_eq!(reason(&refused), "WRONG_STATE");
    let closed = draft(Kind::ServiceClosed, "Bloc fermé");
    let refused = env
        .update_care(&agent("76"), update(&recorded, closed))
        .await
        .unwrap_err();
    assert_eq!(
        (refused.code(), reason(&refused).as_str()),
        (Code::FailedPrecondition, "WRONG_STATE")
    );
    let corrected = pb::CareConsequenceDraft {
        description: "Prescriptions et résultats sur papier".into(),
        ..degraded
    };
    env.update_care(&agent("76"), update(&recorded, corrected.clone()))
        .await
        .unwrap();
    let ended = env
        .end_care(&agent("76"), end(&recorded, DECLARED + Duration::HOUR))
        .await
        .unwrap();
    assert_eq!(ended.draft, Some(corrected));
    assert_eq!(ended.ended_at, Some(timestamp(DECLARED + Duration::HOUR)));
}

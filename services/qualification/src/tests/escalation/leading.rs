//! What is judged major, who pilots it, and what the FSSI decides.

use super::*;
use crate::tests::env::{in_scope, out_of_scope};

#[tokio::test]
async fn what_is_declared_major_is_qualified_and_told_as_such() {
    let env = TestEnv::start().await;
    let id = env.open(&env.report()).await.case_id;
    let case = env.declare_major(&officer(), &id).await.unwrap();
    assert_eq!(case.state(), types::CaseState::Qualified);
    let severity = case.confirmed.unwrap().severity.unwrap();
    assert!(severity.serious && severity.major && !severity.significant);
    let case = env.get(&analyst(), &id).await.unwrap();
    let entry = case.history.last().unwrap();
    assert_eq!(entry.action, "qualified");
    assert_eq!(entry.actor, "security_officer:fs");
    assert_eq!(entry.note, "Trois établissements à l'arrêt");
    // What notification has its rule for.
    let announced = env.announced(&id).await.pop().unwrap();
    assert_eq!(announced.change(), events::CaseChange::Qualified);
    assert!(announced.qualified && announced.severity.unwrap().major);

    env.close(&analyst(), &id).await.unwrap();
    let refused = env.declare_major(&analyst(), &id).await.unwrap_err();
    assert_eq!(reason(&refused), "WRONG_STATE");
}

#[tokio::test]
async fn a_qualification_that_judges_major_is_escalated_once() {
    let env = on_call().await;
    let id = env.open(&imported(&env)).await.case_id;
    let mut major = in_scope(&id);
    let triage = major.triage.as_mut().unwrap();
    triage.severity.as_mut().unwrap().major = true;
    env.qualify(&analyst(), major.clone()).await.unwrap();
    let escalation = env.escalations(&analyst(), &id).await.remove(0);
    assert_eq!(escalation.cause(), pb::EscalationCause::Major);
    env.acknowledge(&analyst(), &escalation).await.unwrap();
    // It is major already.
    major.request_id = Uuid::now_v7().to_string();
    env.qualify(&analyst(), major).await.unwrap();
    env.declare_major(&analyst(), &id).await.unwrap();
    assert_eq!(env.escalations(&analyst(), &id).await.len(), 1);
}

#[tokio::test]
async fn a_declaration_that_is_sent_again_or_saw_another_case_changes_nothing() {
    let env = TestEnv::start().await;
    let case = env.open(&env.report()).await;
    let declare = pb::DeclareMajorRequest {
        request_id: Uuid::now_v7().to_string(),
        case_id: case.case_id.clone(),
        reason: "Grave".to_owned(),
        etag: case.etag.clone(),
    };
    let mut service = env.escalation_client(&analyst());
    let first = service.declare_major(declare.clone()).await.unwrap();
    let again = service.declare_major(declare.clone()).await.unwrap();
    assert_eq!(first.into_inner(), again.into_inner());
    let stale = pb::DeclareMajorRequest {
        request_id: Uuid::now_v7().to_string(),
        ..declare.clone()
    };
    let refused = service.declare_major(stale).await.unwrap_err();
    assert_eq!(reason(&refused), "ETAG_MISMATCH");
    let mute = pb::DeclareMajorRequest {
        reason: " ".to_owned(),
        ..declare
    };
    let refused = service.declare_major(mute).await.unwrap_err();
    assert_eq!(
        servicetest::violations(&refused),
        [("reason".to_owned(), "REQUIRED".to_owned())]
    );
    let case = env.get(&analyst(), &case.case_id).await.unwrap();
    assert_eq!(case.history.len(), 2);
}

#[tokio::test]
async fn the_pilot_is_shown_to_the_cell_and_the_agencies_and_a_colleague_takes_over() {
    let env = TestEnv::start().await;
    let id = env.open(&env.report()).await.case_id;
    let take = async |who: &TokenSpec| {
        let request = pb::TakePilotRequest {
            request_id: Uuid::now_v7().to_string(),
            case_id: id.clone(),
        };
        env.escalation_client(who).take_pilot(request).await
    };
    let taken = take(&officer()).await.unwrap().into_inner().case.unwrap();
    assert_eq!(
        (taken.pilot.as_str(), taken.state()),
        ("fs", types::CaseState::Submitted)
    );
    let declarant = TokenSpec::of("decl").role("declarant");
    for (who, pilot) in [(analyst(), "fs"), (agent("76"), "fs"), (declarant, "")] {
        let case = env.get(&who, &id).await.unwrap();
        assert_eq!(case.pilot, pilot, "{}", who.subject);
        assert_eq!(case.history.last().unwrap().action, "pilot_taken");
    }
    let announced = env.announced(&id).await.pop().unwrap();
    assert_eq!(announced.change(), events::CaseChange::PilotTaken);
    let colleague = TokenSpec::of("gi").role("security_officer");
    take(&colleague).await.unwrap();
    assert_eq!(env.get(&analyst(), &id).await.unwrap().pilot, "gi");
    let refused = take(&analyst()).await.unwrap_err();
    assert_eq!(refused.code(), Code::PermissionDenied);
    // Of several roles the one counts that may do it.
    let both = TokenSpec::of("both")
        .role("analyst")
        .role("security_officer");
    let taken = take(&both).await.unwrap().into_inner().case.unwrap();
    assert_eq!(taken.pilot, "both");
    let history = env.get(&analyst(), &id).await.unwrap().history;
    assert_eq!(history.last().unwrap().actor, "security_officer:both");
}

#[tokio::test]
async fn decisions_rest_sealed_and_vanish_with_the_contacts_of_the_report() {
    let env = TestEnv::start().await;
    let report = env.report();
    let id = env.open(&report).await.case_id;
    let text = "Couper les échanges avec le prestataire";
    let record = |text: &str| pb::RecordDecisionRequest {
        request_id: Uuid::now_v7().to_string(),
        case_id: id.clone(),
        text: text.to_owned(),
    };
    let request = record(text);
    let mut service = env.escalation_client(&officer());
    let first = service.record_decision(request.clone()).await.unwrap();
    let first = first.into_inner().decision.unwrap();
    assert_eq!((first.text.as_str(), first.number), (text, 1));
    let again = service.record_decision(request).await.unwrap();
    assert_eq!(again.into_inner().decision.unwrap(), first);
    service.record_decision(record("Lever")).await.unwrap();

    let list = async |who: &TokenSpec| {
        let request = pb::ListDecisionsRequest {
            case_id: id.clone(),
            ..Default::default()
        };
        let listed = env.escalation_client(who).list_decisions(request).await;
        listed.map(|listed| listed.into_inner().decisions)
    };
    let seen = list(&analyst()).await.unwrap();
    assert_eq!(seen.len(), 2);
    assert_eq!(seen[1], first);
    assert_eq!(seen[1].recorded_by, "fs");
    let seen = list(&agent("76")).await.unwrap();
    assert_eq!(
        (seen[1].text.as_str(), seen[1].recorded_by.as_str()),
        (text, "")
    );
    assert_eq!(list(&agent("28")).await.unwrap_err().code(), Code::NotFound);
    let clear = "select count(*) from decision
                 where position('prestataire'::bytea in sealed_text) > 0";
    assert_eq!(env.count(clear).await, 0);

    env.announce(&[report.contacts_erased()]).await;
    eventually(async || list(&analyst()).await.unwrap()[1].erased).await;
    assert_eq!(list(&analyst()).await.unwrap()[1].text, "");
    let refused = service.record_decision(record("Trop tard")).await;
    assert_eq!(reason(&refused.unwrap_err()), "ERASED");
}

#[tokio::test]
async fn nothing_is_decided_on_an_ended_case() {
    let env = TestEnv::start().await;
    let id = env.open(&env.report()).await.case_id;
    env.qualify(&analyst(), out_of_scope(&id)).await.unwrap();
    let record = pb::RecordDecisionRequest {
        request_id: Uuid::now_v7().to_string(),
        case_id: id,
        text: "Trop tard".to_owned(),
    };
    let mut service = env.escalation_client(&officer());
    let refused = service.record_decision(record).await.unwrap_err();
    assert_eq!(reason(&refused), "WRONG_STATE");
}

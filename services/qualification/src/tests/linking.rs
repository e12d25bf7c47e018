//! The structure of a report, and who speaks for it, is settled afterwards; its case follows.

use proto::{events::v1 as events, types::v1 as types};
use testkit::TokenSpec;

use crate::tests::env::{TestEnv, agent, analyst};

const STRUCTURE: &str = "structure:finess:010000024";

#[tokio::test]
async fn a_case_shows_the_link_and_leaves_the_sight_of_the_structure_where_it_is_rejected() {
    let env = TestEnv::start().await;
    let report = env.report();
    let opened = env.open(&report).await;
    let colleague = TokenSpec::of("bob").role("declarant");
    let colleague = colleague.structure("finess:010000024");
    assert!(env.get(&colleague, &opened.case_id).await.is_ok());

    let mut rejected = report.clone();
    rejected.submitted.visible_to.retain(|it| it != STRUCTURE);
    let decided = rejected.link_decided(2, types::DeclarantLink::Rejected, &[STRUCTURE]);
    env.announce(&[decided.clone(), decided]).await;
    env.settle(&report).await;
    assert!(env.get(&colleague, &opened.case_id).await.is_err());
    let declarant = TokenSpec::of("decl").role("declarant");
    for user in [analyst(), agent("76"), declarant] {
        let case = env.get(&user, &opened.case_id).await.unwrap();
        assert_eq!(case.declarant_link(), types::DeclarantLink::Rejected);
        assert_eq!(case.history.len(), 2);
        assert_eq!(case.history[1].action, "link_decided");
        let note = "Lien du déclarant avec la structure : rejeté";
        assert_eq!(case.history[1].note, note);
    }

    let confirmed = report.link_decided(3, types::DeclarantLink::Confirmed, &[]);
    env.announce(&[confirmed]).await;
    env.settle(&report).await;
    let case = env.get(&colleague, &opened.case_id).await.unwrap();
    assert_eq!(case.declarant_link(), types::DeclarantLink::Confirmed);
    let announced = env.announced(&opened.case_id).await;
    let changes: Vec<_> = announced.iter().map(events::CaseChanged::change).collect();
    assert_eq!(
        changes,
        [
            events::CaseChange::Opened,
            events::CaseChange::LinkDecided,
            events::CaseChange::LinkDecided,
        ]
    );
    assert!(!announced[1].visible_to.contains(&STRUCTURE.to_owned()));
    assert!(announced[2].visible_to.contains(&STRUCTURE.to_owned()));
}

#[tokio::test]
async fn the_case_of_an_attached_report_goes_to_its_agency_and_from_the_one_before() {
    let env = TestEnv::start().await;
    let report = env.report();
    let opened = env.open(&report).await;
    let mut attached = report.clone();
    let told = &mut attached.submitted;
    let structure = told.structure.as_mut().unwrap();
    structure.name = "CHU de Rouen".to_owned();
    structure.routing_region = "28".to_owned();
    told.visible_to = ["cell", "fssi", "ars:28", "subject:decl"]
        .map(str::to_owned)
        .to_vec();
    let lost = ["ars:76", STRUCTURE];
    env.announce(&[attached.attached(2, &lost)]).await;
    env.settle(&report).await;

    let case = env.get(&agent("28"), &opened.case_id).await.unwrap();
    assert_eq!(
        (case.structure_name.as_str(), case.routing_region.as_str()),
        ("CHU de Rouen", "28")
    );
    assert_eq!(case.history[1].action, "report_attached");
    assert_eq!(case.history[1].note, "Rattaché à CHU de Rouen");
    assert!(env.get(&agent("76"), &opened.case_id).await.is_err());
    assert!(env.get(&analyst(), &opened.case_id).await.is_ok());

    // Nobody is named: a restore of intake lost what attached it.
    let mut restored = report.clone();
    restored.submitted.visible_to.retain(|it| it != STRUCTURE);
    env.announce(&[restored.link_decided(3, types::DeclarantLink::Rejected, &[])])
        .await;
    env.settle(&report).await;
    assert!(env.get(&agent("28"), &opened.case_id).await.is_err());
    assert!(env.get(&agent("76"), &opened.case_id).await.is_ok());
    env.announce(&[attached.attached(4, &[])]).await;
    env.settle(&report).await;

    // What is told once more, or of before, takes nothing back.
    let events = [report.event(), attached.attached(2, &lost)];
    env.announce(&events).await;
    env.settle(&report).await;
    assert!(env.get(&agent("76"), &opened.case_id).await.is_err());
    let announced = env.announced(&opened.case_id).await;
    assert_eq!(announced.len(), 4);
    assert_eq!(announced[1].change(), events::CaseChange::ReportAttached);
    assert_eq!(announced[1].routing_region, "28");
}

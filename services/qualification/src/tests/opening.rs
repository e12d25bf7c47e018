//! What happens to reports, as cases show it.

use eventlog::NewEvent;
use proto::{events::v1 as events, types::v1 as types};
use testkit::eventually;
use uuid::Uuid;

use crate::tests::env::{DECLARED, TestEnv, analyst};

#[tokio::test]
async fn a_report_has_one_case_however_often_its_event_comes() {
    let env = TestEnv::start().await;
    let report = env.report();
    let again = crate::tests::env::Report {
        event_id: Uuid::now_v7(),
        ..report.clone()
    };
    env.announce(&[report.event(), report.event()]).await;
    env.submit(&report).await;
    env.submit(&again).await;
    env.settle(&report).await;

    let case = env
        .get(&analyst(), &report.submitted.reference)
        .await
        .unwrap();
    assert_eq!(case.history.len(), 1);
    let announced = env.announced(&case.case_id).await;
    assert_eq!(announced.len(), 1);
    assert_eq!(announced[0].revision, 1);
    let expected = vocabulary::derived_after(report.id, "case", &[report.id.as_bytes()]);
    assert_eq!(case.case_id, expected.to_string());
}

#[tokio::test]
async fn the_case_says_what_was_declared_and_proposes_the_severity() {
    let env = TestEnv::start().await;
    let mut report = env.report();
    report.submitted.assistance_requested = true;
    report.submitted.origin = types::Origin::Malicious.into();
    report.submitted.origin_types = vec![types::OriginType::Ransomware.into()];
    report.submitted.impacts = Some(types::Impacts {
        care: types::CareImpact::DegradedMode.into(),
        persons_affected: Some(120),
        ..Default::default()
    });
    let case = env.open(&report).await;

    assert_eq!(case.reference, report.submitted.reference);
    assert_eq!(case.report_id, report.id.to_string());
    assert_eq!(case.state(), types::CaseState::Submitted);
    assert_eq!(case.kind(), types::ReportKind::Incident);
    assert_eq!(case.structure_name, "Centre hospitalier de test");
    assert_eq!(case.structure_kind(), types::StructureKind::HealthFacility);
    assert_eq!(case.routing_region, "76");
    assert_eq!(case.declared_at, report.submitted.declared_at);
    assert_eq!(case.description, "Serveurs chiffrés depuis la nuit");
    assert!(case.assistance_requested);
    assert_eq!(case.confirmed, None);
    let proposed = case.proposed.unwrap();
    assert_eq!(proposed.origin(), types::Origin::Malicious);
    assert_eq!(proposed.origin_types, report.submitted.origin_types);
    assert_eq!(proposed.impacts, report.submitted.impacts);
    let serious = types::Severity {
        serious: true,
        significant: false,
        major: false,
    };
    assert_eq!(proposed.severity, Some(serious));
}

#[tokio::test]
async fn a_withdrawal_ends_the_case_once_and_is_noted_when_the_case_is_over() {
    let env = TestEnv::start().await;
    let report = env.report();
    env.open(&report).await;
    let event_id = Uuid::now_v7();
    env.announce(&[report.withdrawal(event_id, "Fausse alerte")])
        .await;
    let case = env
        .case_where(&report, |case| case.history.len() == 2)
        .await;
    assert_eq!(case.state(), types::CaseState::Withdrawn);
    assert_eq!(case.history[1].action, "withdrawn");
    assert_eq!(case.history[1].note, "Fausse alerte");
    assert_eq!(case.history[1].actor, "system");

    // The same event again, then another that no longer fits.
    env.announce(&[report.withdrawal(event_id, "Fausse alerte")])
        .await;
    env.withdraw(&report, "Toujours une fausse alerte").await;
    let case = env.case_where(&report, |case| case.history.len() > 2).await;
    env.settle(&report).await;
    assert_eq!(case.history.len(), 3);
    assert_eq!(case.history[2].action, "noted");
    assert!(case.history[2].note.ends_with("Toujours une fausse alerte"));
    assert_eq!(case.state(), types::CaseState::Withdrawn);
    let changes: Vec<_> = env
        .announced(&case.case_id)
        .await
        .iter()
        .map(events::CaseChanged::change)
        .collect();
    let expected = [
        events::CaseChange::Opened,
        events::CaseChange::Withdrawn,
        events::CaseChange::Noted,
    ];
    assert_eq!(changes, expected);
}

#[tokio::test]
async fn a_withdrawal_that_came_first_is_applied_when_the_report_comes() {
    let env = TestEnv::start().await;
    let report = env.report();
    env.withdraw(&report, "Exercice").await;
    env.settle(&report).await;
    assert!(
        env.get(&analyst(), &report.submitted.reference)
            .await
            .is_err()
    );

    env.submit(&report).await;
    let case = env.case_where(&report, |_| true).await;
    assert_eq!(case.state(), types::CaseState::Withdrawn);
    let actions: Vec<_> = case
        .history
        .iter()
        .map(|entry| entry.action.as_str())
        .collect();
    assert_eq!(actions, ["opened", "withdrawn"]);
    assert_eq!(env.announced(&case.case_id).await.len(), 2);
}

#[tokio::test]
async fn a_report_withdrawn_in_the_same_breath_is_opened_and_withdrawn() {
    let env = TestEnv::start().await;
    let report = env.report();
    env.announce(&[report.event(), report.withdrawal(Uuid::now_v7(), "Erreur")])
        .await;
    let case = env
        .case_where(&report, |case| case.history.len() == 2)
        .await;
    assert_eq!(case.state(), types::CaseState::Withdrawn);
}

#[tokio::test]
async fn a_report_that_cannot_be_applied_is_parked_alone_and_structures_are_passed_over() {
    let env = TestEnv::start().await;
    let report = env.report();
    let mut nameless = env.report();
    nameless.submitted.report_id = "not a UUID".into();
    let mut unstorable = env.report();
    unstorable.submitted.reference = "no text of PostgreSQL: \0".into();
    let structure = events::StructureRecorded::default();
    let structure = NewEvent::new(
        Uuid::now_v7(),
        "structure/finess:010000024".into(),
        DECLARED,
        &structure,
    );
    env.announce(&[
        nameless.event(),
        structure,
        unstorable.event(),
        report.event(),
    ])
    .await;
    env.case_where(&report, |_| true).await;
    let mut expected = [
        (nameless.event_id, "unreadable_report".to_owned()),
        (unstorable.event_id, "data_exception".to_owned()),
    ];
    expected.sort();
    eventually(async || {
        let parked: Vec<(Uuid, String)> =
            sqlx::query_as("select event_id, reason from parked_event order by event_id")
                .fetch_all(&env.pool)
                .await
                .unwrap();
        parked == expected
    })
    .await;
}

#[tokio::test]
async fn two_replicas_open_one_case_per_report() {
    let env = TestEnv::start().await;
    let _replica = env.start_replica().await;
    let reports: Vec<_> = (0..200).map(|_| env.report()).collect();
    for some in reports.chunks(10) {
        let events: Vec<_> = some.iter().map(crate::tests::env::Report::event).collect();
        env.announce(&events).await;
    }
    let count = async |table: &'static str| {
        let sql = sqlx::AssertSqlSafe(format!("select count(*) from {table}"));
        sqlx::query_scalar::<_, i64>(sql)
            .fetch_one(&env.pool)
            .await
            .unwrap()
    };
    eventually(async || count("case_file").await == 200).await;
    assert_eq!(count("case_entry").await, 200);
    assert_eq!(count("event").await, 200);
    assert_eq!(count("parked_event").await, 0);
}

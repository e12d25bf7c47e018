//! What a case makes of the word of the structure that its incident is over.

use proto::{events::v1 as events, qualification::v1 as pb, types::v1 as types};
use testkit::{TokenSpec, eventually};
use uuid::Uuid;

use crate::tests::env::{Report, TestEnv, agent, analyst, out_of_scope};

const HOW: &str = "Postes réinstallés depuis les sauvegardes du 2 novembre.";

async fn declare(env: &TestEnv, report: &Report, number: u32, how: &str) {
    env.announce(&[report.resolution(Uuid::now_v7(), number, how)])
        .await;
}

/// The case once its history has this many entries.
async fn case_after(env: &TestEnv, report: &Report, entries: usize) -> pb::Case {
    env.case_where(report, |case| case.history.len() == entries)
        .await
}

fn declared_an_hour_after(report: &Report, how: &str) -> pb::CaseResolution {
    let declared_at = report.submitted.declared_at.unwrap();
    pb::CaseResolution {
        resolved_at: Some(declared_at),
        declared_at: Some(prost_types::Timestamp {
            seconds: declared_at.seconds + 3_600,
            ..declared_at
        }),
        declared_by: types::Role::Declarant.into(),
        how: how.to_owned(),
        erased: false,
    }
}

#[tokio::test]
async fn a_resolution_moves_the_case_once_and_says_when_and_how() {
    let env = TestEnv::start().await;
    let report = env.report();
    env.open(&report).await;
    let resolution = report.resolution(Uuid::now_v7(), 1, HOW);
    env.announce(std::slice::from_ref(&resolution)).await;
    case_after(&env, &report, 2).await;
    env.announce(&[resolution]).await;
    env.settle(&report).await;

    let case = case_after(&env, &report, 2).await;
    assert_eq!(case.state(), types::CaseState::Resolved);
    let entry = &case.history[1];
    let told = (entry.action.as_str(), entry.actor.as_str());
    assert_eq!(told, ("resolved", "system"));
    assert_eq!(entry.note, "");
    assert_eq!(case.resolution, Some(declared_an_hour_after(&report, HOW)));

    let announced = env.announced(&case.case_id).await;
    assert_eq!(announced.len(), 2);
    assert_eq!(announced[1].change(), events::CaseChange::Resolved);
    assert_eq!(announced[1].state(), types::CaseState::Resolved);
    assert_eq!(announced[1].resolved_at, report.submitted.declared_at);
    assert_eq!(announced[1].resolution_number, 1);
    assert_eq!(announced[1].note, "");
}

#[tokio::test]
async fn a_resolution_after_the_end_is_noted_and_kept() {
    let env = TestEnv::start().await;
    let report = env.report();
    let case = env.open(&report).await;
    env.qualify(&analyst(), out_of_scope(&case.case_id))
        .await
        .unwrap();
    declare(&env, &report, 1, HOW).await;
    let case = case_after(&env, &report, 3).await;
    assert_eq!(case.state(), types::CaseState::OutOfScope);
    assert_eq!(case.history[2].action, "noted");
    assert_eq!(case.resolution, Some(declared_an_hour_after(&report, HOW)));
    let announced = env.announced(&case.case_id).await;
    assert_eq!(announced[2].change(), events::CaseChange::Noted);
    assert_eq!(announced[2].resolution_number, 1);
}

#[tokio::test]
async fn what_is_declared_once_more_after_the_case_was_opened_again_holds() {
    let env = TestEnv::start().await;
    let report = env.report();
    let case = env.open(&report).await;
    declare(&env, &report, 1, HOW).await;
    case_after(&env, &report, 2).await;
    let ended = env.qualify(&analyst(), out_of_scope(&case.case_id)).await;
    let reopen = pb::ReopenCaseRequest {
        request_id: Uuid::now_v7().to_string(),
        case_id: ended.unwrap().case_id,
        etag: String::new(),
        note: "Les postes sont de nouveau chiffrés".to_owned(),
    };
    let reopened = env.case_client(&analyst()).reopen_case(reopen).await;
    let reopened = reopened.unwrap().into_inner().case.unwrap();
    assert_eq!(reopened.state(), types::CaseState::InQualification);
    assert_eq!(reopened.resolution.unwrap().how, HOW);

    declare(&env, &report, 2, "Cette fois, pour de bon.").await;
    let case = case_after(&env, &report, 5).await;
    assert_eq!(case.state(), types::CaseState::Resolved);
    assert_eq!(case.resolution.unwrap().how, "Cette fois, pour de bon.");
    let numbers: Vec<u32> = env
        .announced(&case.case_id)
        .await
        .iter()
        .map(|change| change.resolution_number)
        .collect();
    assert_eq!(numbers, [0, 1, 1, 1, 2]);
}

#[tokio::test]
async fn how_it_was_resolved_is_for_those_who_read_what_is_said_to_the_structure() {
    let env = TestEnv::start().await;
    let mut report = env.report();
    let more = ["dgs", "importer:imp"].map(str::to_owned);
    report.submitted.visible_to.extend(more);
    env.announce(&[report.event(), report.resolution(Uuid::now_v7(), 1, HOW)])
        .await;
    let case = case_after(&env, &report, 2).await;

    for (who, reads) in [
        (analyst(), true),
        (TokenSpec::of("fssi").role("security_officer"), true),
        (agent("76"), true),
        (TokenSpec::of("decl").role("declarant"), true),
        (TokenSpec::of("dgs").role("health_authority"), false),
        (TokenSpec::of("imp").role("importer"), false),
    ] {
        let seen = env.get(&who, &case.case_id).await.unwrap();
        let how = seen.resolution.clone().map(|resolution| resolution.how);
        assert_eq!(how, reads.then(|| HOW.to_owned()), "{}", who.subject);
        assert_eq!(seen.state(), types::CaseState::Resolved);
    }
    let listed = env.list(&analyst(), pb::ListCasesRequest::default()).await;
    assert_eq!(listed[0].resolution, None);

    // Neither the table, nor the log, nor what is kept for retries holds the text.
    env.claim(&analyst(), &case.case_id).await.unwrap();
    let clear: i64 = sqlx::query_scalar(
        "select (select count(*) from case_file
                 where position(convert_to($1, 'UTF8') in sealed_how) > 0
                     or resolution::text like '%' || $1 || '%')
              + (select count(*) from event where position(convert_to($1, 'UTF8') in payload) > 0)
              + (select count(*) from idempotency_key
                 where position(convert_to($1, 'UTF8') in response) > 0)",
    )
    .bind("Postes réinstallés")
    .fetch_one(&env.pool)
    .await
    .unwrap();
    assert_eq!(clear, 0);
}

#[tokio::test]
async fn erasure_takes_how_it_was_resolved_and_leaves_when() {
    let env = TestEnv::start().await;
    let report = env.report();
    env.open(&report).await;
    declare(&env, &report, 1, HOW).await;
    case_after(&env, &report, 2).await;
    env.announce(&[report.contacts_erased()]).await;
    let erased = |case: &pb::Case| case.resolution.as_ref().is_some_and(|it| it.erased);
    let case = env.case_where(&report, erased).await;
    let expected = pb::CaseResolution {
        erased: true,
        ..declared_an_hour_after(&report, "")
    };
    assert_eq!(case.resolution, Some(expected));
}

#[tokio::test]
async fn a_resolution_of_a_report_that_never_came_waits_for_an_operator() {
    let env = TestEnv::start().await;
    let event_id = Uuid::now_v7();
    env.announce(&[env.report().resolution(event_id, 1, HOW)])
        .await;
    eventually(async || {
        let parked: Vec<(Uuid, String)> =
            sqlx::query_as("select event_id, reason from parked_event")
                .fetch_all(&env.pool)
                .await
                .unwrap();
        parked == [(event_id, "unknown_report".to_owned())]
    })
    .await;
}

#[tokio::test]
async fn a_resolution_that_an_agency_declared_for_the_structure_is_announced_as_such() {
    let env = TestEnv::start().await;
    for on_behalf in [true, false] {
        let report = env.report();
        env.open(&report).await;
        let declared = events::ReportResolved {
            report_id: report.id.to_string(),
            number: 1,
            resolved_at: report.submitted.declared_at,
            declared_at: report.submitted.declared_at,
            declared_by: types::Role::RegionalAgent.into(),
            on_behalf,
            ..Default::default()
        };
        let event = report.resolution(Uuid::now_v7(), 1, HOW);
        env.announce(&[event.with_payload(&declared)]).await;
        let case = case_after(&env, &report, 2).await;
        let announced = env.announced(&case.case_id).await;
        assert_eq!(announced[1].resolved_on_behalf, on_behalf);
    }
}

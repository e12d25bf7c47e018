//! Contacts are kept while they are needed, and erased afterwards.

use crate::{erase_contacts_ended_before, erase_contacts_of};
use eventlog::NewEvent;
use platform::{Error, now};
use prost_types::Timestamp;
use proto::{
    events::v1::{CaseChanged, ReportContactsErased},
    intake::v1::{Receipt, Report, SubmitReportRequest},
    types::v1::CaseState,
};
use testkit::eventually;
use time::Duration;
use tonic::Code;
use uuid::Uuid;

use crate::tests::{
    drafts::{incident, seconds_ago},
    env::{TestEnv, User, reason},
};

const DAY: i64 = 86_400;

/// A report that was declared and whose case came to a state some days ago.
async fn treated(env: &TestEnv, importer: &User, state: CaseState, days: i64) -> Receipt {
    let receipt = importer.send(declared(days + 7)).await.unwrap();
    env.qualification()
        .announce(&[change(&receipt.report_id, state, seconds_ago(days * DAY))])
        .await;
    let analyst = env.with_role("analyst");
    eventually(async || report(&analyst, &receipt).await.case_state() == state).await;
    receipt
}

fn declared(days_ago: i64) -> SubmitReportRequest {
    SubmitReportRequest {
        request_id: Uuid::new_v4().to_string(),
        draft: Some(incident()),
        declared_at: Some(seconds_ago(days_ago * DAY)),
        ..SubmitReportRequest::default()
    }
}

fn change(report_id: &str, state: CaseState, at: Timestamp) -> NewEvent {
    changed(report_id, 1, state, at)
}

fn changed(report_id: &str, revision: u64, state: CaseState, at: Timestamp) -> NewEvent {
    let payload = CaseChanged {
        // A case has one id: its changes keep their order in its shard.
        case_id: report_id.to_owned(),
        report_id: report_id.to_owned(),
        revision,
        state: state.into(),
        changed_at: Some(at),
        ..CaseChanged::default()
    };
    let subject = format!("case/{}", payload.case_id);
    NewEvent::new(Uuid::new_v4(), subject, now(), &payload)
}

async fn report(who: &User, receipt: &Receipt) -> Report {
    who.get(&receipt.report_id).await.unwrap()
}

/// Whether the cell still sees how to reach the declarant.
async fn has_contacts(env: &TestEnv, receipt: &Receipt) -> bool {
    let seen = report(&env.with_role("analyst"), receipt).await;
    seen.draft.unwrap().declarant.is_some()
}

async fn erase_ended_days_ago(env: &TestEnv, days: i64) -> usize {
    let before = now() - Duration::days(days);
    erase_contacts_ended_before(&env.pool, &env.log, before)
        .await
        .unwrap()
}

/// The reports whose contacts the log tells to be erased.
async fn told(env: &TestEnv) -> Vec<String> {
    let events = env.events().await;
    let told = events
        .iter()
        .filter(|event| event.event_type == "vigie.report.contacts_erased.v1");
    told.map(|event| event.decode::<ReportContactsErased>().unwrap().report_id)
        .collect()
}

#[tokio::test]
async fn contacts_are_erased_some_days_after_the_end_of_the_treatment_and_no_others() {
    let env = TestEnv::start().await;
    let (importer, analyst) = (env.importer(), env.with_role("analyst"));
    let closed = treated(&env, &importer, CaseState::Closed, 31).await;
    let out_of_scope = treated(&env, &importer, CaseState::OutOfScope, 40).await;
    let lately = treated(&env, &importer, CaseState::Closed, 29).await;
    let going_on = treated(&env, &importer, CaseState::Resolved, 400).await;
    let no_case = importer.send(declared(400)).await.unwrap();
    let before = report(&analyst, &closed).await;
    assert!(has_contacts(&env, &closed).await);

    assert_eq!(erase_ended_days_ago(&env, 30).await, 2);
    for erased in [&closed, &out_of_scope] {
        assert!(!has_contacts(&env, erased).await);
    }
    for kept in [&lately, &going_on, &no_case] {
        assert!(has_contacts(&env, kept).await);
    }
    let after = report(&analyst, &closed).await;
    assert_ne!(before.etag, after.etag);
    assert_eq!(
        before.draft.unwrap().description,
        after.draft.unwrap().description
    );

    // No copy of the keys is left in the log, and those who have one are told.
    let mut expected = [closed.report_id.clone(), out_of_scope.report_id.clone()];
    let mut found = told(&env).await;
    expected.sort();
    found.sort();
    assert_eq!(found, expected);
    for event in env.events().await {
        let is_erased = expected.iter().any(|id| event.subject.ends_with(id));
        let is_submission = event.event_type == "vigie.report.submitted.v1";
        assert_eq!(event.data_key.is_some(), is_submission && !is_erased);
    }
    let audited = env.trail_of("report.erase_contacts").await;
    assert_eq!(audited.len(), 2);
    assert!(audited.iter().all(|(_, outcome)| outcome == "done"));

    assert_eq!(erase_ended_days_ago(&env, 30).await, 0);
    assert_eq!(told(&env).await.len(), 2);
}

#[tokio::test]
async fn what_changes_in_an_ended_case_keeps_its_contacts_no_longer() {
    let env = TestEnv::start().await;
    let importer = env.importer();
    let closed = treated(&env, &importer, CaseState::Closed, 40).await;
    let reopened = treated(&env, &importer, CaseState::Closed, 40).await;
    let days_ago = |days| seconds_ago(days * DAY);
    let of = |receipt: &Receipt, revision, state, days| {
        changed(&receipt.report_id, revision, state, days_ago(days))
    };
    env.qualification()
        .announce(&[
            of(&closed, 2, CaseState::Closed, 5),
            of(&closed, 3, CaseState::Withdrawn, 1),
            of(&reopened, 2, CaseState::InQualification, 20),
            of(&reopened, 3, CaseState::Closed, 10),
            of(&reopened, 4, CaseState::Withdrawn, 1),
        ])
        .await;
    let withdrawn = "select count(*) from report where case_state = 'withdrawn'";
    eventually(async || env.count(withdrawn).await == 2).await;

    assert_eq!(erase_ended_days_ago(&env, 30).await, 1);
    assert!(!has_contacts(&env, &closed).await);
    assert!(has_contacts(&env, &reopened).await);
    assert_eq!(erase_ended_days_ago(&env, 9).await, 1);
}

#[tokio::test]
async fn a_case_that_is_opened_again_meanwhile_keeps_its_contacts() {
    let env = TestEnv::start().await;
    let closed = treated(&env, &env.importer(), CaseState::Closed, 40).await;
    let mut reopening = env.pool.begin().await.unwrap();
    sqlx::query("update report set case_state = 'in_qualification', case_ended_at = null")
        .execute(&mut *reopening)
        .await
        .unwrap();
    let waiting = "select count(*) from pg_stat_activity
                   where datname = current_database() and wait_event_type = 'Lock'";
    let reopened = async {
        eventually(async || env.count(waiting).await == 1).await;
        reopening.commit().await.unwrap();
    };
    let (erased, ()) = tokio::join!(erase_ended_days_ago(&env, 30), reopened);
    assert_eq!(erased, 0);
    assert!(has_contacts(&env, &closed).await);
    assert!(told(&env).await.is_empty());
}

#[tokio::test]
async fn more_reports_than_one_transaction_takes_are_all_erased() {
    let env = TestEnv::start().await;
    let importer = env.importer();
    let mut changes = Vec::new();
    for _ in 0..201 {
        let receipt = importer.send(declared(40)).await.unwrap();
        let closed = change(&receipt.report_id, CaseState::Closed, seconds_ago(31 * DAY));
        changes.push(closed);
    }
    env.qualification().announce(&changes).await;
    let closed = "select count(*) from report where case_state = 'closed'";
    eventually(async || env.count(closed).await == 201).await;
    assert_eq!(erase_ended_days_ago(&env, 30).await, 201);
    let left = "select count(*) from report where wrapped_key is not null";
    assert_eq!(env.count(left).await, 0);
}

#[tokio::test]
async fn contacts_of_one_report_are_erased_when_its_treatment_has_ended() {
    let env = TestEnv::start().await;
    let importer = env.importer();
    let erase = async |report: &str| erase_contacts_of(&env.pool, &env.log, report, false).await;

    let going_on = treated(&env, &importer, CaseState::InTreatment, 0).await;
    let refused = erase(&going_on.report_id).await.unwrap_err();
    assert_eq!(refused.code(), "TREATMENT_GOES_ON");
    let nobody = Uuid::new_v4();
    let unknown = erase(&nobody.to_string()).await.unwrap_err();
    assert!(matches!(unknown, Error::NotFound(_)), "{unknown}");
    let unreadable = erase("SIG-2026-0000000").await.unwrap_err();
    assert!(matches!(unreadable, Error::Invalid(_)), "{unreadable}");
    let audited = env.trail_of("report.erase_contacts").await;
    let wanted = [
        (
            format!("report/{}", going_on.report_id),
            "refused".to_owned(),
        ),
        (format!("report/{nobody}"), "not_visible".to_owned()),
    ];
    assert_eq!(audited, wanted);
    assert!(told(&env).await.is_empty());
    let decided = erase_contacts_of(&env.pool, &env.log, &going_on.report_id, true).await;
    assert!(decided.unwrap());

    let closed = treated(&env, &importer, CaseState::Closed, 0).await;
    assert!(erase(&closed.reference).await.unwrap());
    assert!(!erase(&closed.report_id).await.unwrap());
    let mut expected = [going_on.report_id, closed.report_id];
    let mut found = told(&env).await;
    expected.sort();
    found.sort();
    assert_eq!(found, expected);
}

#[tokio::test]
async fn nobody_treats_a_test_so_its_contacts_are_not_needed() {
    let env = TestEnv::start().await;
    let receipt = env.with_role("prober").submit(incident()).await.unwrap();
    assert_eq!(erase_ended_days_ago(&env, 1).await, 0);
    let erased = erase_contacts_of(&env.pool, &env.log, &receipt.report_id, false).await;
    assert!(erased.unwrap());
}

#[tokio::test]
async fn the_request_that_held_erased_contacts_is_not_known_any_more() {
    let env = TestEnv::start().await;
    let importer = env.importer();
    let request = declared(7);
    let receipt = importer.send(request.clone()).await.unwrap();
    assert_eq!(importer.send(request.clone()).await.unwrap(), receipt);
    let closed = change(&receipt.report_id, CaseState::Closed, seconds_ago(0));
    env.qualification().announce(&[closed]).await;
    let erase = async || erase_contacts_of(&env.pool, &env.log, &receipt.report_id, false).await;
    eventually(async || erase().await.is_ok()).await;

    let again = importer.send(request).await.unwrap_err();
    assert_eq!(
        (again.code(), reason(&again).as_str()),
        (Code::AlreadyExists, "REQUEST_ID_REUSED")
    );
}

#[tokio::test]
async fn an_end_that_an_earlier_release_recorded_counts_from_when_it_was_first_seen() {
    let env = TestEnv::start().await;
    let closed = treated(&env, &env.importer(), CaseState::Closed, 400).await;
    sqlx::query("update report set case_ended_at = null")
        .execute(&env.pool)
        .await
        .unwrap();
    assert_eq!(erase_ended_days_ago(&env, 30).await, 0);
    assert!(has_contacts(&env, &closed).await);
    assert_eq!(erase_ended_days_ago(&env, -1).await, 1);
    assert!(!has_contacts(&env, &closed).await);
}

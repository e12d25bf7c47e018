//! What analysts do with cases.

use futures::future::join_all;
use proto::{events::v1 as events, qualification::v1 as pb, types::v1 as types};
use testkit::eventually;
use tonic::Code;
use uuid::Uuid;

use crate::tests::env::{TestEnv, analyst, in_scope, out_of_scope, reason, second_analyst};

#[tokio::test]
async fn a_case_goes_from_its_opening_to_its_closure_and_every_change_is_announced() {
    let env = TestEnv::start().await;
    let opened = env.open(&env.report()).await;
    let id = opened.case_id.as_str();

    let claimed = env.claim(&analyst(), id).await.unwrap();
    assert_eq!(claimed.state(), types::CaseState::InQualification);
    assert_eq!(claimed.assignee, "ana");

    let mut qualification = in_scope(id);
    qualification.note = "Rançongiciel confirmé".into();
    let qualified = env
        .qualify(&analyst(), qualification.clone())
        .await
        .unwrap();
    assert_eq!(qualified.state(), types::CaseState::Qualified);
    assert_eq!(qualified.confirmed, qualification.triage);

    let closed = env.close(&analyst(), id).await.unwrap();
    assert_eq!(closed.state(), types::CaseState::Closed);
    assert_eq!(
        closed.closure.unwrap().lessons_learned,
        "Sauvegardes hors ligne"
    );

    let etags = [opened.etag, claimed.etag, qualified.etag, closed.etag];
    assert!(etags.windows(2).all(|pair| pair[0] != pair[1]));
    let announced = env.announced(id).await;
    let told: Vec<_> = announced
        .iter()
        .map(|c| (c.revision, c.change(), c.state(), c.qualified))
        .collect();
    let expected = [
        (
            1,
            events::CaseChange::Opened,
            types::CaseState::Submitted,
            false,
        ),
        (
            2,
            events::CaseChange::Claimed,
            types::CaseState::InQualification,
            false,
        ),
        (
            3,
            events::CaseChange::Qualified,
            types::CaseState::Qualified,
            true,
        ),
        (
            4,
            events::CaseChange::Closed,
            types::CaseState::Closed,
            true,
        ),
    ];
    assert_eq!(told, expected);
    assert_eq!(announced[2].note, "Rançongiciel confirmé");
    assert_eq!(announced[2].origin(), types::Origin::Malicious);
    assert!(
        announced
            .iter()
            .all(|c| c.visible_to.contains(&"cell".to_owned()))
    );
    let history = env.get(&analyst(), id).await.unwrap().history;
    let actions: Vec<_> = history.iter().map(|entry| entry.action.as_str()).collect();
    assert_eq!(actions, ["opened", "claimed", "qualified", "closed"]);
}

#[tokio::test]
async fn of_two_analysts_who_claim_at_once_one_etag_wins() {
    let env = TestEnv::start().await;
    let case = env.open(&env.report()).await;
    let claim = |who| {
        let claim = pb::ClaimCaseRequest {
            request_id: Uuid::now_v7().to_string(),
            case_id: case.case_id.clone(),
            etag: case.etag.clone(),
        };
        let mut client = env.case_client(&who);
        let request = claim;
        async move { client.claim_case(request).await }
    };
    let (one, other) = tokio::join!(claim(analyst()), claim(second_analyst()));
    let (won, lost) = if one.is_ok() {
        (one, other)
    } else {
        (other, one)
    };
    let lost = lost.unwrap_err();
    assert_eq!(
        (lost.code(), reason(&lost).as_str()),
        (Code::Aborted, "ETAG_MISMATCH")
    );
    let won = won.unwrap().into_inner().case.unwrap();
    let now = env.get(&analyst(), &case.case_id).await.unwrap();
    assert_eq!((now.assignee, now.etag), (won.assignee, won.etag));
    assert_eq!(now.history.len(), 2);
}

#[tokio::test]
async fn a_second_analyst_takes_over_who_names_no_etag() {
    let env = TestEnv::start().await;
    let case = env.open(&env.report()).await;
    env.claim(&analyst(), &case.case_id).await.unwrap();
    let case = env.claim(&second_analyst(), &case.case_id).await.unwrap();
    assert_eq!(case.assignee, "bo");
}

#[tokio::test]
async fn retries_of_a_qualification_are_answered_alike_and_done_once() {
    let env = TestEnv::start().await;
    let case = env.open(&env.report()).await;
    let qualification = in_scope(&case.case_id);
    let retry = || {
        let mut client = env.case_client(&analyst());
        let request = qualification.clone();
        async move {
            client
                .qualify_case(request)
                .await
                .unwrap()
                .into_inner()
                .case
                .unwrap()
        }
    };
    let (a, b, c, d) = tokio::join!(retry(), retry(), retry(), retry());
    // A retry is answered as the first call was, though the case went on.
    env.claim(&second_analyst(), &case.case_id).await.unwrap();
    let late = retry().await;
    assert!([b, c, d, late].iter().all(|answer| *answer == a));
    assert!(a.declarant.is_some());
    assert_eq!(env.announced(&case.case_id).await.len(), 3);
}

#[tokio::test]
async fn an_answer_kept_for_retries_holds_no_contacts() {
    let env = TestEnv::start().await;
    let case = env.open(&env.report()).await;
    env.claim(&analyst(), &case.case_id).await.unwrap();
    let kept: Vec<Vec<u8>> = sqlx::query_scalar("select response from idempotency_key")
        .fetch_all(&env.pool)
        .await
        .unwrap();
    assert_eq!(kept.len(), 1);
    assert!(!kept[0].windows(6).any(|bytes| bytes == b"Martin"));
}

#[tokio::test]
async fn a_retry_is_recognised_before_and_after_the_hash_of_its_request_is_keyed() {
    let env = TestEnv::start().await;
    let case = env.open(&env.report()).await;
    let request = in_scope(&case.case_id);
    let qualified = env.qualify(&analyst(), request.clone()).await.unwrap();
    let hashes = async || -> Vec<Vec<u8>> {
        sqlx::query_scalar("select request_hash from idempotency_key")
            .fetch_all(&env.pool)
            .await
            .unwrap()
    };
    let plain = hashes().await;
    let again = env.qualify(&analyst(), request.clone()).await;
    assert_eq!(again.unwrap(), qualified);
    let key = platform::SealingKey::from_bytes(servicetest::MASTER_KEY);
    let later = platform::now() + time::Duration::hours(2);
    let keyed = platform::key_request_hashes(&env.pool, &key, later).await;
    assert_eq!(keyed.unwrap(), 1);
    assert_ne!(hashes().await, plain);
    let again = env.qualify(&analyst(), request.clone()).await;
    assert_eq!(again.unwrap(), qualified);
    let other = pb::QualifyCaseRequest {
        note: "Autre chose".into(),
        ..request
    };
    let refused = env.qualify(&analyst(), other).await.unwrap_err();
    assert_eq!(reason(&refused), "REQUEST_ID_REUSED");
}

#[tokio::test]
async fn a_request_id_is_not_used_for_two_requests() {
    let env = TestEnv::start().await;
    let case = env.open(&env.report()).await;
    let first = in_scope(&case.case_id);
    env.qualify(&analyst(), first.clone()).await.unwrap();
    let other = pb::QualifyCaseRequest {
        note: "Autre chose".into(),
        ..first.clone()
    };
    let refused = env.qualify(&analyst(), other).await.unwrap_err();
    assert_eq!(
        (refused.code(), reason(&refused).as_str()),
        (Code::AlreadyExists, "REQUEST_ID_REUSED")
    );
    // The ids of two analysts never meet.
    env.qualify(&second_analyst(), first).await.unwrap();
}

#[tokio::test]
async fn a_qualification_may_be_repeated_and_the_history_keeps_all() {
    let env = TestEnv::start().await;
    let case = env.open(&env.report()).await;
    env.qualify(&analyst(), in_scope(&case.case_id))
        .await
        .unwrap();
    let mut major = in_scope(&case.case_id);
    let severity = types::Severity {
        serious: true,
        significant: true,
        major: true,
    };
    major.triage.as_mut().unwrap().severity = Some(severity);
    let case = env.qualify(&second_analyst(), major).await.unwrap();
    assert_eq!(case.confirmed.unwrap().severity, Some(severity));
    assert_eq!(case.assignee, "ana");
    let kept: Vec<bool> = sqlx::query_scalar(
        "select (triage->'severity'->>'major')::boolean from case_entry
         where case_id = $1 and action = 'qualified' order by revision",
    )
    .bind(Uuid::try_parse(&case.case_id).unwrap())
    .fetch_all(&env.pool)
    .await
    .unwrap();
    assert_eq!(kept, [false, true]);
}

#[tokio::test]
async fn what_does_not_fit_the_state_is_refused_and_leaves_no_trace_but_the_audit() {
    let env = TestEnv::start().await;
    let case = env.open(&env.report()).await;
    let id = case.case_id.as_str();
    let early = env.close(&analyst(), id).await.unwrap_err();
    assert_eq!(
        (early.code(), reason(&early).as_str()),
        (Code::FailedPrecondition, "WRONG_STATE")
    );
    env.qualify(&analyst(), out_of_scope(id)).await.unwrap();
    for refused in [
        env.claim(&analyst(), id).await,
        env.qualify(&analyst(), in_scope(id)).await,
        env.qualify(&analyst(), out_of_scope(id)).await,
        env.close(&analyst(), id).await,
    ] {
        assert_eq!(reason(&refused.unwrap_err()), "WRONG_STATE");
    }
    let now = env.get(&analyst(), id).await.unwrap();
    assert_eq!(now.state(), types::CaseState::OutOfScope);
    assert_eq!(now.history.len(), 2);
    let audited = env.audited("ana").await;
    let refused = audited
        .iter()
        .filter(|(_, object, outcome)| object == id && outcome == "refused");
    assert_eq!(refused.count(), 5);
}

#[tokio::test]
async fn a_refused_command_may_be_sent_again_with_the_same_request_id() {
    let env = TestEnv::start().await;
    let case = env.open(&env.report()).await;
    let close = pb::CloseCaseRequest {
        request_id: Uuid::now_v7().to_string(),
        case_id: case.case_id.clone(),
        ..Default::default()
    };
    let send = || {
        let mut client = env.case_client(&analyst());
        let request = close.clone();
        async move { client.close_case(request).await }
    };
    assert_eq!(reason(&send().await.unwrap_err()), "WRONG_STATE");
    env.qualify(&analyst(), in_scope(&case.case_id))
        .await
        .unwrap();
    assert!(send().await.is_ok());
}

#[tokio::test]
async fn a_claim_whose_caller_gave_up_is_done_all_the_same() {
    let env = TestEnv::start().await;
    let case = env.open(&env.report()).await;
    // Somebody holds the case for longer than the caller waits.
    let mut holder = env.pool.begin().await.unwrap();
    sqlx::raw_sql(
        "set local idle_in_transaction_session_timeout = 0; select from case_file for update",
    )
    .execute(&mut *holder)
    .await
    .unwrap();
    let claim = pb::ClaimCaseRequest {
        request_id: Uuid::now_v7().to_string(),
        case_id: case.case_id.clone(),
        etag: case.etag.clone(),
    };
    let mut client = env.case_client(&analyst());
    let request = claim.clone();
    let waits_for_the_case = async || {
        let waiting = "select count(*) from pg_stat_activity
                       where datname = current_database() and wait_event_type = 'Lock'";
        sqlx::query_scalar::<_, i64>(waiting)
            .fetch_one(&env.pool)
            .await
            .unwrap()
            > 0
    };
    tokio::select! {
        answer = client.claim_case(request) => panic!("nobody let go of the case: {answer:?}"),
        () = eventually(waits_for_the_case) => {}
    }
    holder.rollback().await.unwrap();

    eventually(async || env.announced(&case.case_id).await.len() == 2).await;
    let answer = env
        .case_client(&analyst())
        .claim_case(claim)
        .await
        .unwrap()
        .into_inner();
    assert_eq!(answer.case.unwrap().assignee, "ana");
    assert_eq!(env.announced(&case.case_id).await.len(), 2);
}

#[tokio::test]
async fn changes_at_once_leave_a_history_without_gaps() {
    let env = TestEnv::start().await;
    let report = env.report();
    let case = env.open(&report).await;
    let id = case.case_id.as_str();
    let claims = (0..12).map(async |_| env.claim(&analyst(), id).await.map(drop));
    let qualifications =
        (0..12).map(async |_| env.qualify(&second_analyst(), in_scope(id)).await.map(drop));
    let withdrawal = async {
        env.withdraw(&report, "Fausse alerte").await;
    };
    let (claims, qualifications, ()) =
        tokio::join!(join_all(claims), join_all(qualifications), withdrawal);
    let case = env
        .case_where(&report, |c| c.state() == types::CaseState::Withdrawn)
        .await;

    let done = claims
        .iter()
        .chain(&qualifications)
        .filter(|done| done.is_ok())
        .count();
    let refused = claims
        .iter()
        .chain(&qualifications)
        .filter_map(|done| done.as_ref().err());
    assert!(
        refused
            .clone()
            .all(|refused| reason(refused) == "WRONG_STATE")
    );
    assert_eq!(done + refused.count(), 24);
    assert_eq!(case.history.len(), 1 + done + 1);
    let announced = env.announced(id).await;
    let revisions: Vec<_> = announced.iter().map(|change| change.revision).collect();
    assert_eq!(
        revisions,
        (1..=case.history.len() as u64).collect::<Vec<_>>()
    );
    for (change, entry) in announced.iter().zip(&case.history) {
        assert_eq!(change.state, entry.state);
    }
}

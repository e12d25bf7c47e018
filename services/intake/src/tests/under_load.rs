//! Many reports at once, twins, a bad row among good ones, an impatient client.

use futures::future::join_all;
use proto::intake::v1::{ReportDraft, SubmitReportRequest};
use sqlx::PgConnection;
use testkit::eventually;
use tonic::Code;
use tonic_types::StatusExt as _;
use uuid::Uuid;

use crate::tests::{
    drafts::{described, incident},
    env::{TestEnv, reason},
};

fn request() -> SubmitReportRequest {
    SubmitReportRequest {
        request_id: Uuid::new_v4().to_string(),
        draft: Some(incident()),
        ..SubmitReportRequest::default()
    }
}

#[tokio::test]
async fn twins_sent_at_once_get_one_report_one_event_and_the_same_receipt() {
    let env = TestEnv::start_with(|config| config.intake.writers = 4).await;
    let alice = env.declarant("alice");
    let sent = request();
    let receipts = join_all((0..32).map(|_| alice.send(sent.clone()))).await;
    let first = receipts[0].as_ref().unwrap();
    for receipt in &receipts {
        assert_eq!(receipt.as_ref().unwrap(), first);
    }
    assert_eq!(env.count("select count(*) from report").await, 1);
    assert_eq!(env.events().await.len(), 1);
}

#[tokio::test]
async fn of_two_contents_under_one_name_sent_at_once_one_is_refused() {
    let env = TestEnv::start_with(|config| config.intake.writers = 1).await;
    let alice = env.declarant("alice");
    let first = request();
    let other = ReportDraft {
        description: "Autre chose.".to_owned(),
        ..incident()
    };
    let second = SubmitReportRequest {
        draft: Some(other),
        ..first.clone()
    };
    let answers = futures::join!(alice.send(first), alice.send(second));
    let refused = match answers {
        (Ok(_), Err(refused)) | (Err(refused), Ok(_)) => refused,
        both => panic!("{both:?}"),
    };
    assert_eq!(
        (refused.code(), reason(&refused).as_str()),
        (Code::AlreadyExists, "REQUEST_ID_REUSED")
    );
    assert_eq!(env.events().await.len(), 1);
}

#[tokio::test]
async fn many_reports_at_once_share_their_commits() {
    let env = TestEnv::start_with(|config| config.intake.writers = 1).await;
    let alice = env.declarant("alice");
    let receipts = join_all((0..200).map(|_| alice.send(request()))).await;
    let references: std::collections::BTreeSet<_> = receipts
        .into_iter()
        .map(|receipt| receipt.unwrap().reference)
        .collect();
    assert_eq!(references.len(), 200);
    let commits = env
        .count("select count(distinct xmin::text) from report")
        .await;
    assert!(commits < 200, "{commits} commits for 200 reports");
    assert_eq!(env.events().await.len(), 200);
    assert!(env.metrics().contains("intake_batch_reports_count"));
}

#[tokio::test]
async fn a_report_that_the_database_refuses_fails_alone() {
    let env = TestEnv::start_with(|config| config.intake.writers = 1).await;
    sqlx::query("alter table report add check (structure_name <> 'poison')")
        .execute(&env.pool)
        .await
        .unwrap();
    let alice = env.declarant("alice");
    let answers = join_all((0..40).map(|number| {
        let name = if number == 17 { "poison" } else { "Cabinet" };
        let draft = ReportDraft {
            structure: described(name, "75"),
            ..incident()
        };
        alice.submit(draft)
    }))
    .await;
    for (number, answer) in answers.iter().enumerate() {
        match answer {
            Err(status) if number == 17 => {
                assert_eq!(status.code(), Code::Internal);
                assert!(!status.message().contains("poison"));
            }
            Ok(_) if number != 17 => {}
            other => panic!("report {number}: {other:?}"),
        }
    }
    assert_eq!(env.count("select count(*) from report").await, 39);
    assert_eq!(env.events().await.len(), 39);
}

#[tokio::test]
async fn nobody_gets_a_receipt_for_a_report_whose_commit_fails() {
    let env = TestEnv::start().await;
    // All goes well up to the commit itself.
    sqlx::raw_sql(
        "create function refuse() returns trigger language plpgsql
         as $$ begin raise exception 'not this one'; end $$;
         create constraint trigger refuse after insert on report
         deferrable initially deferred for each row execute function refuse()",
    )
    .execute(&env.pool)
    .await
    .unwrap();
    let status = env.declarant("alice").send(request()).await.unwrap_err();
    assert_eq!(status.code(), Code::Internal);
    assert_eq!(env.count("select count(*) from report").await, 0);
    assert_eq!(env.events().await.len(), 0);
}

#[tokio::test]
async fn a_full_queue_refuses_at_once_and_tells_when_to_come_back() {
    let env = TestEnv::start_with(|config| {
        config.intake.writers = 1;
        config.intake.queue = 1;
        config.intake.batch = 1;
    })
    .await;
    let alice = env.declarant("alice");
    // The references' first block is taken, so that only the commit can wait.
    alice.send(request()).await.unwrap();
    let mut frozen = env.pool.begin().await.unwrap();
    lock_reports(&mut frozen).await;

    // One is in flight; of five more one is queued, and four find no room and are told
    // so while the lock is still held.
    let first = std::pin::pin!(alice.send(request()));
    let first = match futures::future::select(first, std::pin::pin!(in_flight(&env))).await {
        futures::future::Either::Left((answer, _)) => panic!("it did not wait: {answer:?}"),
        futures::future::Either::Right(((), first)) => first,
    };
    let mut waiting: futures::stream::FuturesUnordered<_> =
        (0..5).map(|_| alice.send(request())).collect();
    let mut refused = 0;
    while refused < 4 {
        let answer = futures::StreamExt::next(&mut waiting).await.unwrap();
        let status = answer.unwrap_err();
        assert_eq!(
            (status.code(), reason(&status).as_str()),
            (Code::ResourceExhausted, "QUEUE_FULL")
        );
        assert!(
            status
                .get_details_retry_info()
                .unwrap()
                .retry_delay
                .is_some()
        );
        refused += 1;
    }
    frozen.rollback().await.unwrap();
    first.await.unwrap();
    let answers: Vec<_> = futures::StreamExt::collect(waiting).await;
    assert!(answers.iter().all(Result::is_ok), "{answers:?}");
    assert!(env.metrics().contains("intake_refused_reports_total 4"));
}

#[tokio::test]
async fn a_report_whose_client_gave_up_is_committed_and_found_again() {
    let env = TestEnv::start_with(|config| {
        config.intake.writers = 1;
        config.intake.batch = 1;
    })
    .await;
    let alice = env.declarant("alice");
    alice.send(request()).await.unwrap();
    let mut frozen = env.pool.begin().await.unwrap();
    lock_reports(&mut frozen).await;

    // One client gives up while its report is in flight, one while it is queued.
    let sent = [request(), request()];
    let [flying, queued] = &sent;
    tokio::select! {
        answer = alice.send(flying.clone()) => panic!("it did not wait: {answer:?}"),
        () = in_flight(&env) => {}
    }
    let one_waits = async || env.metrics().contains("intake_queued_reports 1\n");
    tokio::select! {
        answer = alice.send(queued.clone()) => panic!("it did not wait: {answer:?}"),
        () = eventually(one_waits) => {}
    }
    // The server has let go of both before anything is committed.
    eventually(async || env.metrics().contains("rpc_server_active_requests 0\n")).await;
    frozen.rollback().await.unwrap();

    eventually(async || env.count("select count(*) from report").await == 3).await;
    for request in sent {
        let receipt = alice.send(request).await.unwrap();
        assert!(alice.get(&receipt.reference).await.is_ok());
    }
    assert_eq!(env.count("select count(*) from report").await, 3);
}

#[tokio::test]
async fn what_is_queued_when_the_service_is_stopped_is_committed_and_answered() {
    let env = TestEnv::start_with(|config| {
        config.intake.writers = 1;
        config.intake.batch = 1;
    })
    .await;
    let alice = env.declarant("alice");
    alice.send(request()).await.unwrap();
    let pool = env.pool.clone();
    let mut frozen = pool.begin().await.unwrap();
    lock_reports(&mut frozen).await;

    let sending = join_all((0..20).map(|_| alice.send(request())));
    let stopping = async {
        // One is in flight, the others are queued.
        eventually(async || env.metrics().contains("intake_queued_reports 19\n")).await;
        let stopped = env.service.stop();
        frozen.rollback().await.unwrap();
        stopped.await
    };
    let (receipts, stopped) = futures::join!(sending, stopping);
    stopped.unwrap();
    for receipt in receipts {
        receipt.unwrap();
    }
    let stored: i64 = sqlx::query_scalar("select count(*) from report")
        .fetch_one(&pool)
        .await
        .unwrap();
    assert_eq!(stored, 21);
}

#[tokio::test]
async fn a_commit_whose_connection_is_lost_is_run_again() {
    let env = TestEnv::start().await;
    let alice = env.declarant("alice");
    alice.send(request()).await.unwrap();
    let mut frozen = env.pool.begin().await.unwrap();
    lock_reports(&mut frozen).await;

    let cutting = async {
        let cut = async || {
            env.count(
                "select count(pg_terminate_backend(pid)) from pg_locks
                     where not granted and relation = 'report'::regclass and database = (
                         select oid from pg_database where datname = current_database()
                     )",
            )
            .await
                > 0
        };
        eventually(cut).await;
        frozen.rollback().await.unwrap();
    };
    let (receipt, ()) = futures::join!(alice.send(request()), cutting);
    assert!(alice.get(&receipt.unwrap().report_id).await.is_ok());
    assert_eq!(env.count("select count(*) from report").await, 2);
    assert_eq!(env.events().await.len(), 2);
}

/// Waits until a commit of reports waits.
async fn in_flight(env: &TestEnv) {
    let waiting = "select count(*) from pg_locks
                   where not granted and relation = 'report'::regclass and database = (
                       select oid from pg_database where datname = current_database()
                   )";
    eventually(async || env.count(waiting).await > 0).await;
}

/// Makes every commit of reports wait.
pub(crate) async fn lock_reports(conn: &mut PgConnection) {
    // A slow machine must not let go of the lock by itself.
    sqlx::query("set local idle_in_transaction_session_timeout = 0")
        .execute(&mut *conn)
        .await
        .unwrap();
    sqlx::query("lock table report in share mode")
        .execute(conn)
        .await
        .unwrap();
}

//! What is due is sent, however late, and what cannot be is shown.

use proto::events::v1::CaseChange;
use proto::notification::v1::{
    Delivery, DeliveryState, ListDeliveriesRequest, RetryDeliveryRequest,
};
use proto::types::v1 as types;
use testkit::SmtpBehaviour;
use tonic::{Code, Status};
use uuid::Uuid;

use crate::tests::{
    env::{TestEnv, reason},
    story::{DECLARANT, Report, changed},
};

async fn list(env: &TestEnv, request: ListDeliveriesRequest) -> (Vec<Delivery>, String) {
    let page = env
        .deliveries()
        .list_deliveries(request)
        .await
        .unwrap()
        .into_inner();
    (page.deliveries, page.next_page_token)
}

async fn dead(env: &TestEnv) -> Delivery {
    let request = ListDeliveriesRequest {
        state: DeliveryState::Dead.into(),
        ..Default::default()
    };
    testkit::eventually_some(async || list(env, request.clone()).await.0.into_iter().next()).await
}

async fn retry(env: &TestEnv, delivery_id: &str, request_id: Uuid) -> Result<Delivery, Status> {
    let request = RetryDeliveryRequest {
        request_id: request_id.to_string(),
        delivery_id: delivery_id.to_owned(),
    };
    let answer = env.deliveries().retry_delivery(request).await?;
    Ok(answer.into_inner().delivery.unwrap())
}

#[tokio::test]
async fn a_recipient_refused_for_now_gets_one_mail_later() {
    let env = TestEnv::start().await;
    env.sink.refuse_next(2, 451);
    env.intake().announce(&[Report::new(1).submitted()]).await;
    env.sink.wait_for(4).await;
    testkit::eventually(async || env.delivered("sent").await == 4).await;
    assert_eq!(env.sink.mails().len(), 4);
    let (attempts,): (i64,) = sqlx::query_as("select count(*) from job_attempt")
        .fetch_one(&env.pool)
        .await
        .unwrap();
    assert_eq!(attempts, 6);
}

#[tokio::test]
async fn a_recipient_refused_for_good_is_given_up_until_an_operator_tries_again() {
    let env = TestEnv::start().await;
    env.sink.refuse_recipient(DECLARANT, 550);
    env.intake().announce(&[Report::new(1).submitted()]).await;
    let given_up = dead(&env).await;
    assert_eq!(
        (given_up.rule.as_str(), given_up.recipient.as_str()),
        ("receipt", "declarant")
    );
    assert_eq!(
        (given_up.attempts, given_up.last_error.as_str()),
        (1, "refused_550")
    );
    testkit::eventually(async || env.service.metric("vigie_job_dead") > 0.0).await;

    env.sink.refuse_nobody();
    let request_id = Uuid::now_v7();
    let due = retry(&env, &given_up.delivery_id, request_id)
        .await
        .unwrap();
    assert_eq!(due.state(), DeliveryState::Pending);
    let again = retry(&env, &given_up.delivery_id, request_id)
        .await
        .unwrap();
    assert_eq!(again, due, "a retry of the call changes nothing");
    let asked = env.audited("op").await.into_iter();
    let asked = asked.filter(|(action, _, _)| action == "delivery.retry");
    let outcomes: Vec<String> = asked.map(|(_, _, outcome)| outcome).collect();
    assert_eq!(outcomes, ["done", "done"]);
    env.sink.wait_for_mail(|mail| mail.to == [DECLARANT]).await;
}

#[tokio::test]
async fn what_was_due_while_the_relay_was_away_is_sent_when_it_is_back() {
    let env = TestEnv::start_with(|config| config.max_refusals = 2).await;
    env.sink.behave(SmtpBehaviour::Drop);
    env.intake().announce(&[Report::new(1).submitted()]).await;
    let tried = async || -> i64 {
        sqlx::query_scalar("select coalesce(min(attempts), 0)::bigint from job")
            .fetch_one(&env.pool)
            .await
            .unwrap()
    };
    testkit::eventually(async || tried().await >= 3).await;
    assert_eq!(env.delivered("dead").await, 0, "an outage gives nothing up");
    env.sink.behave(SmtpBehaviour::Accept);
    env.sink.wait_for(4).await;
}

#[tokio::test]
async fn a_night_call_goes_before_everything_that_is_due_and_not_yet_claimed() {
    let env = TestEnv::start_with(|config| config.delivery_workers = 1).await;
    env.sink.behave(SmtpBehaviour::Hang);
    let queued = async |count: i64| {
        testkit::eventually(async || env.delivered("pending").await == count).await;
    };
    let announced: Vec<_> = (1..=8)
        .map(|number| Report::new(number).submitted())
        .collect();
    env.intake().announce(&announced).await;
    queued(32).await;
    let mut major = Report::new(1).case(CaseChange::Qualified, 1);
    major.severity = Some(types::Severity {
        major: true,
        ..Default::default()
    });
    env.qualification().announce(&[changed(&major)]).await;
    queued(34).await;

    // One was claimed before; the night call comes next.
    env.sink.behave(SmtpBehaviour::Accept);
    let mails = env.sink.wait_for(34).await;
    let subjects: Vec<_> = mails.iter().map(testkit::Mail::subject).collect();
    let urgent = |subject: &&String| subject.starts_with("[SSI][MAJEUR]");
    assert_eq!(
        subjects[..3].iter().filter(urgent).count(),
        2,
        "{subjects:?}"
    );
}

#[tokio::test]
async fn a_relay_that_hangs_does_not_keep_the_service_from_stopping() {
    let env = TestEnv::start().await;
    env.sink.behave(SmtpBehaviour::Hang);
    env.intake().announce(&[Report::new(1).submitted()]).await;
    let claimed = async || -> i64 {
        sqlx::query_scalar("select count(*) from job where claimed_until is not null")
            .fetch_one(&env.pool)
            .await
            .unwrap()
    };
    testkit::eventually(async || claimed().await == 4).await;
    env.service.begin_shutdown();
    testkit::eventually(async || env.service.has_ended()).await;
}

#[tokio::test]
async fn a_mail_whose_answer_was_lost_comes_again_under_the_same_id() {
    let env = TestEnv::start_with(|config| config.delivery_workers = 1).await;
    env.sink.behave(SmtpBehaviour::DropAfterMail);
    env.intake().announce(&[Report::new(1).submitted()]).await;
    env.sink.wait_for(2).await;
    env.sink.behave(SmtpBehaviour::Accept);
    testkit::eventually(async || env.delivered("sent").await == 4).await;
    assert!(env.sink.mails().len() >= 6, "two answers were lost");
    for mail in env.sink.mails() {
        let id = mail.message_id().unwrap();
        let same: Vec<_> = env
            .sink
            .mails()
            .into_iter()
            .filter(|other| other.to == mail.to)
            .collect();
        assert!(same.iter().all(|other| other.message_id().unwrap() == id));
    }
}

#[tokio::test]
async fn a_mail_whose_answer_is_always_lost_is_not_sent_for_ever() {
    let env = TestEnv::start_with(|config| config.max_refusals = 2).await;
    env.sink.behave(SmtpBehaviour::DropAfterMail);
    env.intake().announce(&[Report::new(1).submitted()]).await;
    testkit::eventually(async || env.delivered("dead").await == 4).await;
    assert_eq!(env.sink.mails().len(), 8, "each of four was tried twice");
}

#[tokio::test]
async fn deliveries_are_listed_latest_first_by_pages_and_by_report() {
    let env = TestEnv::start().await;
    let reports: Vec<_> = (0..5).map(Report::new).collect();
    for report in &reports {
        env.intake().announce(&[report.submitted()]).await;
    }
    testkit::eventually(async || env.delivered("sent").await == 20).await;

    let mut listed = Vec::new();
    let mut page_token = String::new();
    loop {
        let request = ListDeliveriesRequest {
            page_size: 7,
            page_token,
            ..Default::default()
        };
        let (page, next) = list(&env, request).await;
        assert!(page.len() <= 7);
        listed.extend(page);
        if next.is_empty() {
            break;
        }
        page_token = next;
    }
    assert_eq!(listed.len(), 20);
    let seconds = |delivery: &Delivery| {
        let at = delivery.created_at.unwrap();
        (at.seconds, at.nanos)
    };
    assert!(listed.is_sorted_by_key(|delivery| std::cmp::Reverse(seconds(delivery))));

    let report_id = reports[2].id.to_string();
    let request = ListDeliveriesRequest {
        report_id: report_id.clone(),
        ..Default::default()
    };
    let (of_one, _) = list(&env, request).await;
    assert_eq!(of_one.len(), 4);
    assert!(
        of_one
            .iter()
            .all(|delivery| delivery.report_id == report_id)
    );
}

#[tokio::test]
async fn a_page_token_of_another_list_is_refused() {
    let env = TestEnv::start().await;
    env.intake().announce(&[Report::new(1).submitted()]).await;
    env.sink.wait_for(4).await;
    let (_, page_token) = list(
        &env,
        ListDeliveriesRequest {
            page_size: 1,
            ..Default::default()
        },
    )
    .await;
    let other = ListDeliveriesRequest {
        page_token,
        state: DeliveryState::Dead.into(),
        ..Default::default()
    };
    let refused = env.deliveries().list_deliveries(other).await.unwrap_err();
    assert_eq!(refused.code(), Code::InvalidArgument);
}

#[tokio::test]
async fn only_a_dead_delivery_is_tried_again_and_every_asking_is_audited() {
    let env = TestEnv::start().await;
    env.intake().announce(&[Report::new(1).submitted()]).await;
    testkit::eventually(async || env.delivered("sent").await == 4).await;
    let (sent, _) = list(&env, ListDeliveriesRequest::default()).await;
    let refused = retry(&env, &sent[0].delivery_id, Uuid::now_v7())
        .await
        .unwrap_err();
    assert_eq!(refused.code(), Code::FailedPrecondition);
    assert_eq!(reason(&refused), "WRONG_STATE");
    let unknown = retry(&env, &Uuid::now_v7().to_string(), Uuid::now_v7())
        .await
        .unwrap_err();
    assert_eq!(unknown.code(), Code::NotFound);
    let malformed = retry(&env, "x", Uuid::now_v7()).await.unwrap_err();
    assert_eq!(malformed.code(), Code::InvalidArgument);
    let audited = env.audited("op").await;
    let audited: Vec<_> = audited.iter().map(|(a, _, o)| (&**a, &**o)).collect();
    let expected = [
        ("delivery.list", "done"),
        ("delivery.retry", "refused"),
        ("delivery.retry", "not_visible"),
    ];
    assert_eq!(audited, expected);
}

#[tokio::test]
async fn what_only_a_later_release_can_write_about_waits_and_stops_nothing() {
    let env = TestEnv::start().await;
    env.intake().announce(&[Report::new(1).submitted()]).await;
    testkit::eventually(async || env.delivered("sent").await == 4).await;
    sqlx::query(
        "insert into job (job_id, kind, subject, urgent, created_at, due_at, first_due_at, payload)
         select gen_random_uuid(), 'mail/drill', subject, true, created_at, created_at,
                created_at, payload
         from job_done where kind = 'mail/submission' limit 1",
    )
    .execute(&env.pool)
    .await
    .unwrap();

    // It is the most urgent and has been due longest.
    env.intake().announce(&[Report::new(2).submitted()]).await;
    testkit::eventually(async || env.delivered("sent").await == 8).await;
    let (attempts, claimed): (i32, bool) = sqlx::query_as(
        "select attempts, claimed_until is not null from job where kind = 'mail/drill'",
    )
    .fetch_one(&env.pool)
    .await
    .unwrap();
    assert_eq!((attempts, claimed), (0, false));
}

#[tokio::test]
async fn a_retry_that_meets_a_lock_is_run_again() {
    let env = TestEnv::start().await;
    env.sink.refuse_recipient(DECLARANT, 550);
    env.intake().announce(&[Report::new(1).submitted()]).await;
    let given_up = dead(&env).await;
    let mut elsewhere = env.pool.acquire().await.unwrap();
    sqlx::raw_sql("begin; select from job for update")
        .execute(&mut *elsewhere)
        .await
        .unwrap();
    let somebody_waits = async || -> bool {
        let sql = "select exists (select from pg_stat_activity
                   where datname = current_database() and wait_event_type = 'Lock')";
        sqlx::query_scalar(sql).fetch_one(&env.pool).await.unwrap()
    };
    let in_the_way = async {
        // The first try waits for the lock, and gives up.
        for waits in [true, false] {
            testkit::eventually(async || somebody_waits().await == waits).await;
        }
        sqlx::raw_sql("rollback")
            .execute(&mut *elsewhere)
            .await
            .unwrap();
    };
    let request_id = Uuid::now_v7();
    let (due, ()) = tokio::join!(retry(&env, &given_up.delivery_id, request_id), in_the_way);
    assert_eq!(due.unwrap().state(), DeliveryState::Pending);
}

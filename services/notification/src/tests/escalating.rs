//! Escalations: who is called is written to, and nobody else.

use eventlog::NewEvent;
use platform::SealingKey;
use proto::events::v1 as events;
use service::{Sealed, wire::timestamp};
use testkit::SmtpBehaviour;
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

use crate::tests::{
    env::{MASTER_KEY, TestEnv},
    story::{Report, analyst},
};

const TOKEN: &str = "c0ffee";
const CAMILLE: &str = "camille@example.org";

/// The event of a call about a report, of an escalation that lapses at a moment.
fn called(report: &Report, lapses_at: OffsetDateTime) -> NewEvent {
    let master = SealingKey::from_bytes(MASTER_KEY);
    let (_, data_key) = master.new_data_key();
    let rota = Sealed {
        sealed: Vec::new(),
        data_key,
    };
    let person = events::CalledPerson {
        name: "Camille Roux".to_owned(),
        email: CAMILLE.to_owned(),
        token: TOKEN.to_owned(),
        link: format!("https://portail.example.org/escalation/{TOKEN}"),
    };
    let (call_id, escalation_id) = (Uuid::now_v7(), Uuid::now_v7());
    let sealed_person = rota.seal_called(&master, call_id, &person).unwrap();
    let now = platform::now();
    let payload = events::EscalationCalled {
        call_id: call_id.to_string(),
        escalation_id: escalation_id.to_string(),
        case_id: Uuid::from_u128(report.id.as_u128() ^ 1).to_string(),
        report_id: report.message.report_id.clone(),
        reference: report.message.reference.clone(),
        step: 1,
        called_at: Some(timestamp(now)),
        answer_before: Some(timestamp(now + Duration::minutes(15))),
        lapses_at: Some(timestamp(lapses_at)),
        sealed_person: sealed_person.into(),
    };
    let subject = format!("escalation/{escalation_id}");
    NewEvent::new(Uuid::now_v7(), subject, now, &payload).with_data_key(rota.data_key)
}

#[tokio::test]
async fn who_is_called_gets_one_mail_and_nobody_else_hears_of_it() {
    let env = TestEnv::start().await;
    let report = Report::new(1);
    env.intake().announce(&[report.submitted()]).await;
    env.until_kept(&analyst(), 1).await;
    env.sink.wait_for(4).await;
    env.sink.forget();

    let lapses_at = platform::now() + Duration::HOUR;
    let call = called(&report, lapses_at);
    env.qualification().announce(&[call]).await;
    let mails = env.sink.wait_for(1).await;
    assert_eq!(mails[0].to, [CAMILLE]);
    let reference = &report.message.reference;
    assert_eq!(
        mails[0].subject(),
        format!("[SSI][ASTREINTE] Signalement {reference} : votre réponse est attendue")
    );
    testkit::eventually(async || env.delivered("sent").await == 5).await;
    assert_eq!(env.sink.mails().len(), 1);
    // The stream tells of the submission alone.
    env.until_kept(&analyst(), 1).await;
    assert_eq!(env.count("select count(*) from notification").await, 1);
}

#[tokio::test]
async fn a_call_before_its_report_is_known_goes_out_at_once() {
    let env = TestEnv::start().await;
    let report = Report::new(1);
    let call = called(&report, platform::now() + Duration::HOUR);
    env.qualification().announce(&[call]).await;
    let mails = env.sink.wait_for(1).await;
    assert_eq!(mails[0].to, [CAMILLE]);
    assert!(mails[0].subject().contains(&report.message.reference));
}

#[tokio::test]
async fn a_call_that_is_heard_of_when_the_cell_works_again_is_not_made() {
    let env = TestEnv::start().await;
    let (over, running) = (Report::new(1), Report::new(2));
    let now = platform::now();
    let calls = [
        called(&over, now - Duration::SECOND),
        called(&running, now + Duration::HOUR),
    ];
    env.qualification().announce(&calls).await;
    env.sink.wait_for(1).await;
    testkit::eventually(async || env.delivered("sent").await == 1).await;
    let mails = env.sink.mails();
    assert_eq!(mails.len(), 1);
    assert!(mails[0].subject().contains(&running.message.reference));
    testkit::eventually(async || {
        let applied = "select coalesce(sum(position), 0)::bigint from consumer_offset
                       where producer = 'qualification'";
        env.count(applied).await == 2
    })
    .await;
    assert_eq!(env.delivered("pending").await, 0);
    assert_eq!(env.sink.mails().len(), 1);
}

#[tokio::test]
async fn a_call_that_waits_for_the_relay_until_its_escalation_lapses_is_not_made() {
    let env = TestEnv::start().await;
    env.sink.behave(SmtpBehaviour::Drop);
    let (over, running) = (Report::new(1), Report::new(2));
    let lapses_at = platform::now() + Duration::HOUR;
    env.qualification()
        .announce(&[called(&over, lapses_at)])
        .await;
    let tried = "select count(*) from job where attempts > 0";
    testkit::eventually(async || env.count(tried).await == 1).await;
    let kept: OffsetDateTime =
        sqlx::query_scalar("select (payload ->> 'lapses_at')::timestamptz from job")
            .fetch_one(&env.pool)
            .await
            .unwrap();
    assert_eq!(kept, lapses_at);

    // The hour is over.
    let over_since = r#"{"lapses_at": "2020-01-01T00:00:00Z"}"#;
    sqlx::query("update job set payload = payload || $1::jsonb")
        .bind(over_since)
        .execute(&env.pool)
        .await
        .unwrap();
    testkit::eventually(async || env.delivered("dead").await == 1).await;
    let class: Option<String> = sqlx::query_scalar("select last_error from job")
        .fetch_one(&env.pool)
        .await
        .unwrap();
    assert_eq!(class.as_deref(), Some("erased"));
    env.sink.behave(SmtpBehaviour::Accept);
    env.qualification()
        .announce(&[called(&running, lapses_at)])
        .await;
    testkit::eventually(async || env.delivered("sent").await == 1).await;
    let mails = env.sink.mails();
    assert_eq!(mails.len(), 1);
    assert!(mails[0].subject().contains(&running.message.reference));
}

#[tokio::test]
async fn neither_the_person_nor_the_token_of_a_call_rests_in_the_clear() {
    let env = TestEnv::start().await;
    let report = Report::new(1);
    let call = called(&report, platform::now() + Duration::HOUR);
    env.qualification().announce(&[call]).await;
    env.sink.wait_for(1).await;
    testkit::eventually(async || env.delivered("sent").await == 1).await;
    let rest: Vec<String> = sqlx::query_scalar("select payload::text from job_done")
        .fetch_all(&env.pool)
        .await
        .unwrap();
    assert_eq!(rest.len(), 1);
    for secret in [TOKEN, CAMILLE, "Camille"] {
        assert!(!rest[0].contains(secret), "{}", rest[0]);
    }
}

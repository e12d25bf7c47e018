//! A worker against a mail server and a database, step by step.

use std::sync::{Arc, Mutex, mpsc};

use lettre::transport::smtp::extension::ClientId;
use platform::{DatabaseConfig, Files, SealingKey, Watched};
use serde_json::json;
use service::jobs::{JobMetrics, JobPolicy, Jobs, NewJob, add_jobs};
use testkit::{SmtpOptions, SmtpSink};
use time::Duration;
use uuid::Uuid;

use super::*;
use crate::{
    deliveries::{Encryption, Sender, SmtpServer},
    notices::{Branding, Language},
};

mod migrating;

/// A worker of one channel.
struct Worker {
    jobs: Jobs,
    channel: MailChannel,
}

async fn worker(sink: &SmtpSink) -> Worker {
    // An expired claim is one that lasted no time.
    worker_with_claims_of(sink, Duration::ZERO).await
}

async fn worker_with_claims_of(sink: &SmtpSink, claim: Duration) -> Worker {
    let config = database().await;
    platform::migrate(&config, &crate::migrators())
        .await
        .unwrap();
    worker_of(&config, sink, claim).await
}

async fn database() -> DatabaseConfig {
    let database = testkit::postgres().await.database("deliveries").await;
    DatabaseConfig {
        max_connections: 8,
        ..DatabaseConfig::new(database.url("notification"), "notification")
    }
}

fn mailer(sink: &SmtpSink) -> Mailer {
    Mailer {
        server: Watched::from(SmtpServer {
            host: "127.0.0.1".to_owned(),
            port: sink.address().port(),
            encryption: Encryption::None,
            login: None,
            hello: ClientId::Domain("example.org".to_owned()),
            timeout: std::time::Duration::from_secs(5),
        }),
        sender: Sender::parse("vigie@example.org").unwrap(),
        branding: Branding {
            language: Language::Fr,
            emergency_phone: "09 72 43 91 25".to_owned(),
            agency_domain: "ars.example.org".to_owned(),
        },
    }
}

async fn worker_of(config: &DatabaseConfig, sink: &SmtpSink, claim: Duration) -> Worker {
    let pool = platform::connect(config, "test", &Files::default())
        .await
        .unwrap();
    let policy = JobPolicy {
        base: Duration::ZERO,
        refusals: 3,
        claim,
        grace: std::time::Duration::ZERO,
    };
    let jobs = Jobs::open(pool.clone(), policy, JobMetrics::default());
    Worker {
        jobs: jobs.await.unwrap(),
        channel: MailChannel {
            pool,
            master_key: SealingKey::from_bytes([7; 32]),
            mailer: mailer(sink),
        },
    }
}

impl Worker {
    async fn add(&self, payload: MailPayload) -> Uuid {
        self.add_of(Rule::AnnounceCell, payload).await
    }

    async fn add_of(&self, rule: Rule, payload: MailPayload) -> Uuid {
        let now = platform::now();
        let job = NewJob {
            job_id: Uuid::now_v7(),
            kind: kind(Template::Submission),
            subject: format!("report/{}", Uuid::now_v7()),
            urgent: rule.is_urgent(),
            due_at: now,
            traceparent: None,
            payload: json!(payload),
        };
        let mut conn = self.jobs.pool.acquire().await.unwrap();
        add_jobs(&mut conn, std::slice::from_ref(&job), now)
            .await
            .unwrap();
        job.job_id
    }

    async fn step(&self) -> platform::Result<bool> {
        self.jobs.step(&self.channel).await
    }

    /// Works until nothing is due.
    async fn until_idle(&self) {
        while self.step().await.unwrap() {}
    }

    async fn state(&self, delivery_id: Uuid) -> (String, i32, Option<String>) {
        sqlx::query_as(
            "select case when due_at is null then 'dead' else 'pending' end, attempts, last_error
             from job where job_id = $1
             union all
             select 'sent', attempts, null from job_done where job_id = $1",
        )
        .bind(delivery_id)
        .fetch_one(&self.jobs.pool)
        .await
        .unwrap()
    }
}

fn to(mailbox: &str) -> MailPayload {
    let payload = MailPayload::new(
        Rule::AnnounceCell,
        Recipient::Cell,
        ReportSummary::default(),
    );
    payload.for_mailbox(&mailbox.parse().unwrap())
}

fn mailbox() -> MailPayload {
    to("cellule@example.org")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worker_killed_between_sending_and_recording_leaves_one_duplicate_that_can_be_told() {
    let (kept, mut was_kept) = tokio::sync::mpsc::unbounded_channel();
    let (go_on, wait) = mpsc::channel::<()>();
    let wait = Mutex::new(wait);
    let sink = SmtpSink::start_with(SmtpOptions {
        // The server has the mail and does not say so before the story lets it.
        on_mail: Some(Arc::new(move |_| {
            kept.send(()).unwrap();
            tokio::task::block_in_place(|| wait.lock().unwrap().recv().unwrap());
        })),
        ..SmtpOptions::default()
    })
    .await
    .unwrap();
    let worker = worker(&sink).await;
    let delivery_id = worker.add(mailbox()).await;

    tokio::select! {
        _ = worker.step() => panic!("the worker was not killed"),
        _ = was_kept.recv() => {}
    }
    go_on.send(()).unwrap();
    go_on.send(()).unwrap();
    assert_eq!(
        worker.state(delivery_id).await,
        ("pending".to_owned(), 1, None)
    );

    assert!(worker.step().await.unwrap());
    assert_eq!(worker.state(delivery_id).await.0, "sent");
    assert_eq!(worker.jobs.metrics.expired_claims.get(), 1);
    let mails = sink.wait_for(2).await;
    assert_eq!(mails.len(), 2);
    assert_eq!(mails[0].message_id(), mails[1].message_id());
    assert!(!worker.step().await.unwrap());
}

#[tokio::test]
async fn a_delivery_refused_too_often_is_given_up() {
    let sink = SmtpSink::start().await;
    let worker = worker(&sink).await;
    let delivery_id = worker.add(mailbox()).await;
    sink.refuse_next(3, 450);
    for _ in 0..3 {
        assert!(worker.step().await.unwrap());
    }
    let refused = Some("refused_450".to_owned());
    assert_eq!(
        worker.state(delivery_id).await,
        ("dead".to_owned(), 3, refused)
    );
    assert!(!worker.step().await.unwrap());
}

#[tokio::test]
async fn a_message_to_a_person_is_given_up_unsent_as_erased_only_when_the_key_is_gone() {
    let sink = SmtpSink::start().await;
    let worker = worker(&sink).await;
    let to_person = || MailPayload {
        sealed_address: Some("AQID".to_owned()),
        mailbox: None,
        ..mailbox()
    };
    for (change, class) in [
        (
            "insert into known_report (report_id)
             select substring(subject from 'report/(.*)')::uuid from job where due_at is not null",
            "erased",
        ),
        ("", "unknown_report"),
        (
            "update job set subject = 'report/x' where due_at is not null",
            "subject",
        ),
    ] {
        let delivery_id = worker.add(to_person()).await;
        let pool = &worker.jobs.pool;
        sqlx::raw_sql(change).execute(pool).await.unwrap();
        assert!(worker.step().await.unwrap());
        let given_up = ("dead".to_owned(), 1, Some(class.to_owned()));
        assert_eq!(worker.state(delivery_id).await, given_up);
    }
    assert!(sink.mails().is_empty());
}

#[tokio::test]
async fn a_message_at_which_the_server_hangs_up_is_given_up_and_the_others_are_sent() {
    let sink = SmtpSink::start().await;
    let worker = worker(&sink).await;
    sink.hang_up_at("cellule@example.org");
    let cut_off = worker.add(mailbox()).await;
    let other = worker.add(to("fssi@example.org")).await;
    worker.until_idle().await;
    let connect = Some("connect".to_owned());
    assert_eq!(worker.state(cut_off).await, ("dead".to_owned(), 3, connect));
    assert_eq!(worker.state(other).await, ("sent".to_owned(), 1, None));
    let recorded: i64 = sqlx::query_scalar("select count(*) from job_attempt where job_id = $1")
        .bind(cut_off)
        .fetch_one(&worker.jobs.pool)
        .await
        .unwrap();
    assert_eq!(recorded, 3);
}

#[tokio::test]
async fn a_server_that_asks_for_a_login_gives_nothing_up() {
    let sink = SmtpSink::start().await;
    let worker = worker(&sink).await;
    let delivery_id = worker.add(mailbox()).await;
    sink.refuse_next(5, 530);
    for _ in 0..5 {
        assert!(worker.step().await.unwrap());
    }
    let refused = Some("relay_530".to_owned());
    assert_eq!(
        worker.state(delivery_id).await,
        ("pending".to_owned(), 5, refused)
    );
    worker.until_idle().await;
    assert_eq!(worker.state(delivery_id).await.0, "sent");
}

#[tokio::test]
async fn a_server_that_refuses_the_sender_gives_nothing_up() {
    let sink = SmtpSink::start().await;
    let worker = worker(&sink).await;
    let delivery_id = worker.add(mailbox()).await;
    // More often than a refusal of the message is borne; the last ones for good.
    for (attempts, code) in (1..).zip([451, 451, 451, 451, 550, 553]) {
        sink.refuse_senders(code);
        assert!(worker.step().await.unwrap());
        let refused = Some(format!("relay_{code}"));
        assert_eq!(
            worker.state(delivery_id).await,
            ("pending".to_owned(), attempts, refused)
        );
    }
    sink.refuse_nobody();
    worker.until_idle().await;
    assert_eq!(worker.state(delivery_id).await.0, "sent");
    assert_eq!(sink.mails()[0].from, "vigie@example.org");
}

#[tokio::test]
async fn an_answer_that_comes_too_late_is_not_taken_for_that_to_the_next_message() {
    let sink = SmtpSink::start().await;
    let mut worker = worker(&sink).await;
    let mut server = SmtpServer::clone(&worker.channel.mailer.server.current());
    server.timeout = std::time::Duration::from_millis(300);
    worker.channel.mailer.server = Watched::from(server);
    sink.behave(testkit::SmtpBehaviour::Hang);
    let delivery_id = worker.add(mailbox()).await;
    assert!(worker.step().await.unwrap());
    let late = Some("timeout".to_owned());
    assert_eq!(
        worker.state(delivery_id).await,
        ("pending".to_owned(), 1, late)
    );
    sink.behave(testkit::SmtpBehaviour::Accept);
    sink.refuse_next(1, 550);
    assert!(worker.step().await.unwrap());
    assert_eq!(worker.state(delivery_id).await.0, "dead");
    assert!(sink.mails().is_empty());
}

#[tokio::test]
async fn what_is_due_goes_and_urgent_messages_first() {
    let sink = SmtpSink::start().await;
    let worker = worker_with_claims_of(&sink, Duration::MINUTE).await;
    let mut due = Vec::new();
    for _ in 0..12 {
        due.push(worker.add(mailbox()).await);
    }
    let call = worker.add_of(Rule::OnCall, mailbox()).await;
    due.insert(0, call);

    worker.until_idle().await;
    let ids: Vec<_> = sink
        .mails()
        .iter()
        .map(|mail| mail.message_id().unwrap())
        .collect();
    let expected: Vec<_> = due.iter().map(|id| format!("<{id}@example.org>")).collect();
    assert_eq!(ids, expected);
    for delivery_id in due {
        assert_eq!(
            worker.state(delivery_id).await,
            ("sent".to_owned(), 1, None)
        );
    }
    assert!(!worker.step().await.unwrap());
}

#[tokio::test]
async fn while_the_server_is_down_one_is_tried_and_the_others_keep_their_turn() {
    let sink = SmtpSink::start().await;
    let mut worker = worker_with_claims_of(&sink, Duration::MINUTE).await;
    worker.jobs.policy.base = Duration::MINUTE;
    sink.behave(testkit::SmtpBehaviour::Drop);
    let first = worker.add(mailbox()).await;
    let second = worker.add(mailbox()).await;
    assert!(worker.step().await.unwrap());
    let down = Some("connect".to_owned());
    assert_eq!(worker.state(first).await, ("pending".to_owned(), 1, down));
    assert_eq!(worker.state(second).await, ("pending".to_owned(), 0, None));

    sink.behave(testkit::SmtpBehaviour::Accept);
    assert!(worker.step().await.unwrap());
    assert_eq!(worker.state(second).await, ("sent".to_owned(), 1, None));
    assert!(!worker.step().await.unwrap());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_sent_is_recorded_once_the_database_lets_it_and_not_sent_again() {
    let (kept, mut was_kept) = tokio::sync::mpsc::unbounded_channel();
    let (go_on, wait) = mpsc::channel::<()>();
    let wait = Mutex::new(wait);
    let sink = SmtpSink::start_with(SmtpOptions {
        on_mail: Some(Arc::new(move |_| {
            kept.send(()).unwrap();
            tokio::task::block_in_place(|| wait.lock().unwrap().recv().unwrap());
        })),
        ..SmtpOptions::default()
    })
    .await
    .unwrap();
    let worker = worker_with_claims_of(&sink, Duration::MINUTE).await;
    let delivery_id = worker.add(mailbox()).await;
    let mut elsewhere = worker.jobs.pool.acquire().await.unwrap();
    let in_the_way = async {
        was_kept.recv().await.unwrap();
        // Nobody may write the row for longer than a session waits for a lock.
        sqlx::raw_sql("begin; select from job for update")
            .execute(&mut *elsewhere)
            .await
            .unwrap();
        go_on.send(()).unwrap();
        for waits in [true, false] {
            testkit::eventually(async || somebody_waits(&worker.jobs.pool).await == waits).await;
        }
        sqlx::raw_sql("rollback")
            .execute(&mut *elsewhere)
            .await
            .unwrap();
    };
    let (step, ()) = tokio::join!(worker.step(), in_the_way);
    assert!(step.unwrap());
    assert_eq!(
        worker.state(delivery_id).await,
        ("sent".to_owned(), 1, None)
    );
    assert_eq!(sink.mails().len(), 1);
}

/// Whether a session of this database waits for a lock.
async fn somebody_waits(pool: &PgPool) -> bool {
    let sql = "select exists (select from pg_stat_activity
               where datname = current_database() and wait_event_type = 'Lock')";
    sqlx::query_scalar(sql).fetch_one(pool).await.unwrap()
}

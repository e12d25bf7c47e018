//! What is shared with the release before.

use std::time::Instant;

use sqlx::PgPool;
use tokio_util::sync::CancellationToken;

use super::*;
use crate::deliveries::{
    DigestChannel,
    previous_release::{hand_back, run, take_over},
};

fn in_a_minute() -> Instant {
    Instant::now() + std::time::Duration::from_mins(1)
}

async fn count(pool: &PgPool, query: &'static str) -> i64 {
    sqlx::query_scalar(query).fetch_one(pool).await.unwrap()
}

async fn execute(pool: &PgPool, statements: &'static str) {
    sqlx::raw_sql(statements).execute(pool).await.unwrap();
}

/// A delivery as the release before makes it due, with what becomes of it meanwhile.
async fn older(pool: &PgPool, change: &str) -> Uuid {
    let delivery_id = Uuid::now_v7();
    sqlx::query("insert into situation values ($1, '{\"reference\": \"S-2026-7\"}')")
        .bind(delivery_id)
        .execute(pool)
        .await
        .unwrap();
    sqlx::query(
        "insert into delivery (delivery_id, report_id, rule, recipient, mailbox, occasion,
                               situation_id, created_at, due_at)
         values ($1, gen_random_uuid(), 'announce_cell', 'cell', 'cellule@example.org', 'closing',
                 $1, now(), now())",
    )
    .bind(delivery_id)
    .execute(pool)
    .await
    .unwrap();
    if !change.is_empty() {
        let change = format!("update delivery set {change} where delivery_id = '{delivery_id}'");
        sqlx::raw_sql(sqlx::AssertSqlSafe(change))
            .execute(pool)
            .await
            .unwrap();
    }
    delivery_id
}

/// A delivery as the release before would send it.
async fn as_before(pool: &PgPool, delivery_id: Uuid) -> Option<(String, String, i32, String)> {
    sqlx::query_as(
        "select state, occasion, attempts, situation ->> 'reference'
         from delivery join situation using (situation_id) where delivery_id = $1",
    )
    .bind(delivery_id)
    .fetch_optional(pool)
    .await
    .unwrap()
}

#[tokio::test]
async fn what_the_release_before_made_due_is_sent_under_its_id_and_once() {
    let sink = SmtpSink::start().await;
    let worker = worker_with_claims_of(&sink, Duration::MINUTE).await;
    let pool = &worker.jobs.pool;
    let due = older(pool, "").await;
    let given_up = older(pool, "state = 'dead', due_at = null, attempts = 3").await;
    let being_sent = older(pool, "claimed_until = now() + interval '1 minute'").await;
    let sent = older(pool, "state = 'sent', due_at = null, sent_at = now()").await;
    let cut_off = older(
        pool,
        "claimed_until = now() - interval '1 minute', attempts = 1",
    )
    .await;
    assert_eq!(take_over(pool).await.unwrap(), 3);
    assert_eq!(take_over(pool).await.unwrap(), 0);

    worker.until_idle().await;
    assert_eq!(worker.state(due).await, ("sent".to_owned(), 1, None));
    assert_eq!(worker.state(cut_off).await, ("sent".to_owned(), 2, None));
    assert_eq!(worker.jobs.metrics.expired_claims.get(), 1);
    assert_eq!(worker.state(given_up).await, ("dead".to_owned(), 3, None));
    let mails = sink.mails();
    assert_eq!(mails.len(), 2);
    assert_eq!(mails[0].subject(), "Signalement S-2026-7 : dossier clos");
    assert_eq!(
        mails[0].message_id().unwrap(),
        format!("<{due}@example.org>")
    );
    for left in [being_sent, sent] {
        assert!(as_before(pool, left).await.is_some());
    }
}

#[tokio::test]
async fn what_is_due_when_a_process_stops_is_found_by_the_release_before() {
    let sink = SmtpSink::start().await;
    let worker = worker(&sink).await;
    let pool = &worker.jobs.pool;
    let older = older(pool, "attempts = 2").await;
    take_over(pool).await.unwrap();
    let own = worker.add(mailbox()).await;
    assert_eq!(hand_back(pool, &[], in_a_minute()).await.unwrap(), 0);
    let closing = ("closing".to_owned(), 2, "S-2026-7".to_owned());
    let (state, occasion, attempts, reference) = as_before(pool, older).await.unwrap();
    assert_eq!(state, "pending");
    assert_eq!((occasion, attempts, reference), closing);
    let (state, occasion, ..) = as_before(pool, own).await.unwrap();
    assert_eq!(
        (state.as_str(), occasion.as_str()),
        ("pending", "submission")
    );

    // And back again: nothing is lost on the way, nor doubled.
    assert_eq!(take_over(pool).await.unwrap(), 2);
    worker.until_idle().await;
    assert_eq!(sink.mails().len(), 2);
    assert_eq!(worker.state(own).await, ("sent".to_owned(), 1, None));
    assert_eq!(worker.state(older).await, ("sent".to_owned(), 3, None));
}

#[tokio::test]
async fn a_sealed_address_survives_the_way_to_the_release_before_and_back() {
    let sink = SmtpSink::start().await;
    let worker = worker(&sink).await;
    let pool = &worker.jobs.pool;
    // Longer than a line of PostgreSQL's base 64.
    let sealed = STANDARD.encode([7; 100]);
    let payload = MailPayload {
        sealed_address: Some(sealed.clone()),
        mailbox: None,
        ..mailbox()
    };
    let delivery_id = worker.add(payload).await;
    assert_eq!(hand_back(pool, &[], in_a_minute()).await.unwrap(), 0);
    let bytes: Vec<u8> = sqlx::query_scalar("select sealed_address from delivery")
        .fetch_one(pool)
        .await
        .unwrap();
    assert_eq!(bytes, [7; 100]);
    take_over(pool).await.unwrap();
    let payload: serde_json::Value =
        sqlx::query_scalar("select payload from job where job_id = $1")
            .bind(delivery_id)
            .fetch_one(pool)
            .await
            .unwrap();
    assert_eq!(payload["sealed_address"], sealed);
    assert!(MailPayload::deserialize(&payload).is_ok(), "{payload}");
}

#[tokio::test]
async fn a_digest_that_both_releases_have_begun_is_one_mail() {
    let sink = SmtpSink::start().await;
    let worker = worker(&sink).await;
    let pool = &worker.jobs.pool;
    let (delivery_id, digest_id) = (Uuid::now_v7(), Uuid::now_v7());
    let older = async || {
        sqlx::query(
            "insert into delivery (delivery_id, report_id, rule, recipient, mailbox, occasion,
                                   situation_id, created_at, due_at, first_due_at)
             values ($1, $2, 'digest', 'cell', 'cellule@example.org', 'digest', $3, now(),
                     now() + interval '1 hour', now() + interval '1 hour')
             on conflict do nothing",
        )
        .bind(delivery_id)
        .bind(Uuid::nil())
        .bind(digest_id)
        .execute(pool)
        .await
        .unwrap();
    };
    older().await;
    take_over(pool).await.unwrap();
    older().await;
    take_over(pool).await.unwrap();
    assert_eq!(take_over(pool).await.unwrap(), 0);
    sqlx::query(
        "insert into digest_entry values ($1, gen_random_uuid(), 'S-2026-7'),
                                         ($1, gen_random_uuid(), 'S-2026-8')",
    )
    .bind(digest_id)
    .execute(pool)
    .await
    .unwrap();
    execute(pool, "update job set due_at = now()").await;
    let channel = DigestChannel {
        pool: pool.clone(),
        mailer: mailer(&sink),
    };
    while worker.jobs.step(&channel).await.unwrap() {}
    let mails = sink.mails();
    assert_eq!(mails.len(), 1);
    assert_eq!(mails[0].to, ["cellule@example.org"]);
    for reference in ["S-2026-7", "S-2026-8"] {
        assert!(mails[0].text().contains(reference), "{}", mails[0].text());
    }
}

#[tokio::test]
async fn a_process_that_stops_hands_back_all_that_no_other_is_doing_and_what_it_took_over() {
    let sink = SmtpSink::start().await;
    sink.behave(testkit::SmtpBehaviour::Hang);
    let Worker { mut jobs, channel } = worker_with_claims_of(&sink, Duration::HOUR).await;
    jobs.policy.grace = std::time::Duration::from_secs(2);
    let pool = jobs.pool.clone();
    let many = json!(mailbox());
    // One is urgent, and another process is doing one.
    sqlx::query(
        "insert into job (job_id, kind, subject, urgent, due_at, claimed_until, first_due_at,
                          created_at, payload)
         select gen_random_uuid(), (array['mail/receipt', 'mail/submission'])[1 + n % 2],
                'report/' || gen_random_uuid(), n = 1, now(),
                case n when 2 then now() + interval '1 hour' end, now(), now(), $1
         from generate_series(1, 1300) as n",
    )
    .bind(many)
    .execute(&pool)
    .await
    .unwrap();
    let taken_over = older(&pool, "due_at = now() + interval '1 hour'").await;
    let shutdown = CancellationToken::new();
    let stop = async {
        let begun = "select count(*) from job where attempts = 1 and urgent";
        testkit::eventually(async || count(&pool, begun).await == 1).await;
        testkit::eventually(async || as_before(&pool, taken_over).await.is_none()).await;
        shutdown.cancel();
    };
    tokio::join!(run(jobs.on(channel, 1), shutdown.clone()), stop);
    let of_another = "select count(*) from job where attempts = 0 and claimed_until > now()";
    assert_eq!(count(&pool, of_another).await, 1);
    assert_eq!(count(&pool, "select count(*) from job").await, 1);
    let back = "select count(*) from delivery where state = 'pending' and claimed_until is null";
    assert_eq!(count(&pool, back).await, 1299);
    assert!(as_before(&pool, taken_over).await.is_some());
    // What was cut off may have been sent: it waits for the end of its claim.
    let cut_off = "select count(*) from delivery
                   where urgent and attempts = 1 and claimed_until > now()";
    assert_eq!(count(&pool, cut_off).await, 1);
}

#[tokio::test]
async fn what_does_not_fit_the_release_before_or_comes_too_late_stays_a_job() {
    let sink = SmtpSink::start().await;
    let worker = worker(&sink).await;
    let pool = &worker.jobs.pool;
    for _ in 0..4 {
        worker.add(mailbox()).await;
    }
    let fits = worker.add(mailbox()).await;
    sqlx::query(
        "with changed as (select job_id, row_number() over () as n from job where job_id <> $1)
         update job
         set subject = case n when 1 then 'report/x' else subject end,
             payload = case n when 2 then payload - 'rule' when 3 then payload - 'mailbox'
                              when 4 then payload - 'mailbox' || '{\"sealed_address\": \"?\"}'
                              else payload end
         from changed where job.job_id = changed.job_id",
    )
    .bind(fits)
    .execute(pool)
    .await
    .unwrap();
    assert_eq!(hand_back(pool, &[], Instant::now()).await.unwrap(), 5);
    assert_eq!(count(pool, "select count(*) from delivery").await, 0);
    assert_eq!(hand_back(pool, &[], in_a_minute()).await.unwrap(), 4);
    assert_eq!(count(pool, "select count(*) from job").await, 4);
    assert_eq!(as_before(pool, fits).await.unwrap().0, "pending");
}

#[tokio::test]
async fn the_urgent_deliveries_of_the_release_before_are_taken_over_first() {
    let sink = SmtpSink::start().await;
    let worker = worker(&sink).await;
    let pool = &worker.jobs.pool;
    execute(
        pool,
        "insert into delivery (delivery_id, report_id, rule, recipient, mailbox, occasion,
                               situation_id, created_at, due_at, urgent)
         select gen_random_uuid(), gen_random_uuid(), 'on_call', 'on_call', 'n@example.org',
                'major', gen_random_uuid(), now(), now() + n * interval '1 second', n = 700
         from generate_series(1, 700) as n",
    )
    .await;
    assert_eq!(take_over(pool).await.unwrap(), 500);
    assert_eq!(
        count(pool, "select count(*) from job where urgent").await,
        1
    );
    assert_eq!(take_over(pool).await.unwrap(), 200);
}

#[tokio::test]
async fn a_migration_of_deliveries_gives_way_to_a_reader_that_takes_long() {
    let config = database().await;
    platform::migrate(&config, &[&platform::MIGRATOR, &eventlog::MIGRATOR])
        .await
        .unwrap();
    let pool = platform::connect(&config, "test", &Files::default())
        .await
        .unwrap();
    let mut conn = pool.acquire().await.unwrap();
    sqlx::raw_sql("set lock_timeout = '1min'")
        .execute(&mut *conn)
        .await
        .unwrap();
    for (version, read) in [
        (4, "select from delivery"),
        (6, "select from delivery"),
        (7, "select from delivery"),
        (7, "select from delivery_attempt"),
        (7, "select from known_report"),
    ] {
        crate::MIGRATOR
            .run_to(version - 1, &mut *conn)
            .await
            .unwrap();
        let mut reader = pool.begin().await.unwrap();
        sqlx::raw_sql(read).execute(&mut *reader).await.unwrap();
        let migrating = crate::MIGRATOR.run_to(version, &mut *conn);
        let refused = tokio::time::timeout(std::time::Duration::from_secs(20), migrating)
            .await
            .unwrap()
            .unwrap_err();
        // lock_not_available
        assert!(format!("{refused:?}").contains("55P03"), "{refused:?}");
        reader.rollback().await.unwrap();
    }
}

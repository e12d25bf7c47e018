//! What is shared with the release before.

use sqlx::PgPool;

use super::*;
use crate::deliveries::{DigestChannel, previous_release::take_over};

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
async fn a_digest_that_both_releases_have_begun_is_one_mail() {
    let sink = SmtpSink::start().await;
    let worker = worker(&sink).await;
    let pool = &worker.jobs.pool;
    let (delivery_id, digest_id) = (Uuid::now_v7(), Uuid::now_v7());
    let due_at = platform::now() + Duration::HOUR;
    let older = async || {
        sqlx::query(
            "insert into delivery (delivery_id, report_id, rule, recipient, mailbox, occasion,
                                   situation_id, created_at, due_at, first_due_at)
             values ($1, $2, 'digest', 'cell', 'cellule@example.org', 'digest', $3, now(), $4, $4)
             on conflict do nothing",
        )
        .bind(delivery_id)
        .bind(Uuid::nil())
        .bind(digest_id)
        .bind(due_at)
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

//! What is stored with a delivery.

use super::*;
use crate::store::digest::{self, DigestMail, NewDigests};

#[tokio::test]
async fn a_message_written_down_with_its_own_situation_is_sent_after_the_migration() {
    let sink = SmtpSink::start().await;
    let config = database().await;
    platform::migrate(&config, &[&platform::MIGRATOR, &eventlog::MIGRATOR])
        .await
        .unwrap();
    let pool = platform::connect(&config, "test", &Files::default())
        .await
        .unwrap();
    crate::MIGRATOR.run_to(2, &pool).await.unwrap();
    sqlx::raw_sql(
        r#"insert into delivery (delivery_id, report_id, rule, recipient, mailbox, letter,
                                 created_at, due_at)
           select gen_random_uuid(), gen_random_uuid(), 'announce_cell', 'cell',
                  'cellule@example.org',
                  jsonb_build_object('occasion', 'closing',
                                     'situation', '{"reference": "S-2026-7"}'::jsonb),
                  now(), now()"#,
    )
    .execute(&pool)
    .await
    .unwrap();
    platform::migrate(&config, &crate::migrators())
        .await
        .unwrap();

    let worker = worker_of(&config, &sink, Duration::MINUTE).await;
    assert_eq!(worker.step().await.unwrap(), Step::Tried);
    assert_eq!(
        sink.mails()[0].subject(),
        "Signalement S-2026-7 : dossier clos"
    );
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
    for version in [4, 6] {
        crate::MIGRATOR
            .run_to(version - 1, &mut *conn)
            .await
            .unwrap();
        let mut reader = pool.begin().await.unwrap();
        sqlx::raw_sql("select from delivery")
            .execute(&mut *reader)
            .await
            .unwrap();
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

#[tokio::test]
async fn messages_that_go_out_together_share_their_situation_and_no_others_do() {
    let sink = SmtpSink::start().await;
    let worker = worker(&sink).await;
    let of = |report: u128, template, reference: &str| NewDelivery {
        delivery_id: Uuid::now_v7(),
        report_id: Uuid::from_u128(report),
        rule: Rule::AnnounceCell,
        recipient: "cell".to_owned(),
        address: mailbox(),
        content: Content::of_report(
            template,
            ReportSummary {
                reference: reference.to_owned(),
                ..ReportSummary::default()
            },
        ),
        traceparent: None,
    };
    let deliveries = [
        of(1, Template::Submission, "S-1"),
        of(1, Template::SubmissionOutOfHours, "S-1"),
        of(1, Template::Closing, "S-1 later"),
        of(2, Template::Submission, "S-2"),
    ];
    let mut conn = worker.pool.acquire().await.unwrap();
    delivery_queue::add(&mut conn, &deliveries, platform::now())
        .await
        .unwrap();
    let kept: i64 = sqlx::query_scalar("select count(*) from situation")
        .fetch_one(&mut *conn)
        .await
        .unwrap();
    assert_eq!(kept, 3);
    let now = platform::now();
    let mut claimed = delivery_queue::claim(&worker.pool, now, now, 16)
        .await
        .unwrap();
    claimed.sort_by_key(|claimed| claimed.delivery_id);
    let contents: Vec<Content> = claimed.into_iter().map(|c| c.content).collect();
    assert_eq!(contents, deliveries.map(|delivery| delivery.content));
}

#[tokio::test]
async fn a_digest_waits_and_is_dated_from_when_it_is_due_and_not_from_its_creation() {
    let sink = SmtpSink::start().await;
    let worker = worker(&sink).await;
    let now = platform::now();
    let due_at = now + Duration::HOUR;
    let (digest_id, delivery_id) = (Uuid::from_u128(1), Uuid::from_u128(2));
    let digests = NewDigests {
        entries: [((digest_id, Uuid::from_u128(3)), "S-2026-7".to_owned())].into(),
        mails: [(
            delivery_id,
            DigestMail {
                digest_id,
                recipient: "cell".to_owned(),
                mailbox: "cellule@example.org".parse().unwrap(),
                due_at,
            },
        )]
        .into(),
    };
    let mut conn = worker.pool.acquire().await.unwrap();
    digest::add(&mut conn, &digests, now).await.unwrap();
    let created_at: time::OffsetDateTime = sqlx::query_scalar("select created_at from delivery")
        .fetch_one(&worker.pool)
        .await
        .unwrap();
    assert_eq!(created_at, now);
    let waiting = delivery_queue::queue_stats(&worker.pool).await.unwrap();
    assert_eq!((waiting.pending, waiting.oldest), (1, Some(due_at)));

    let claimed = delivery_queue::claim(&worker.pool, due_at, due_at, 16)
        .await
        .unwrap();
    assert_eq!(claimed[0].delivery_id, delivery_id);
    assert_eq!(claimed[0].dated_at, due_at);
}

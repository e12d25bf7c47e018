//! What is stored with a delivery.

use super::*;

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

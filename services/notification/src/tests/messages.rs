//! Messages on a case: those who may read one hear that there is one.

use proto::{
    notification::v1::NotificationKind,
    types::v1::{CaseActivity, Role},
};
use time::macros::datetime;

use crate::tests::{
    env::{CELL, From, TestEnv},
    story::{DECLARANT, Report, agent, analyst, prober},
};

#[tokio::test]
async fn a_message_is_in_the_feed_once_of_those_who_may_read_it() {
    let env = TestEnv::start().await;
    let report = Report::new(1);
    let message = report.posted(Role::Analyst, false);
    // Before its report.
    env.qualification()
        .announce(std::slice::from_ref(&message))
        .await;
    let early = env.until_kept(&agent("76"), 1).await;
    env.intake().announce(&[report.submitted()]).await;
    env.until_kept(&agent("76"), 2).await;
    // It comes again, and another one.
    let later = report.posted(Role::Declarant, true);
    env.qualification().announce(&[message, later]).await;
    testkit::eventually(async || {
        let applied: i64 = sqlx::query_scalar(
            "select sum(position)::bigint from consumer_offset where producer = 'qualification'",
        )
        .fetch_one(&env.pool)
        .await
        .unwrap();
        applied == 3
    })
    .await;
    let kept = env.kept(&agent("76"), From::Oldest).await;
    assert_eq!(kept.len(), 3);
    assert_eq!(env.kept(&agent("28"), From::Oldest).await.len(), 0);

    let early = &early[0].1;
    assert_eq!(early.kind(), NotificationKind::MessagePosted);
    assert_eq!(early.rule, "message");
    assert!(early.legal_basis.contains("SSI/2017/281"));
    assert_eq!(early.reference, report.message.reference);
    assert_eq!(early.report_id, report.message.report_id);
    assert!(!early.case_id.is_empty());
    assert_eq!(early.routing_region, "76");
    let reference = &report.message.reference;
    assert_eq!(
        early.headline,
        format!("Message de la cellule sur le dossier {reference} : Occitanie")
    );
    let later = &kept[2].1;
    assert_eq!(
        later.headline,
        format!(
            "Message de la structure sur le dossier {reference} : Centre hospitalier de \
             Vallonne (Établissement de santé, Occitanie)"
        )
    );
}

#[tokio::test]
async fn a_message_is_written_to_the_declarant_or_the_cell_whoever_did_not_write_it() {
    let env = TestEnv::start().await;
    let report = Report::new(1);
    let past = Report::new(2).entered_afterwards();
    env.intake()
        .announce(&[report.submitted(), past.submitted()])
        .await;
    env.until_kept(&analyst(), 2).await;
    env.sink.wait_for(4).await;
    env.sink.forget();

    env.qualification()
        .announce(&[
            report.posted(Role::RegionalAgent, true),
            report.posted(Role::RegionalAgent, false),
            past.posted(Role::Analyst, true),
        ])
        .await;
    env.until_kept(&analyst(), 5).await;
    env.qualification()
        .announce(&[report.posted(Role::Declarant, true)])
        .await;
    env.until_kept(&analyst(), 6).await;
    let mut mails = env.sink.wait_for(2).await;
    testkit::eventually(async || env.delivered("sent").await == 6).await;
    assert_eq!(env.sink.mails().len(), 2);
    mails.sort_by_key(|mail| mail.to != [DECLARANT]);
    let [to_declarant, to_cell] = mails.as_slice() else {
        panic!("two mails")
    };
    let reference = &report.message.reference;
    assert_eq!(to_declarant.to, [DECLARANT]);
    assert_eq!(
        to_declarant.subject(),
        format!("Signalement {reference} : un message vous attend")
    );
    assert_eq!(to_cell.to, [CELL]);
    assert_eq!(
        to_cell.subject(),
        format!("[SSI] Signalement {reference} : message de la structure")
    );
}

#[tokio::test]
async fn a_message_before_its_report_is_written_to_the_declarant_once_the_report_is_known() {
    let env = TestEnv::start().await;
    let report = Report::new(1);
    let message = report.posted(Role::Analyst, true);
    env.qualification()
        .announce(std::slice::from_ref(&message))
        .await;
    env.until_kept(&analyst(), 1).await;
    assert_eq!(env.delivered("pending").await, 0);
    env.intake().announce(&[report.submitted()]).await;
    testkit::eventually(async || env.delivered("sent").await == 5).await;
    let subject = format!(
        "Signalement {} : un message vous attend",
        report.message.reference
    );
    let about_message = env.sink.mails().into_iter();
    let about_message: Vec<_> = about_message
        .filter(|mail| mail.subject() == subject)
        .collect();
    let [mail] = about_message.as_slice() else {
        panic!("one mail")
    };
    assert_eq!(mail.to, [DECLARANT]);
}

#[tokio::test]
async fn a_request_before_its_report_says_its_own_due_date_once_the_report_is_known() {
    let env = TestEnv::start().await;
    let report = Report::new(1);
    let due = [
        datetime!(2026-12-01 17:00 UTC),
        datetime!(2026-12-08 09:30 UTC),
    ];
    let requests = due.map(|due_at| report.information_requested(due_at));
    env.qualification().announce(&requests).await;
    env.until_kept(&analyst(), 2).await;
    env.intake().announce(&[report.submitted()]).await;
    for expected in ["01/12/2026 à 18 h 00", "08/12/2026 à 10 h 30"] {
        let says_so = |mail: &testkit::Mail| {
            mail.subject().contains("informations vous sont demandées")
                && mail.text().contains(expected)
        };
        env.sink.wait_for_mail(says_so).await;
    }
}

#[tokio::test]
async fn a_message_on_a_test_is_shown_to_probers_alone() {
    let env = TestEnv::start().await;
    let mut report = Report::new(1).test();
    report.message.visible_to = ["probe", "cell"].map(str::to_owned).to_vec();
    env.intake().announce(&[report.submitted()]).await;
    env.until_kept(&prober(), 1).await;
    env.qualification()
        .announce(&[report.posted(Role::Declarant, true)])
        .await;
    let seen = env.until_kept(&prober(), 2).await;
    assert!(seen[1].1.test);
    assert!(env.kept(&analyst(), From::Oldest).await.is_empty());
    assert_eq!(env.delivered("pending").await, 0);
    assert_eq!(env.delivered("sent").await, 0);
}

#[tokio::test]
async fn a_word_of_a_later_release_about_a_message_is_kept_and_parks_no_submission() {
    let env = TestEnv::start().await;
    let report = Report::new(1);
    let waiting = r#"[["00000000-0000-0000-0000-000000000007", "message_of_agency"]]"#;
    sqlx::query("insert into known_report (report_id, awaiting_messages) values ($1, $2::jsonb)")
        .bind(report.id)
        .bind(waiting)
        .execute(&env.pool)
        .await
        .unwrap();
    env.intake().announce(&[report.submitted()]).await;
    env.sink.wait_for(4).await;
    let kept: String = sqlx::query_scalar("select awaiting_messages::text from known_report")
        .fetch_one(&env.pool)
        .await
        .unwrap();
    assert_eq!(kept, waiting);
}

#[tokio::test]
async fn an_entry_of_a_timeline_is_in_the_feed_also_where_its_case_is_not_known() {
    let env = TestEnv::start().await;
    let report = Report::new(1);
    env.intake()
        .announce(&[report.submitted(), report.timeline_entry()])
        .await;
    let kept = env.until_kept(&agent("76"), 2).await;
    let mut told = kept.iter().map(|(_, told)| told);
    let entry = told.find(|it| it.kind() == NotificationKind::CaseActivity);
    let entry = entry.unwrap();
    assert_eq!(entry.activity(), CaseActivity::TimelineEntryAdded);
    assert_eq!(entry.report_id, report.message.report_id);
    assert_eq!(entry.case_id, "");
    let begins = format!(
        "Chronologie complétée par la structure sur le dossier {}",
        report.message.reference
    );
    assert!(entry.headline.starts_with(&begins), "{}", entry.headline);
}

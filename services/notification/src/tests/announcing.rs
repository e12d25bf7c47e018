//! Who is written to, and that nobody is told twice.

use std::collections::BTreeSet;

use proto::{events::v1::CaseChange, notification::v1::NotificationKind, types::v1 as types};
use testkit::{Mail, SmtpSink};

use uuid::Uuid;

use crate::tests::{
    env::{AGENCY, CELL, FSSI, From, ON_CALL, TestEnv},
    story::{ALTERNATE, DECLARANT, Report, WORKING, agent, analyst, changed, prober},
};

fn recipients(mails: &[Mail]) -> BTreeSet<&str> {
    mails
        .iter()
        .flat_map(|mail| &mail.to)
        .map(String::as_str)
        .collect()
}

async fn mail_to(sink: &SmtpSink, recipient: &str) -> Mail {
    sink.wait_for_mail(|mail| mail.to == [recipient]).await
}

#[tokio::test]
async fn a_submission_is_written_to_the_declarant_the_cell_the_fssi_and_the_agency() {
    let env = TestEnv::start().await;
    let report = Report::new(1);
    env.intake().announce(&[report.submitted()]).await;
    let mails = env.sink.wait_for(4).await;
    assert_eq!(recipients(&mails), [DECLARANT, CELL, FSSI, AGENCY].into());

    let receipt = mail_to(&env.sink, DECLARANT).await;
    assert!(receipt.text().contains(&report.message.reference));
    assert!(receipt.text().contains("ARS Occitanie"));
    let announcement = mail_to(&env.sink, AGENCY).await;
    assert!(
        announcement
            .text()
            .contains("Centre hospitalier de Vallonne")
    );
    for mail in &mails {
        assert_eq!(
            mail.header("Auto-Submitted").as_deref(),
            Some("auto-generated")
        );
        assert!(
            !mail.text().contains("Durand"),
            "the declarant's words stay inside"
        );
        assert!(
            !mail.text().contains("Martin"),
            "the declarant's name stays inside"
        );
    }
}

#[tokio::test]
async fn the_other_contact_gets_the_receipt_and_the_declarants_own_mail_nothing() {
    let env = TestEnv::start().await;
    env.intake()
        .announce(&[Report::new(1).with_alternate().submitted()])
        .await;
    let mails = env.sink.wait_for(4).await;
    assert_eq!(recipients(&mails), [ALTERNATE, CELL, FSSI, AGENCY].into());
}

#[tokio::test]
async fn nothing_of_a_person_rests_in_the_clear() {
    let env = TestEnv::start().await;
    let report = Report::new(1).with_alternate();
    env.intake()
        .announce(&[report.submitted(), report.withdrawn()])
        .await;
    let mut noted = report.case(CaseChange::Withdrawn, 1);
    noted.note = "Erreur de Mme Durand".to_owned();
    env.qualification().announce(&[changed(&noted)]).await;
    env.sink.wait_for(4).await;
    env.until_kept(&analyst(), 3).await;
    let mut shown = false;
    // Binary columns are shown in hexadecimal digits.
    let hex = |text: &str| -> String {
        let digits = text.bytes().map(|byte| format!("{byte:02x}"));
        digits.collect::<Vec<_>>().concat()
    };
    for table in [
        "job",
        "job_done",
        "job_attempt",
        "delivery",
        "situation",
        "known_report",
        "notification",
        "event",
        "parked_event",
        "idempotency_key",
        "audit_entry",
    ] {
        let sql = format!("select coalesce(string_agg({table}::text, ''), '') from {table}");
        let rows: String = sqlx::query_scalar(sqlx::AssertSqlSafe(sql))
            .fetch_one(&env.pool)
            .await
            .unwrap();
        for word in [DECLARANT, ALTERNATE, "Durand", "Martin", "subject:decl"] {
            assert!(!rows.contains(word), "{word} in {table}");
            assert!(!rows.contains(&hex(word)), "{word} in {table}");
        }
        shown |= rows.contains(&hex(&report.message.reference));
    }
    assert!(shown, "what rests in binary would be found");
}

#[tokio::test]
async fn a_replayed_log_announces_nothing_twice() {
    let env = TestEnv::start().await;
    let report = Report::new(1);
    let mut major = report.case(CaseChange::Qualified, 1);
    major.severity = Some(types::Severity {
        major: true,
        ..Default::default()
    });
    env.intake().announce(&[report.submitted()]).await;
    env.sink.wait_for(4).await;
    env.qualification().announce(&[changed(&major)]).await;
    env.sink.wait_for(6).await;

    // As after a restore: everything comes again, from the beginning.
    env.service.begin_shutdown();
    sqlx::query("update consumer_offset set position = 0")
        .execute(&env.pool)
        .await
        .unwrap();
    let _replica = env.start_replica().await;
    // What follows the replay shows that the replay is over.
    let last = Report::new(2);
    env.intake()
        .announce(&[report.withdrawn(), report.submitted(), last.submitted()])
        .await;
    env.sink
        .wait_for_mail(|mail| mail.subject().contains("retiré"))
        .await;
    testkit::eventually(async || env.delivered("pending").await == 0).await;

    // Under whatever id a message comes, nobody hears of a thing twice.
    let mut heard: Vec<(Vec<String>, String)> = Vec::new();
    for mail in env.sink.mails() {
        let told = (mail.to.clone(), mail.subject());
        assert!(!heard.contains(&told), "again: {told:?}");
        heard.push(told);
    }
    let raised: Vec<(String, i64)> = sqlx::query_as(
        "select rule, count(*) from notification where report_id = $1 group by rule order by rule",
    )
    .bind(report.id)
    .fetch_all(&env.pool)
    .await
    .unwrap();
    let once = ["case_change", "major", "submission", "withdrawal"];
    assert_eq!(raised, once.map(|rule| (rule.to_owned(), 1)));
    let announced: i64 = sqlx::query_scalar("select count(*) from event where subject = $1")
        .bind(format!("report/{}", report.id))
        .fetch_one(&env.pool)
        .await
        .unwrap();
    assert_eq!(announced, 4);
}

#[tokio::test]
async fn a_snapshot_tells_of_recent_reports_and_writes_to_nobody_about_old_ones() {
    let env = TestEnv::start().await;
    let (old, recent) = (Report::new(1), Report::new(2));
    let now = platform::now();
    env.intake().add_to_snapshot(&[
        old.submitted_at(now - time::Duration::days(400)),
        recent.submitted_at(now - time::Duration::days(2)),
    ]);
    // The consumer is told to begin with a snapshot, as after a restore.
    let begin_anew = "update consumer_offset set incarnation = null where producer = 'intake'";
    testkit::eventually(async || {
        let begun = sqlx::query(begin_anew).execute(&env.pool).await.unwrap();
        begun.rows_affected() > 0
    })
    .await;
    env.service.begin_shutdown();
    let _replica = env.start_replica().await;
    env.sink.wait_for(4).await;

    // The old one is known all the same: its case is told with its name.
    env.qualification()
        .announce(&[changed(&old.case(CaseChange::Closed, 7))])
        .await;
    let closing = env
        .sink
        .wait_for_mail(|mail| mail.subject().contains("clos"))
        .await;
    assert!(closing.text().contains(&old.message.reference));
    let about_old = env.sink.mails().into_iter();
    let about_old = about_old.filter(|mail| mail.text().contains(&old.message.reference));
    assert_eq!(about_old.count(), 1);
}

#[tokio::test]
async fn what_is_entered_with_a_past_date_is_in_the_feed_and_in_one_mail_a_day() {
    let env = TestEnv::start().await;
    let [first, second] = [1, 2].map(|number| Report::new(number).entered_afterwards());
    env.intake()
        .announce(&[first.submitted(), second.submitted()])
        .await;
    env.until_kept(&analyst(), 2).await;
    let closed = first.case(CaseChange::Closed, 1);
    env.qualification().announce(&[changed(&closed)]).await;
    let kept = env.until_kept(&analyst(), 3).await;
    for (_, notification) in &kept {
        assert!(notification.entered_afterwards);
        assert!(notification.headline.starts_with("[SAISI A POSTERIORI] "));
    }
    // Nobody is written to before the morning, and the declarant not at all.
    let waiting: Vec<(String, bool)> = sqlx::query_as(
        "select payload ->> 'recipient', created_at <= now() and now() < due_at from job
         order by 1",
    )
    .fetch_all(&env.pool)
    .await
    .unwrap();
    let addressees = ["ars:76", "cell", "fssi"];
    assert_eq!(waiting, addressees.map(|name| (name.to_owned(), true)));

    sqlx::query("update job set due_at = now()")
        .execute(&env.pool)
        .await
        .unwrap();
    let mails = env.sink.wait_for(3).await;
    assert_eq!(recipients(&mails), [CELL, FSSI, AGENCY].into());
    for mail in &mails {
        assert_eq!(mail.subject(), "[SSI] 2 signalements saisis a posteriori");
        for report in [&first, &second] {
            assert!(mail.text().contains(&report.message.reference));
        }
        assert!(
            !mail.text().contains("Vallonne"),
            "only references are told"
        );
    }
    testkit::eventually(async || env.delivered("sent").await == 3).await;
}

#[tokio::test]
async fn a_test_is_shown_to_probers_and_written_to_nobody() {
    let env = TestEnv::start().await;
    let mut report = Report::new(1).test();
    // Whatever its routing says.
    report.message.visible_to = ["probe", "cell", "fssi"].map(str::to_owned).to_vec();
    env.intake().announce(&[report.submitted()]).await;
    let seen = env.until_kept(&prober(), 1).await;
    assert!(seen[0].1.test);
    assert!(env.kept(&analyst(), From::Oldest).await.is_empty());
    assert_eq!(
        env.delivered("pending").await + env.delivered("sent").await,
        0
    );
}

#[tokio::test]
async fn a_major_incident_reaches_the_fssi_and_the_chain_that_is_on_call() {
    let env = TestEnv::start().await;
    let report = Report::new(1);
    env.intake().announce(&[report.submitted()]).await;
    env.sink.wait_for(4).await;
    let mut major = report.case(CaseChange::Qualified, 1);
    major.severity = Some(types::Severity {
        major: true,
        ..Default::default()
    });
    env.qualification().announce(&[changed(&major)]).await;

    let call = mail_to(&env.sink, ON_CALL).await;
    assert!(
        call.subject().starts_with("[SSI][MAJEUR]"),
        "{}",
        call.subject()
    );
    assert!(call.subject().contains("Centre hospitalier de Vallonne"));
    let kinds: Vec<_> = env
        .until_kept(&agent("76"), 3)
        .await
        .iter()
        .map(|(_, told)| told.kind())
        .collect();
    assert_eq!(
        kinds,
        [
            NotificationKind::ReportSubmitted,
            NotificationKind::CaseChanged,
            NotificationKind::Major
        ]
    );
}

#[tokio::test]
async fn a_closing_that_comes_before_its_report_is_written_once_the_report_comes() {
    let env = TestEnv::start().await;
    let report = Report::new(1);
    env.qualification()
        .announce(&[changed(&report.case(CaseChange::Closed, 3))])
        .await;
    let early = env.until_kept(&analyst(), 1).await;
    assert_eq!(early[0].1.structure_name, "");
    assert_eq!(early[0].1.reference, report.message.reference);

    env.intake().announce(&[report.submitted()]).await;
    env.sink.wait_for(5).await;
    let closing = env
        .sink
        .wait_for_mail(|mail| mail.to == [DECLARANT] && mail.subject().contains("clos"));
    assert!(closing.await.text().contains(&report.message.reference));
}

#[tokio::test]
async fn a_withdrawal_is_written_to_those_who_were_told() {
    let env = TestEnv::start().await;
    let report = Report::new(1);
    env.intake()
        .announce(&[report.submitted(), report.withdrawn()])
        .await;
    let mails = env.sink.wait_for(7).await;
    let withdrawn: Vec<Mail> = mails
        .into_iter()
        .filter(|mail| mail.subject().contains("retiré"))
        .collect();
    assert_eq!(recipients(&withdrawn), [CELL, FSSI, AGENCY].into());
}

#[tokio::test]
async fn one_trace_reaches_from_the_event_to_the_mail() {
    let env = TestEnv::start().await;
    let trace = "4bf92f3577b34da6a3ce929d0e0e4736";
    let report = Report::new(1).traced(&format!("00-{trace}-00f067aa0ba902b7-01"));
    env.intake().announce(&[report.submitted()]).await;
    for mail in env.sink.wait_for(4).await {
        assert!(mail.header("Traceparent").unwrap().contains(trace));
    }
    let raised: String = sqlx::query_scalar("select traceparent from event where recorded_at > $1")
        .bind(WORKING - time::Duration::days(3650))
        .fetch_one(&env.pool)
        .await
        .unwrap();
    assert!(raised.contains(trace));
}

#[tokio::test]
async fn contacts_that_intake_erases_are_erased_here_and_nobody_is_told() {
    let env = TestEnv::start().await;
    let (erased, kept) = (Report::new(1), Report::new(2));
    let events = [erased.submitted(), kept.submitted()];
    env.intake().announce(&events).await;
    testkit::eventually(async || env.delivered("sent").await == 8).await;
    let raised = env.snapshot("statistics").await.unwrap();

    env.intake().announce(&[erased.contacts_erased()]).await;
    let keys = async || -> Vec<Uuid> {
        sqlx::query_scalar("select report_id from known_report where data_key is not null")
            .fetch_all(&env.pool)
            .await
            .unwrap()
    };
    testkit::eventually(async || keys().await.len() == 1).await;
    assert_eq!(keys().await, [kept.id]);
    assert_eq!(env.snapshot("statistics").await.unwrap(), raised);
    assert_eq!(env.delivered("pending").await, 0);
}

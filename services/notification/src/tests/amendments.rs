//! A declaration is completed: nobody hears twice of the same.

use proto::{events::v1::CaseChange, notification::v1::NotificationKind, types::v1 as types};

use crate::tests::{
    env::{From, TestEnv},
    story::{DECLARANT, Report, agent, analyst, changed},
};

/// The same report, touching care and a second region, whose declarant is reached elsewhere.
fn completed(report: &Report) -> Report {
    let mut completed = report.clone().with_alternate();
    completed
        .message
        .visible_to
        .extend(["ars:28", "dgs"].map(str::to_owned));
    completed.message.impacts = Some(types::Impacts {
        care: types::CareImpact::Interruption.into(),
        ..Default::default()
    });
    completed
}

#[tokio::test]
async fn a_second_agency_and_the_health_authority_hear_once_of_a_completed_report() {
    let corruss = vec!["corruss@example.org".to_owned()];
    let env = TestEnv::start_with(|own| own.health_authority_mailboxes = corruss).await;
    let report = Report::new(1);
    env.intake().announce(&[report.submitted()]).await;
    env.sink.wait_for(4).await;
    let amended = completed(&report).amended(2);
    env.intake()
        .announce(&[amended.clone(), amended.clone()])
        .await;
    let told = env.until_kept(&agent("28"), 1).await;
    assert_eq!(told[0].1.kind(), NotificationKind::ReportAmended);
    assert_eq!(told[0].1.rule, "amendment");
    assert_eq!(told[0].1.impacts.as_ref().unwrap().care, 3);
    assert!(told[0].1.severity.unwrap().serious);
    let reference = &report.message.reference;
    let headline = &told[0].1.headline;
    assert!(
        headline.starts_with(&format!(
            "Signalement {reference} complété : Centre hospitalier"
        )),
        "{headline}"
    );

    // The case follows, the log tells it all again, and another revision comes.
    env.qualification()
        .announce(&[changed(&report.case(CaseChange::Amended, 2))])
        .await;
    env.intake()
        .announce(&[amended, completed(&report).amended(3)])
        .await;
    env.until_kept(&analyst(), 3).await;
    let mails = env.sink.wait_for(6).await;
    let mut recipients: Vec<_> = mails[4..].iter().flat_map(|mail| mail.to.clone()).collect();
    recipients.sort();
    assert_eq!(
        recipients,
        ["corruss@example.org", "ssi-normandie@ars.example.org"]
    );
    assert_eq!(env.kept(&analyst(), From::Oldest).await.len(), 3);
    assert_eq!(env.delivered("sent").await, 6);
}

#[tokio::test]
async fn the_declarant_is_written_to_where_the_amendment_says() {
    let env = TestEnv::start().await;
    let report = Report::new(1);
    env.intake().announce(&[report.submitted()]).await;
    env.sink.wait_for_mail(|mail| mail.to == [DECLARANT]).await;
    env.intake()
        .announce(&[completed(&report).amended(2)])
        .await;
    env.until_kept(&agent("28"), 1).await;
    env.qualification()
        .announce(&[changed(&report.case(CaseChange::Closed, 2))])
        .await;
    let closing = |mail: &testkit::Mail| mail.to == [crate::tests::story::ALTERNATE];
    env.sink.wait_for_mail(closing).await;
}

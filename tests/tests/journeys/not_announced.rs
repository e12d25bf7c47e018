//! Declarations of which nobody is told at once: tests, and those of the past.

use proto::intake::v1 as intake_pb;
use proto::statistics::v1 as figures_pb;
use proto::types::v1 as types;
use sqlx::{Connection as _, PgConnection};
use testkit::eventually;
use tests::{MONTPELLIER, ROUEN, TestEnv, ransomware};
use tonic::Code;

use crate::reading::{all_kept, figure, next, request_id, watch};

#[tokio::test(flavor = "multi_thread")]
async fn a_test_report_goes_all_the_way_and_reaches_nobody() {
    let env = TestEnv::start().await;
    let prober = env.as_user("prober");
    let receipt = prober.submit(ransomware(MONTPELLIER)).await;
    let mut stream = watch(&prober).await;
    let told = next(&mut stream, |n| n.reference == receipt.reference).await;
    assert!(told.test);
    assert_eq!(told.routing_region, "synthetic");

    // A real report afterwards, so that what would have come has come.
    let real = env
        .as_user("director-rouen")
        .submit(ransomware(ROUEN))
        .await;
    let analyst = env.as_user("analyst");
    let mut cell = watch(&analyst).await;
    next(&mut cell, |n| n.reference == real.reference).await;
    eventually(async || figure(&analyst, "reports").await == 1).await;
    env.suite
        .mail
        .wait_for_mail(|mail| mail.to.iter().any(|to| to == "fssi@example.org"))
        .await;

    for caller in ["analyst", "fssi", "ars-76"] {
        let seen = all_kept(&mut watch(&env.as_user(caller)).await).await;
        assert!(
            seen.iter().all(|n| n.reference != receipt.reference),
            "{caller}"
        );
    }
    assert!(
        env.suite
            .mail
            .mails()
            .iter()
            .all(|mail| !mail.text().contains(&receipt.reference))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn only_an_importer_dates_a_report_back_and_it_is_told_in_digests_alone() {
    let env = TestEnv::start().await;
    let past = prost_types::Timestamp {
        seconds: 1_573_862_400,
        nanos: 0,
    };
    let mut draft = ransomware(ROUEN);
    draft.found_at = Some(past);
    let request = |declared_at| intake_pb::SubmitReportRequest {
        request_id: request_id(),
        draft: Some(draft.clone()),
        declared_at,
        ..intake_pb::SubmitReportRequest::default()
    };
    let refused = env
        .as_user("director-rouen")
        .intake()
        .submit_report(request(Some(past)))
        .await;
    assert_eq!(refused.unwrap_err().code(), Code::PermissionDenied);
    let receipt = env
        .as_user("importer")
        .intake()
        .submit_report(request(Some(past)))
        .await;
    let receipt = receipt.unwrap().into_inner().receipt.unwrap();

    let report = intake_pb::GetReportRequest {
        report_id: receipt.report_id.clone(),
    };
    let agency = env.as_user("ars-28");
    let report = agency
        .intake()
        .get_report(report)
        .await
        .unwrap()
        .into_inner()
        .report
        .unwrap();
    assert_eq!(report.declared_at, Some(past));
    assert_eq!(report.channel(), types::Channel::Import);
    let request = figures_pb::GetBreakdownRequest {
        period: Some(figures_pb::Period {
            from_month: "2019-11".to_owned(),
            to_month: "2019-11".to_owned(),
            ..Default::default()
        }),
        dimension: figures_pb::Dimension::Region.into(),
        ..Default::default()
    };
    let officer = env.as_user("fssi");
    eventually(async || {
        let rows = officer
            .statistics()
            .get_breakdown(request.clone())
            .await
            .unwrap()
            .into_inner()
            .rows;
        rows.len() == 1 && rows[0].value == "28" && rows[0].share.as_ref().unwrap().numerator == 1
    })
    .await;
    // Nobody is written to about it alone: it stands in the digests of the morning.
    let url = env.suite.database.superuser_url();
    let mut books = PgConnection::connect(&url).await.unwrap();
    let told = testkit::eventually_some(async || {
        let told: Vec<(String, String)> = sqlx::query_as(
            "select payload ->> 'recipient', payload ->> 'rule' from notification.job
             left join notification.digest_entry as entry on subject = 'digest/' || digest_id
             where entry.report_id = $1::uuid or subject = 'report/' || $1
             order by 1",
        )
        .bind(&receipt.report_id)
        .fetch_all(&mut books)
        .await
        .unwrap();
        Some(told).filter(|told| !told.is_empty())
    })
    .await;
    let digests = ["ars:28", "cell", "fssi"];
    assert_eq!(told, digests.map(|it| (it.to_owned(), "digest".to_owned())));
}

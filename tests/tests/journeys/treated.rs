//! A declaration that is treated to its end, and one that is taken back.

use proto::intake::v1::{self as intake_pb, resolution_service_client::ResolutionServiceClient};
use proto::notification::v1 as notification_pb;
use proto::qualification::v1 as case_pb;
use proto::types::v1 as types;
use testkit::eventually;
use tests::{MONTPELLIER, TestEnv, ransomware};

use crate::reading::{case_of, figure, find_case, next, request_id, watch};

#[tokio::test(flavor = "multi_thread")]
#[expect(clippy::too_many_lines, reason = "the story is told in one piece")]
async fn a_declaration_becomes_a_case_a_notification_and_a_figure() {
    let env = TestEnv::start().await;
    let (director, analyst) = (env.as_user("director"), env.as_user("analyst"));
    let (agency, officer) = (env.as_user("ars-76"), env.as_user("fssi"));
    let mut agency_stream = watch(&agency).await;
    let mut officer_stream = watch(&officer).await;

    // The director checks, then sends, and has a receipt.
    let check = intake_pb::CheckReportRequest {
        draft: Some(ransomware(MONTPELLIER)),
        ..Default::default()
    };
    let checked = director
        .intake()
        .check_report(check)
        .await
        .unwrap()
        .into_inner();
    assert_eq!(checked.violations, []);
    assert_eq!(checked.consequences.unwrap().agency.unwrap().region, "76");
    let receipt = director.submit(ransomware(MONTPELLIER)).await;
    assert!(
        receipt.reference.starts_with("SIG-"),
        "{}",
        receipt.reference
    );

    // The ARS and the FSSI are told at once.
    for stream in [&mut agency_stream, &mut officer_stream] {
        let told = next(stream, |n| {
            n.kind() == notification_pb::NotificationKind::ReportSubmitted
        })
        .await;
        assert_eq!(told.reference, receipt.reference);
        assert_eq!(told.routing_region, "76");
    }

    // The cell qualifies the case that opened by itself.
    next(&mut agency_stream, |n| {
        n.kind() == notification_pb::NotificationKind::CaseOpened
    })
    .await;
    let case = case_of(&analyst, &receipt.reference).await;
    assert_eq!(case.state(), types::CaseState::Submitted);
    let claim = case_pb::ClaimCaseRequest {
        request_id: request_id(),
        case_id: case.case_id.clone(),
        etag: case.etag,
    };
    let claimed = analyst
        .qualification()
        .claim_case(claim)
        .await
        .unwrap()
        .into_inner()
        .case
        .unwrap();
    let mut triage = case.proposed.clone().unwrap();
    assert!(triage.severity.unwrap().serious);
    triage.severity.as_mut().unwrap().major = true;
    let qualify = case_pb::QualifyCaseRequest {
        request_id: request_id(),
        case_id: case.case_id.clone(),
        etag: claimed.etag,
        scope: case_pb::Scope::In.into(),
        triage: Some(triage),
        note: "Chiffrement confirmé".to_owned(),
    };
    let qualified = analyst
        .qualification()
        .qualify_case(qualify)
        .await
        .unwrap()
        .into_inner()
        .case
        .unwrap();
    assert_eq!(qualified.state(), types::CaseState::Qualified);
    let major = next(&mut officer_stream, |n| {
        n.kind() == notification_pb::NotificationKind::Major
    })
    .await;
    assert_eq!(major.reference, receipt.reference);

    let close = case_pb::CloseCaseRequest {
        request_id: request_id(),
        case_id: case.case_id,
        etag: qualified.etag,
        lessons_learned: "Sauvegardes hors ligne".to_owned(),
    };
    analyst.qualification().close_case(close).await.unwrap();

    // The director sees where things stand; the figures count it once.
    eventually(async || {
        let request = intake_pb::GetReportRequest {
            report_id: receipt.reference.clone(),
        };
        let report = director
            .intake()
            .get_report(request)
            .await
            .unwrap()
            .into_inner()
            .report
            .unwrap();
        report.case_state() == types::CaseState::Closed
    })
    .await;
    eventually(async || figure(&officer, "major").await == 1).await;
    assert_eq!(figure(&officer, "reports").await, 1);
    assert_eq!(figure(&agency, "reports").await, 1);
    assert_eq!(figure(&env.as_user("ars-28"), "reports").await, 0);

    // Mail reached the declarant, the ARS and the FSSI.
    for address in [
        "direction@example.org",
        "ssi-occitanie@ars.example.org",
        "fssi@example.org",
    ] {
        env.suite
            .mail
            .wait_for_mail(|mail| mail.to.iter().any(|to| to == address))
            .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_resolution_that_a_structure_declares_reaches_the_case_and_comes_back_to_its_report() {
    let env = TestEnv::start().await;
    let director = env.as_user("director");
    let receipt = director.submit(ransomware(MONTPELLIER)).await;
    let report = async || {
        let request = intake_pb::GetReportRequest {
            report_id: receipt.report_id.clone(),
        };
        let answer = director.intake().get_report(request).await.unwrap();
        answer.into_inner().report.unwrap()
    };
    let declare = intake_pb::DeclareResolvedRequest {
        request_id: request_id(),
        report_id: receipt.report_id.clone(),
        etag: report().await.etag,
        resolved_at: ransomware(MONTPELLIER).found_at,
        how: "Postes réinstallés".to_owned(),
    };
    ResolutionServiceClient::new(director.channel("intake"))
        .declare_resolved(declare.clone())
        .await
        .unwrap();

    eventually(async || report().await.case_state() == types::CaseState::Resolved).await;
    let case = case_of(&env.as_user("analyst"), &receipt.reference).await;
    let resolution = case.resolution.unwrap();
    assert_eq!(resolution.how, declare.how);
    assert_eq!(resolution.resolved_at, declare.resolved_at);
    let told = format!(
        "[SSI] Signalement {} : incident déclaré résolu",
        receipt.reference
    );
    let agency = "ssi-occitanie@ars.example.org";
    env.suite
        .mail
        .wait_for_mail(|mail| mail.subject() == told && mail.to.iter().any(|to| to == agency))
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_withdrawn_false_alarm_stays_on_record_and_leaves_the_figures() {
    let env = TestEnv::start().await;
    let (director, officer) = (env.as_user("director"), env.as_user("fssi"));
    let receipt = director.submit(ransomware(MONTPELLIER)).await;
    eventually(async || figure(&officer, "reports").await == 1).await;

    let withdraw = intake_pb::WithdrawReportRequest {
        request_id: request_id(),
        report_id: receipt.report_id.clone(),
        reason: "Exercice confondu avec une attaque".to_owned(),
        etag: String::new(),
    };
    let first = director
        .intake()
        .withdraw_report(withdraw.clone())
        .await
        .unwrap()
        .into_inner();
    let again = director
        .intake()
        .withdraw_report(withdraw)
        .await
        .unwrap()
        .into_inner();
    // Its case may open meanwhile.
    let settled = |answer: intake_pb::WithdrawReportResponse| {
        let report = answer.report.unwrap();
        (report.state, report.withdrawn_at, report.etag)
    };
    assert_eq!(settled(first), settled(again));

    eventually(async || figure(&officer, "withdrawn").await == 1).await;
    assert_eq!(figure(&officer, "reports").await, 0);
    eventually(async || {
        // Each service hears of it in its own time.
        let case = find_case(&officer, &receipt.reference).await;
        case.is_some_and(|case| case.state() == types::CaseState::Withdrawn)
    })
    .await;
    let mut agency = watch(&env.as_user("ars-76")).await;
    next(&mut agency, |n| {
        n.kind() == notification_pb::NotificationKind::ReportWithdrawn
    })
    .await;
}

//! A declaration that says little at first, and more when more is known.

use dev::Layout;
use proto::intake::v1::{self as intake_pb, amendment_service_client::AmendmentServiceClient};
use proto::notification::v1::NotificationKind;
use proto::types::v1 as types;
use testkit::eventually;
use tests::{MONTPELLIER, TestEnv, ransomware};

use crate::reading::{all_kept, case_of, figure, find_case, next, request_id, watch};

const CORRUSS: &str = "corruss@example.org";
const SECOND_AGENCY: &str = "ssi-normandie@ars.example.org";

#[tokio::test(flavor = "multi_thread")]
#[expect(clippy::too_many_lines, reason = "the story is told in one piece")]
async fn a_declaration_completed_with_a_region_and_a_health_impact_reaches_both_exactly_once() {
    let mailbox = "NOTIFICATION_HEALTH_AUTHORITY_MAILBOXES".to_owned();
    let env = TestEnv::start_with(Layout {
        variables: vec![(mailbox, CORRUSS.to_owned())],
        ..Layout::throw_away()
    })
    .await;
    let (director, analyst) = (env.as_user("director"), env.as_user("analyst"));
    let (agency, second) = (env.as_user("ars-76"), env.as_user("ars-28"));
    let authority = env.as_user("dgs");

    // The director declares what he has at the moment of the discovery.
    let small = intake_pb::ReportDraft {
        impacts: None,
        description: "Postes chiffrés".to_owned(),
        ..ransomware(MONTPELLIER)
    };
    let receipt = director.submit(small).await;
    eventually(async || find_case(&analyst, &receipt.reference).await.is_some()).await;
    assert_eq!(find_case(&authority, &receipt.reference).await, None);
    assert_eq!(find_case(&second, &receipt.reference).await, None);

    // Care is touched; then the agency finds that Normandie is too.
    let amend = |stage: types::ReportStage, paths: &[&str], draft: intake_pb::ReportDraft| {
        intake_pb::AmendReportRequest {
            request_id: request_id(),
            report_id: receipt.report_id.clone(),
            etag: String::new(),
            stage: stage.into(),
            draft: Some(draft),
            update_mask: Some(prost_types::FieldMask {
                paths: paths.iter().map(|&path| path.to_owned()).collect(),
            }),
        }
    };
    let impacts = types::Impacts {
        care: types::CareImpact::Interruption.into(),
        ..Default::default()
    };
    let touched = intake_pb::ReportDraft {
        impacts: Some(impacts),
        description: "Postes chiffrés, urgences détournées".to_owned(),
        ..Default::default()
    };
    let complement = amend(
        types::ReportStage::Complement,
        &["description", "impacts.care"],
        touched,
    );
    let mut amendments = AmendmentServiceClient::new(director.channel("intake"));
    let answer = amendments.amend_report(complement.clone()).await.unwrap();
    let consequences = answer.into_inner().consequences.unwrap();
    assert!(consequences.proposed_severity.unwrap().serious);
    // A client that lost the answer sends it again.
    amendments.amend_report(complement).await.unwrap();
    let regions = intake_pb::ReportDraft {
        regions: ["76", "28"].map(str::to_owned).to_vec(),
        ..Default::default()
    };
    let on_behalf = amend(types::ReportStage::Complement, &["regions"], regions);
    let mut of_agency = AmendmentServiceClient::new(agency.channel("intake"));
    let answer = of_agency
        .amend_report(on_behalf)
        .await
        .unwrap()
        .into_inner();
    assert_eq!(answer.report.unwrap().revision, 3);
    let finished = amend(
        types::ReportStage::Final,
        &[],
        intake_pb::ReportDraft::default(),
    );
    amendments.amend_report(finished).await.unwrap();

    // Both hear of it, by the stream and by mail.
    let mut second_stream = watch(&second).await;
    let told = next(&mut second_stream, |n| {
        n.kind() == NotificationKind::ReportAmended
    })
    .await;
    assert_eq!(told.reference, receipt.reference);
    assert_eq!(
        told.impacts.unwrap().care(),
        types::CareImpact::Interruption
    );
    for address in [CORRUSS, SECOND_AGENCY] {
        let to = |mail: &testkit::Mail| mail.to == [address];
        env.suite.mail.wait_for_mail(to).await;
    }

    // The case and the figures follow.
    eventually(async || {
        let case = find_case(&second, &receipt.reference).await;
        case.is_some_and(|case| case.history.len() == 4)
    })
    .await;
    let case = case_of(&authority, &receipt.reference).await;
    assert_eq!(case.description, "Postes chiffrés, urgences détournées");
    assert_eq!(case.declarant, None);
    let actions: Vec<_> = case.history.iter().map(|it| it.action.as_str()).collect();
    assert_eq!(actions, ["opened", "amended", "amended", "amended"]);
    eventually(async || figure(&analyst, "serious").await == 1).await;
    assert_eq!(figure(&analyst, "reports").await, 1);

    // Once each, when all is told: one line for each amendment, one mail for each of those
    // newly concerned, none more for those who were told at first, but for the declarant, for
    // whom an agency amended.
    let mut cell = watch(&analyst).await;
    let lines = all_kept(&mut cell).await;
    let amended = lines
        .iter()
        .filter(|it| it.kind() == NotificationKind::ReportAmended);
    assert_eq!(amended.count(), 3);
    assert!(
        lines
            .iter()
            .all(|it| it.kind() != NotificationKind::CaseChanged)
    );
    let mails = env.suite.mail.mails();
    for (address, expected) in [
        (CORRUSS, 1),
        (SECOND_AGENCY, 1),
        ("ssi-occitanie@ars.example.org", 1),
        ("fssi@example.org", 1),
        ("direction@example.org", 2),
    ] {
        let received = mails.iter().filter(|mail| mail.to == [address]);
        assert_eq!(received.count(), expected, "{address}");
    }
}

//! Who sees a declaration, and for whom it does not exist.

use proto::intake::v1 as intake_pb;
use proto::notification::v1 as notification_pb;
use proto::qualification::v1 as case_pb;
use proto::types::v1 as types;
use tests::{MONTPELLIER, TestEnv, ransomware};
use tonic::Code;
use uuid::Uuid;

use crate::reading::{all_kept, case_of, next, watch};

#[tokio::test(flavor = "multi_thread")]
async fn what_a_caller_may_not_see_does_not_exist_for_it() {
    let env = TestEnv::start().await;
    let receipt = env
        .as_user("director")
        .submit(ransomware(MONTPELLIER))
        .await;
    let mut cell = watch(&env.as_user("analyst")).await;
    let opened = next(&mut cell, |n| {
        n.kind() == notification_pb::NotificationKind::CaseOpened
    })
    .await;

    for stranger in ["director-rouen", "ars-28", "prober", "importer"] {
        let caller = env.as_user(stranger);
        for id in [
            receipt.report_id.clone(),
            receipt.reference.clone(),
            Uuid::now_v7().to_string(),
        ] {
            let report = caller
                .intake()
                .get_report(intake_pb::GetReportRequest {
                    report_id: id.clone(),
                })
                .await;
            assert_eq!(
                report.unwrap_err().code(),
                Code::NotFound,
                "{stranger} {id}"
            );
            let case = caller
                .qualification()
                .get_case(case_pb::GetCaseRequest {
                    case_id: id.clone(),
                })
                .await;
            assert_eq!(case.unwrap_err().code(), Code::NotFound, "{stranger} {id}");
        }
        let case = caller
            .qualification()
            .get_case(case_pb::GetCaseRequest {
                case_id: opened.case_id.clone(),
            })
            .await;
        assert_eq!(case.unwrap_err().code(), Code::NotFound, "{stranger}");
        let reports = caller
            .intake()
            .list_reports(intake_pb::ListReportsRequest::default())
            .await
            .unwrap();
        assert_eq!(reports.into_inner().reports, [], "{stranger}");
        let cases = caller
            .qualification()
            .list_cases(case_pb::ListCasesRequest::default())
            .await
            .unwrap();
        assert_eq!(cases.into_inner().cases, [], "{stranger}");
    }
    for deaf in ["ars-28", "integration-28", "prober"] {
        assert_eq!(
            all_kept(&mut watch(&env.as_user(deaf)).await).await,
            [],
            "{deaf}"
        );
    }
    // The health authority sees the health impact, and nobody's address.
    let authority = env.as_user("dgs");
    let request = intake_pb::GetReportRequest {
        report_id: receipt.report_id.clone(),
    };
    let report = authority
        .intake()
        .get_report(request)
        .await
        .unwrap()
        .into_inner()
        .report
        .unwrap();
    assert_eq!(report.draft.unwrap().declarant, None);
    assert_eq!(
        case_of(&authority, &receipt.reference).await.declarant,
        None
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_without_a_region_goes_to_the_officer_and_the_cell_alone() {
    let env = TestEnv::start().await;
    let mut draft = ransomware(MONTPELLIER);
    draft.national = true;
    draft.structure = Some(types::StructureIdentifier {
        identifier: Some(types::structure_identifier::Identifier::Described(
            types::DescribedStructure {
                name: "Agence nationale d'exemple".to_owned(),
                department: String::new(),
            },
        )),
    });
    let receipt = env.as_user("declarant").submit(draft).await;
    assert_eq!(receipt.consequences.as_ref().unwrap().agency, None);
    for told in ["analyst", "fssi"] {
        let mut stream = watch(&env.as_user(told)).await;
        let notification = next(&mut stream, |n| n.reference == receipt.reference).await;
        assert_eq!(notification.routing_region, "national");
    }
    for region in vocabulary::Region::ALL {
        let agency = env.as_user(&format!("ars-{region}"));
        assert_eq!(all_kept(&mut watch(&agency).await).await, [], "{region}");
    }
}

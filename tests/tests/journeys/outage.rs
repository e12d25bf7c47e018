//! A provider fails, and two hundred structures with it.

use std::collections::{BTreeMap, BTreeSet};

use proto::intake::v1 as intake_pb;
use proto::intake::v1::submit_reports_response::Outcome;
use proto::notification::v1 as notification_pb;
use proto::qualification::v1 as case_pb;
use proto::qualification::v1::cause_service_client::CauseServiceClient;
use proto::types::v1 as types;
use testkit::eventually;
use tests::{Caller, MONTPELLIER, TestEnv, ransomware};

use crate::reading::{all_kept, case_of, find_case, request_id, watch};

/// Where the clients of the provider are.
const DEPARTMENTS: [&str; 10] = ["01", "13", "29", "2A", "34", "59", "67", "75", "76", "974"];

#[tokio::test(flavor = "multi_thread")]
async fn an_outage_of_a_provider_is_one_cause_of_two_hundred_cases_and_each_agency_is_told() {
    let env = TestEnv::start().await;
    let (provider, analyst) = (env.as_user("declarant"), env.as_user("analyst"));
    let own = provider.submit(outage("Hébergeur", "75", "")).await;
    eventually(async || find_case(&analyst, &own.reference).await.is_some()).await;

    // The provider declares for its clients, and nothing is refused.
    let reports: Vec<_> = (0..199)
        .map(|number| {
            let department = DEPARTMENTS[number % DEPARTMENTS.len()];
            let name = format!("Clinique {number}");
            let draft = outage(&name, department, &own.reference);
            let report = intake_pb::SubmitReportRequest {
                request_id: request_id(),
                draft: Some(draft),
                ..Default::default()
            };
            intake_pb::SubmitReportsRequest {
                report: Some(report),
            }
        })
        .collect();
    let sent = provider
        .intake()
        .submit_reports(tokio_stream::iter(reports))
        .await;
    let mut answers = sent.unwrap().into_inner();
    let mut told: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let mut references = BTreeSet::new();
    let mut keep = |receipt: &intake_pb::Receipt| {
        let agency = receipt.consequences.as_ref().unwrap().agency.as_ref();
        let region = agency.unwrap().region.clone();
        let of_region = told.entry(region).or_default();
        of_region.insert(receipt.reference.clone());
    };
    keep(&own);
    while let Some(answer) = answers.message().await.unwrap() {
        let Some(Outcome::Receipt(receipt)) = &answer.outcome else {
            panic!("{answer:?}")
        };
        keep(receipt);
        references.insert(receipt.reference.clone());
    }
    assert_eq!(references.len(), 199);

    // The analyst sees them attached to the case of the provider.
    let parent = case_of(&analyst, &own.reference).await.case_id;
    eventually(async || attached(&analyst, &parent).await == references).await;
    assert_eq!(case_of(&analyst, &own.reference).await.children, 199);
    let one = references.first().unwrap();
    assert_eq!(case_of(&analyst, one).await.parent_case_id, parent);

    // The agency of each region is told of those of its region, and of no others.
    assert_eq!(told.len(), DEPARTMENTS.len());
    for (region, expected) in &told {
        let agency = env.as_user(&format!("ars-{region}"));
        eventually(async || submissions(&agency).await == *expected).await;
        let own_children: BTreeSet<_> = expected.intersection(&references).cloned().collect();
        if expected.contains(&own.reference) {
            assert_eq!(attached(&agency, &parent).await, own_children);
        }
    }
}

/// An outage of what a provider hosts, at one of its clients.
fn outage(name: &str, department: &str, cause: &str) -> intake_pb::ReportDraft {
    let described = types::DescribedStructure {
        name: name.to_owned(),
        department: department.to_owned(),
    };
    intake_pb::ReportDraft {
        structure: Some(types::StructureIdentifier {
            identifier: Some(types::structure_identifier::Identifier::Described(
                described,
            )),
        }),
        capacity: intake_pb::DeclarantCapacity::Delegate.into(),
        description: "Dossier patient hébergé inaccessible".to_owned(),
        origin: types::Origin::NonMalicious.into(),
        origin_types: vec![types::OriginType::InfrastructureFailure.into()],
        impacts: Some(types::Impacts {
            data: vec![types::DataImpact::Unavailability.into()],
            ..Default::default()
        }),
        cause_reference: cause.to_owned(),
        ..ransomware(MONTPELLIER)
    }
}

/// The references of the cases attached to one that a caller sees.
async fn attached(caller: &Caller, case_id: &str) -> BTreeSet<String> {
    let mut service = CauseServiceClient::new(caller.channel("qualification"));
    let mut references = BTreeSet::new();
    let mut page_token = String::new();
    loop {
        let request = case_pb::ListAttachedCasesRequest {
            case_id: case_id.to_owned(),
            page_size: 50,
            page_token,
            suggested: false,
        };
        let page = service.list_attached_cases(request).await.unwrap();
        let page = page.into_inner();
        references.extend(page.cases.into_iter().map(|case| case.reference));
        page_token = page.next_page_token;
        if page_token.is_empty() {
            return references;
        }
    }
}

/// The references of the submissions that a caller was told of.
async fn submissions(caller: &Caller) -> BTreeSet<String> {
    let kept = all_kept(&mut watch(caller).await).await;
    let submitted = notification_pb::NotificationKind::ReportSubmitted;
    kept.into_iter()
        .filter(|notification| notification.kind() == submitted)
        .map(|notification| notification.reference)
        .collect()
}

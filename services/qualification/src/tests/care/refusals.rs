//! What is asked of consequences for care in vain.

use proto::{
    qualification::v1::{self as pb, CareConsequenceKind as Kind},
    types::v1::CareImpact,
};
use testkit::TokenSpec;
use time::Duration;
use tonic::{Code, Status};
use uuid::Uuid;

use super::{draft, end, record, timestamp, update};
use crate::tests::env::{DECLARED, TestEnv, agent, analyst, reason, violations};

#[tokio::test]
async fn a_consequence_is_corrected_by_those_of_its_region_and_ends_once() {
    let env = TestEnv::start().await;
    let mut report = env.report();
    report.submitted.visible_to.push("ars:28".into());
    let id = env.open(&report).await.case_id;
    let first = env
        .record_care(&agent("76"), &id, draft(Kind::ServiceDegraded, "Papier"))
        .await;
    let first = first.unwrap();
    let it = first.consequence_id.as_str();
    let colleague = TokenSpec::of("colleague")
        .role("regional_agent")
        .region("76");
    let graver = draft(Kind::ServiceClosed, "Fermé");
    let corrected = env.update_care(
        &colleague,
        pb::UpdateCareConsequenceRequest {
            etag: first.etag.clone(),
            ..update(it, graver.clone())
        },
    );
    let corrected = corrected.await.unwrap();
    assert_eq!(corrected.draft, Some(graver.clone()));
    assert_eq!(
        (corrected.number, corrected.recorded_at),
        (1, first.recorded_at)
    );
    let case = env.get(&analyst(), &id).await.unwrap();
    let impacts = case.proposed.unwrap().impacts.unwrap();
    assert_eq!(impacts.care(), CareImpact::Interruption);

    let outdated = pb::EndCareConsequenceRequest {
        etag: first.etag,
        ..end(it, DECLARED)
    };
    let refused = env.end_care(&colleague, outdated).await.unwrap_err();
    assert_eq!(
        (refused.code(), reason(&refused).as_str()),
        (Code::Aborted, "ETAG_MISMATCH")
    );
    for refused in [
        env.update_care(&agent("28"), update(it, graver.clone()))
            .await
            .unwrap_err(),
        env.end_care(&agent("28"), end(it, DECLARED))
            .await
            .unwrap_err(),
    ] {
        assert_eq!(
            (refused.code(), reason(&refused).as_str()),
            (Code::PermissionDenied, "REGION_NOT_YOURS")
        );
    }
    let early = end(it, DECLARED - Duration::HOUR);
    let refused = env.end_care(&colleague, early).await.unwrap_err();
    assert_eq!(
        violations(&refused),
        [("ended_at".into(), "CONFLICT".into())]
    );
    env.end_care(&colleague, end(it, DECLARED)).await.unwrap();
    let refused = env
        .end_care(&colleague, end(it, DECLARED))
        .await
        .unwrap_err();
    assert_eq!(reason(&refused), "WRONG_STATE");
    let later = DECLARED + Duration::HOUR;
    let moved = pb::UpdateCareConsequenceRequest {
        ended_at: Some(timestamp(later)),
        ..update(it, graver)
    };
    assert_eq!(
        env.update_care(&analyst(), moved).await.unwrap().ended_at,
        Some(timestamp(later))
    );
    let refused = env
        .end_care(&analyst(), end(&id, DECLARED))
        .await
        .unwrap_err();
    assert_eq!(refused.code(), Code::NotFound);
}

#[tokio::test]
async fn a_region_is_one_whose_agency_sees_the_case_and_an_agents_own() {
    let env = TestEnv::start().await;
    let mut report = env.report();
    report.submitted.visible_to.push("ars:28".into());
    let id = env.open(&report).await.case_id;
    let recorded = async |who: &TokenSpec, region: &str| {
        let request = pb::RecordCareConsequenceRequest {
            region: region.into(),
            ..record(&id, draft(Kind::Other, "Renforts"))
        };
        let recorded = env
            .care_client(who)
            .record_care_consequence(request)
            .await?;
        Ok::<_, Status>(recorded.into_inner().consequence.unwrap().region)
    };
    assert_eq!(recorded(&agent("28"), "").await.unwrap(), "28");
    assert_eq!(recorded(&agent("28"), "28").await.unwrap(), "28");
    assert_eq!(recorded(&analyst(), "").await.unwrap(), "76");
    assert_eq!(recorded(&analyst(), "28").await.unwrap(), "28");
    let refused = recorded(&agent("28"), "76").await.unwrap_err();
    assert_eq!(reason(&refused), "REGION_NOT_YOURS");
    let refused = recorded(&analyst(), "53").await.unwrap_err();
    assert_eq!(violations(&refused), [("region".into(), "CONFLICT".into())]);
    let refused = recorded(&analyst(), "national").await.unwrap_err();
    assert_eq!(
        violations(&refused),
        [("region".into(), "UNKNOWN_VALUE".into())]
    );
}

#[tokio::test]
async fn a_case_that_one_may_not_see_has_no_consequences_to_read_or_to_write() {
    let env = TestEnv::start().await;
    let case = env.open(&env.report()).await;
    let draft = draft(Kind::Other, "Renforts");
    let known = env
        .record_care(&agent("76"), &case.case_id, draft.clone())
        .await;
    let known = known.unwrap().consequence_id;
    let unknown = Uuid::now_v7().to_string();
    let stranger = agent("75");
    let mut expected = Vec::new();
    for (case, it) in [(&case.case_id, &known), (&unknown, &unknown)] {
        let recorded = env.record_care(&stranger, case, draft.clone()).await;
        let updated = env.update_care(&stranger, update(it, draft.clone())).await;
        let ended = env.end_care(&stranger, end(it, DECLARED)).await;
        let listed = env.list_care(&stranger, case).await;
        for (action, object, refused) in [
            ("care.record", case, recorded.unwrap_err()),
            ("care.update", it, updated.unwrap_err()),
            ("care.end", it, ended.unwrap_err()),
            ("care.list", case, listed.unwrap_err()),
        ] {
            assert_eq!(refused.code(), Code::NotFound, "{action}");
            expected.push((action.to_owned(), object.clone(), "not_visible".to_owned()));
        }
    }
    assert_eq!(env.audited("agent-75").await, expected);
}

#[tokio::test]
async fn a_malformed_consequence_is_refused_with_its_fields() {
    let env = TestEnv::start().await;
    let valid = record(
        &Uuid::nil().to_string(),
        draft(Kind::ServiceClosed, "Fermé"),
    );
    let with = |change: fn(&mut pb::CareConsequenceDraft)| {
        let mut request = valid.clone();
        change(request.draft.as_mut().unwrap());
        request
    };
    let cases: [(pb::RecordCareConsequenceRequest, &[(&str, &str)]); 7] = [
        (
            pb::RecordCareConsequenceRequest::default(),
            &[
                ("case_id", "REQUIRED"),
                ("draft", "REQUIRED"),
                ("request_id", "REQUIRED"),
            ],
        ),
        (
            with(|draft| *draft = pb::CareConsequenceDraft::default()),
            &[
                ("draft.kind", "REQUIRED"),
                ("draft.description", "REQUIRED"),
                ("draft.begun_at", "REQUIRED"),
            ],
        ),
        (
            with(|draft| draft.kind = 99),
            &[("draft.kind", "UNKNOWN_VALUE")],
        ),
        (
            with(|draft| draft.service_name = " ".into()),
            &[("draft.service_name", "REQUIRED")],
        ),
        (
            with(|draft| draft.description = "x".repeat(4_001)),
            &[("draft.description", "TOO_LONG")],
        ),
        (
            with(|draft| draft.persons = Some(0)),
            &[("draft.persons", "OUT_OF_RANGE")],
        ),
        (
            with(|draft| draft.begun_at = Some(timestamp(DECLARED + Duration::days(36_500)))),
            &[("draft.begun_at", "IN_FUTURE")],
        ),
    ];
    for (request, expected) in cases {
        let refused = env
            .care_client(&analyst())
            .record_care_consequence(request)
            .await
            .unwrap_err();
        assert_eq!(told(&refused), owned(expected));
    }
    let nameless = pb::EndCareConsequenceRequest {
        ended_at: None,
        ..end("", DECLARED)
    };
    let refused = env.end_care(&analyst(), nameless).await.unwrap_err();
    let expected = [("consequence_id", "REQUIRED"), ("ended_at", "REQUIRED")];
    assert_eq!(told(&refused), owned(&expected));
}

fn told(refused: &Status) -> Vec<(String, String)> {
    assert_eq!(refused.code(), Code::InvalidArgument);
    violations(refused)
}

fn owned(expected: &[(&str, &str)]) -> Vec<(String, String)> {
    let pairs = expected.iter();
    pairs
        .map(|&(field, reason)| (field.to_owned(), reason.to_owned()))
        .collect()
}

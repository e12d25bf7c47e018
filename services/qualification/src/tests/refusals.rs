//! Requests that break the contract: every violation is told at once.

use proto::{qualification::v1 as pb, types::v1 as types};
use tonic::Code;

use crate::tests::env::{TestEnv, agent, analyst, in_scope, out_of_scope, reason, violations};

const NOBODY: &str = "00000000-0000-0000-0000-000000000000";

/// Requests, each with the fields that its refusal names.
type Table = Vec<(
    pb::QualifyCaseRequest,
    &'static [(&'static str, &'static str)],
)>;

async fn check(table: Table) {
    let env = TestEnv::start().await;
    for (request, expected) in table {
        let refused = env.qualify(&analyst(), request.clone()).await.unwrap_err();
        let told = violations(&refused);
        let told: Vec<_> = told.iter().map(|(f, r)| (f.as_str(), r.as_str())).collect();
        assert_eq!(refused.code(), Code::InvalidArgument, "{request:?}");
        assert_eq!(told, expected, "{request:?}");
    }
}

#[tokio::test]
async fn a_qualification_is_refused_with_every_field_at_fault() {
    let with = |change: fn(&mut pb::QualifyCaseRequest)| {
        let mut request = in_scope(NOBODY);
        change(&mut request);
        request
    };
    let out = |change: fn(&mut pb::QualifyCaseRequest)| {
        let mut request = out_of_scope(NOBODY);
        change(&mut request);
        request
    };
    check(vec![
        (
            pb::QualifyCaseRequest::default(),
            &[
                ("scope", "REQUIRED"),
                ("request_id", "REQUIRED"),
                ("case_id", "REQUIRED"),
            ],
        ),
        (
            with(|r| r.request_id = "7".into()),
            &[("request_id", "BAD_FORMAT")],
        ),
        (
            with(|r| r.case_id = "SIG-2026-000001X".into()),
            &[("case_id", "BAD_FORMAT")],
        ),
        (with(|r| r.scope = 9), &[("scope", "UNKNOWN_VALUE")]),
        (with(|r| r.triage = None), &[("triage", "REQUIRED")]),
        (
            with(|r| r.note = "x".repeat(4_001)),
            &[("note", "TOO_LONG")],
        ),
        (
            with(|r| r.note = "a\u{7}b".into()),
            &[("note", "BAD_CHARACTER")],
        ),
        (
            out(|r| r.note = "\u{200b}\u{202e}".into()),
            &[("note", "REQUIRED")],
        ),
        (out(|r| r.note = " ".into()), &[("note", "REQUIRED")]),
        (
            out(|r| r.triage = Some(pb::Triage::default())),
            &[("triage", "CONFLICT")],
        ),
    ])
    .await;
}

#[tokio::test]
async fn a_triage_is_refused_with_every_field_at_fault() {
    let triage = |change: fn(&mut pb::Triage)| {
        let mut request = in_scope(NOBODY);
        change(request.triage.as_mut().unwrap());
        request
    };
    let impacts = |change: fn(&mut types::Impacts)| {
        let mut request = in_scope(NOBODY);
        let triage = request.triage.as_mut().unwrap();
        change(triage.impacts.as_mut().unwrap());
        request
    };
    check(vec![
        (
            triage(|t| *t = pb::Triage::default()),
            &[
                ("triage.origin", "REQUIRED"),
                ("triage.impacts", "REQUIRED"),
                ("triage.severity", "REQUIRED"),
            ],
        ),
        (
            triage(|t| t.origin = 77),
            &[("triage.origin", "UNKNOWN_VALUE")],
        ),
        (
            triage(|t| t.set_origin(types::Origin::NonMalicious)),
            &[("triage.origin_types", "CONFLICT")],
        ),
        (
            triage(|t| t.origin_types = vec![2, 2]),
            &[("triage.origin_types[1]", "DUPLICATE")],
        ),
        (
            triage(|t| t.origin_types = vec![0]),
            &[("triage.origin_types[0]", "UNKNOWN_VALUE")],
        ),
        (
            triage(|t| t.origin_types = (1..10).collect()),
            &[("triage.origin_types", "TOO_MANY")],
        ),
        (
            triage(|t| {
                let severity = t.severity.as_mut().unwrap();
                (severity.serious, severity.significant) = (false, true);
            }),
            &[("triage.severity.significant", "CONFLICT")],
        ),
        (
            impacts(|i| i.data = vec![1, 3]),
            &[("triage.impacts.data", "CONFLICT")],
        ),
        (
            impacts(|i| i.care = 42),
            &[("triage.impacts.care", "UNKNOWN_VALUE")],
        ),
        (
            impacts(|i| {
                i.reach = -1;
                i.patient_endangerment = 9;
                i.data_natures = vec![1, 9];
            }),
            &[
                ("triage.impacts.data_natures[1]", "UNKNOWN_VALUE"),
                ("triage.impacts.patient_endangerment", "UNKNOWN_VALUE"),
                ("triage.impacts.reach", "UNKNOWN_VALUE"),
            ],
        ),
    ])
    .await;
}

#[tokio::test]
async fn other_requests_that_break_the_contract_name_their_fields() {
    let env = TestEnv::start().await;
    let list = |request| {
        let mut client = env.case_client(&analyst());
        async move { violations(&client.list_cases(request).await.unwrap_err()) }
    };
    let timestamp = |seconds| Some(prost_types::Timestamp { seconds, nanos: 0 });
    let told = list(pb::ListCasesRequest {
        states: vec![1, 99],
        routing_region: "Occitanie".into(),
        declared_after: timestamp(i64::MAX),
        // A moment to the language, but none to PostgreSQL.
        declared_before: timestamp(-377_705_116_800),
        ..Default::default()
    })
    .await;
    let told: Vec<_> = told.iter().map(|(f, r)| (f.as_str(), r.as_str())).collect();
    let expected = [
        ("states[1]", "UNKNOWN_VALUE"),
        ("routing_region", "UNKNOWN_VALUE"),
        ("declared_after", "BAD_FORMAT"),
        ("declared_before", "BAD_FORMAT"),
    ];
    assert_eq!(told, expected);

    let token = pb::ListCasesRequest {
        page_token: "x".into(),
        ..Default::default()
    };
    assert_eq!(list(token).await[0].0, "page_token");

    for (name, expected) in [("", "REQUIRED"), ("Toulouse", "BAD_FORMAT")] {
        let refused = env.get(&analyst(), name).await.unwrap_err();
        assert_eq!(
            violations(&refused),
            [("case_id".to_owned(), expected.to_owned())]
        );
    }

    let close = pb::CloseCaseRequest {
        request_id: NOBODY.into(),
        case_id: NOBODY.into(),
        lessons_learned: "x".repeat(10_001),
        ..Default::default()
    };
    let refused = env
        .case_client(&analyst())
        .close_case(close)
        .await
        .unwrap_err();
    assert_eq!(
        violations(&refused),
        [("lessons_learned".to_owned(), "TOO_LONG".to_owned())]
    );
    let close = pb::CloseCaseRequest {
        request_id: NOBODY.into(),
        case_id: NOBODY.into(),
        lessons_learned: "a\u{1b}[2J".into(),
        ..Default::default()
    };
    let refused = env
        .case_client(&analyst())
        .close_case(close)
        .await
        .unwrap_err();
    assert_eq!(
        violations(&refused),
        [("lessons_learned".to_owned(), "BAD_CHARACTER".to_owned())]
    );
}

#[tokio::test]
async fn only_the_cell_leads_cases() {
    let env = TestEnv::start().await;
    let case = env.open(&env.report()).await;
    for who in [
        agent("76"),
        testkit::TokenSpec::of("off").role("security_officer"),
        testkit::TokenSpec::of("decl").role("declarant"),
        testkit::TokenSpec::of("op").role("operator"),
    ] {
        let refused = env.claim(&who, &case.case_id).await.unwrap_err();
        assert_eq!(refused.code(), Code::PermissionDenied, "{}", who.subject);
        assert_eq!(reason(&refused), "ROLE_MISSING");
    }
    let unknown = env.claim(&analyst(), NOBODY).await.unwrap_err();
    assert_eq!(unknown.code(), Code::NotFound);
    let audited = env.audited("ana").await;
    let last = audited.last().unwrap();
    assert_eq!(
        last,
        &("case.claim".into(), NOBODY.into(), "not_visible".into())
    );
}

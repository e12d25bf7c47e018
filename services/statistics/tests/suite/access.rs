//! Who sees which figures.

use proto::statistics::v1::{Filter, GetBreakdownRequest, GetOverviewRequest};
use testkit::TokenSpec;
use tonic::Code;
use tonic_types::StatusExt as _;

use crate::{
    story::{Words as _, events, report, timestamp},
    world::{World, current, with_token},
};

const MONTH: &str = "2026-11";

#[tokio::test]
async fn an_agent_sees_its_own_region_only() {
    let world = World::start("regions").await;
    let reports = [
        report(1),
        report(2),
        report(3).routed_to("75"),
        report(4).routed_to("national"),
    ];
    world.intake.announce(&events(reports)).await;
    let replica = world.counted().await;
    let agent = world.token(
        &TokenSpec::of("agent-76")
            .role("regional_agent")
            .region("76"),
    );

    for region in ["", "76"] {
        let overview = replica
            .overview_as(&agent, MONTH, MONTH, region)
            .await
            .unwrap();
        assert_eq!(current(&overview, "reports"), 2);
    }
    for region in ["75", "national"] {
        let refused = replica
            .overview_as(&agent, MONTH, MONTH, region)
            .await
            .unwrap_err();
        assert_eq!(refused.code(), Code::PermissionDenied);
        let details = refused.get_error_details();
        assert_eq!(details.error_info().unwrap().reason, "REGION_NOT_YOURS");
    }
    let officer = world.token(&TokenSpec::of("fssi").role("security_officer"));
    for (region, reports) in [("", 4), ("76", 2), ("75", 1), ("national", 1), ("11", 0)] {
        let overview = replica
            .overview_as(&officer, MONTH, MONTH, region)
            .await
            .unwrap();
        assert_eq!(current(&overview, "reports"), reports, "{region:?}");
    }
}

#[tokio::test]
async fn every_look_and_every_refusal_is_on_record() {
    let world = World::start("audited").await;
    let replica = world.counted().await;
    let agent = world.token(
        &TokenSpec::of("agent-76")
            .role("regional_agent")
            .region("76"),
    );
    replica.overview_as(&agent, MONTH, MONTH, "").await.unwrap();
    replica
        .overview_as(&agent, MONTH, MONTH, "75")
        .await
        .unwrap_err();

    let entries: Vec<(String, String, String)> = sqlx::query_as(
        "select action, object, outcome from audit_entry where caller_subject = 'agent-76'
         order by audit_entry_id",
    )
    .fetch_all(&world.pool)
    .await
    .unwrap();
    let expected = [("76", "done"), ("75", "refused")]
        .map(|(object, outcome)| ("statistics.overview".into(), object.into(), outcome.into()));
    assert_eq!(entries, expected);
}

#[tokio::test]
async fn nobody_else_sees_figures() {
    let world = World::start("roles").await;
    let replica = world.counted().await;
    for role in [
        "declarant",
        "health_authority",
        "operator",
        "importer",
        "prober",
        "editor",
    ] {
        let token = world.token(&TokenSpec::of("someone").role(role).region("76"));
        let refused = replica
            .overview_as(&token, MONTH, MONTH, "")
            .await
            .unwrap_err();
        assert_eq!(refused.code(), Code::PermissionDenied, "{role}");
    }
    let unknown = replica
        .client()
        .await
        .get_overview(GetOverviewRequest::default())
        .await;
    assert_eq!(unknown.unwrap_err().code(), Code::Unauthenticated);
}

#[tokio::test]
async fn a_bad_request_names_every_field() {
    let world = World::start("bad_requests").await;
    let replica = world.counted().await;
    let token = world.token(&TokenSpec::of("analyst").role("analyst"));
    let request = GetBreakdownRequest {
        period: None,
        dimension: 99,
        second_dimension: 98,
        region: "nowhere".to_owned(),
        filters: vec![Filter::default()],
        as_known_at: Some(timestamp("1999-12-31T12:00:00Z")),
    };
    let refused = replica
        .client()
        .await
        .get_breakdown(with_token(&token, request))
        .await
        .unwrap_err();
    assert_eq!(refused.code(), Code::InvalidArgument);
    let details = refused.get_error_details();
    let fields: Vec<_> = details
        .bad_request()
        .unwrap()
        .field_violations
        .iter()
        .collect();
    let fields: Vec<_> = fields
        .iter()
        .map(|violation| violation.field.as_str())
        .collect();
    assert_eq!(
        fields,
        [
            "region",
            "period",
            "filters[0].dimension",
            "as_known_at",
            "dimension",
            "second_dimension"
        ]
    );
}

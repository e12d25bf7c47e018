//! Who sees which figures.

use proto::statistics::v1::{
    Filter, GetBreakdownRequest, GetOverviewRequest,
    statistics_service_client::StatisticsServiceClient,
};
use servicetest::{reason, violations};
use testkit::TokenSpec;
use tonic::Code;

use crate::tests::{
    env::{TestEnv, agent, analyst, current},
    story::{Words as _, events, report, timestamp},
};

const MONTH: &str = "2026-11";

#[tokio::test]
async fn an_agent_sees_its_own_region_only() {
    let env = TestEnv::start().await;
    let reports = [
        report(1),
        report(2),
        report(3).routed_to("75"),
        report(4).routed_to("national"),
    ];
    env.intake().announce(&events(reports)).await;
    let replica = env.counted().await;
    let agent = agent("76");

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
        assert_eq!(reason(&refused), "REGION_NOT_YOURS");
    }
    let officer = TokenSpec::of("fssi").role("security_officer");
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
    let env = TestEnv::start().await;
    let replica = env.counted().await;
    let agent = agent("76");
    replica.overview_as(&agent, MONTH, MONTH, "").await.unwrap();
    replica
        .overview_as(&agent, MONTH, MONTH, "75")
        .await
        .unwrap_err();

    let expected = [("76", "done"), ("75", "refused")]
        .map(|(object, outcome)| ("statistics.overview".into(), object.into(), outcome.into()));
    assert_eq!(env.audited("agent-76").await, expected);
}

#[tokio::test]
async fn nobody_else_sees_figures() {
    let env = TestEnv::start().await;
    let replica = env.counted().await;
    for role in [
        "declarant",
        "health_authority",
        "operator",
        "importer",
        "prober",
        "editor",
    ] {
        let user = TokenSpec::of("someone").role(role).region("76");
        let refused = replica
            .overview_as(&user, MONTH, MONTH, "")
            .await
            .unwrap_err();
        assert_eq!(refused.code(), Code::PermissionDenied, "{role}");
    }
    let unknown = StatisticsServiceClient::new(replica.anonymous())
        .get_overview(GetOverviewRequest::default())
        .await;
    assert_eq!(unknown.unwrap_err().code(), Code::Unauthenticated);
}

#[tokio::test]
async fn a_bad_request_names_every_field() {
    let env = TestEnv::start().await;
    let replica = env.counted().await;
    let request = GetBreakdownRequest {
        period: None,
        dimension: 99,
        second_dimension: 98,
        region: "nowhere".to_owned(),
        filters: vec![Filter::default()],
        as_known_at: Some(timestamp("1999-12-31T12:00:00Z")),
    };
    let refused = replica
        .client(&analyst())
        .get_breakdown(request)
        .await
        .unwrap_err();
    assert_eq!(refused.code(), Code::InvalidArgument);
    let fields = violations(&refused).into_iter().map(|(field, _)| field);
    assert_eq!(
        fields.collect::<Vec<_>>(),
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

//! Figures as they were known at a past moment.

use proto::{
    statistics::v1::{Dimension, GetBreakdownRequest},
    types::v1::{CaseState, Origin},
};

use crate::tests::{
    env::{TestEnv, current, figure, period, rows},
    story::{
        Announced as _, Judged as _, Words as _, amended, case, changed, report, timestamp,
        withdrawal,
    },
};

const MONTH: &str = "2026-03";

fn declared(n: u32) -> proto::events::v1::ReportSubmitted {
    report(n)
        .declared("2026-03-10T08:00:00Z")
        .origin(Origin::Unknown, &[])
}

/// Two reports of 10 March: one is qualified on the 20th, the other withdrawn in April.
async fn announce(env: &TestEnv) {
    let qualified = changed(case(1), 2, CaseState::Qualified).origin(Origin::Malicious, &[]);
    // The case is known before its report.
    env.qualification()
        .announce(&[qualified.event_of("2026-03-20T09:00:00Z")])
        .await;
    env.start_replica().await.is_up_to_date().await;
    let of_intake = [
        declared(1).event_of("2026-03-10T08:00:00Z"),
        declared(2).event_of("2026-03-10T08:00:00Z"),
        withdrawal(2).event_of("2026-04-02T10:00:00Z"),
    ];
    env.intake().announce(&of_intake).await;
}

#[tokio::test]
async fn figures_are_those_that_were_known_at_the_moment_that_is_asked() {
    let env = TestEnv::start().await;
    announce(&env).await;
    let replica = env.counted().await;
    for (moment, reports, withdrawn, malicious) in [
        ("2026-03-10T07:59:59Z", 0, 0, 0),
        ("2026-03-10T08:00:00Z", 2, 0, 0),
        ("2026-03-20T08:59:59Z", 2, 0, 0),
        ("2026-03-20T09:00:00Z", 2, 0, 1),
        ("2026-04-02T10:00:00Z", 1, 1, 1),
    ] {
        let overview = replica.overview_known_at(MONTH, MONTH, moment).await;
        let counts = ["reports", "withdrawn", "malicious"].map(|name| current(&overview, name));
        assert_eq!(counts, [reports, withdrawn, malicious], "{moment}");
        assert_eq!(overview.partial, moment < "2026-04", "{moment}");
    }
    let request = GetBreakdownRequest {
        period: Some(period(MONTH, MONTH)),
        dimension: Dimension::Origin.into(),
        as_known_at: Some(timestamp("2026-03-31T12:00:00Z")),
        ..GetBreakdownRequest::default()
    };
    let origins = replica.broken_down(request).await;
    assert_eq!(rows(&origins), [("malicious", "", 1), ("unknown", "", 1)]);
    assert_eq!((origins.total, origins.partial), (2, true));
    env.is_seamless().await;
}

#[tokio::test]
async fn a_declaration_counts_as_amended_from_its_amendment_on_and_before_as_it_was() {
    let env = TestEnv::start().await;
    let completed = amended(
        declared(1).origin(Origin::Malicious, &[]).routed_to("28"),
        2,
    );
    let again = amended(declared(1).origin(Origin::NonMalicious, &[]), 3);
    let of_intake = [
        declared(1).event_of("2026-03-10T08:00:00Z"),
        completed.event_of("2026-03-15T09:00:00Z"),
        again.event_of("2026-04-01T09:00:00Z"),
        // What comes again, or late, changes nothing.
        completed.event_of("2026-03-15T09:00:00Z"),
        declared(1).event_of("2026-03-10T08:00:00Z"),
    ];
    env.intake().announce(&of_intake).await;
    let replica = env.counted().await;
    for (moment, malicious) in [
        ("2026-03-15T08:59:59Z", 0),
        ("2026-03-15T09:00:00Z", 1),
        ("2026-04-01T08:59:59Z", 1),
        ("2026-04-01T09:00:00Z", 0),
    ] {
        let overview = replica.overview_known_at(MONTH, MONTH, moment).await;
        let counts = ["reports", "malicious"].map(|name| current(&overview, name));
        assert_eq!(counts, [1, malicious], "{moment}");
    }
    assert_eq!(env.facts().await.len(), 3);
    env.is_seamless().await;
}

#[tokio::test]
async fn what_was_known_is_the_same_after_a_replay_a_late_start_and_a_new_column() {
    let env = TestEnv::start().await;
    announce(&env).await;
    env.counted().await.stop().await;
    let facts = env.facts().await;
    assert_eq!(facts.len(), 4);
    for again in [
        "update consumer_offset set position = 0",
        "update consumer_offset set position = 0; delete from fact_version",
        // As an earlier release left them that had no column for the origin.
        "update consumer_offset set position = 0; update fact_version set origin = null",
    ] {
        sqlx::raw_sql(again).execute(&env.pool).await.unwrap();
        env.counted().await.stop().await;
        assert_eq!(env.facts().await, facts);
    }
}

#[tokio::test]
async fn a_period_that_was_not_over_is_compared_with_the_same_days_of_the_others() {
    let env = TestEnv::start().await;
    let days = [
        "2026-03-02",
        "2026-03-10",
        "2026-03-11",
        "2026-02-10",
        "2026-02-11",
        "2025-03-10",
        "2025-03-11",
    ];
    let reports = days.iter().zip(1..).map(|(day, n)| {
        let at = format!("{day}T08:00:00Z");
        report(n).declared(&at).event_of(&at)
    });
    env.intake().announce(&reports.collect::<Vec<_>>()).await;
    let replica = env.counted().await;

    let overview = replica
        .overview_known_at(MONTH, MONTH, "2026-03-10T12:00:00Z")
        .await;
    let reports = figure(&overview, "reports");
    assert_eq!(
        (reports.current, reports.previous, reports.year_before),
        (2, 1, 1)
    );
    let to_day = |period: Option<proto::statistics::v1::Period>| period.unwrap().to_day;
    assert_eq!(to_day(overview.period), "2026-03-10");
    assert_eq!(to_day(overview.previous_period), "2026-02-10");
    assert_eq!(to_day(overview.year_before_period), "2025-03-10");

    let overview = replica.overview(MONTH, MONTH).await;
    let reports = figure(&overview, "reports");
    assert_eq!(
        (reports.current, reports.previous, reports.year_before),
        (3, 2, 2)
    );
    assert_eq!(reports.year_change_percent, Some(50.0));
    assert_eq!(to_day(overview.year_before_period), "");
}

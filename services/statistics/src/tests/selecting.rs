//! Which facts are counted, and by what they are grouped.

use proto::{
    events::v1::ReportSubmitted,
    statistics::v1::{
        Dimension::{self, CrossBorder, Unspecified},
        Filter, GetBreakdownRequest, GetOverviewRequest,
    },
    types::v1::{CareImpact, CaseState, DataImpact, Origin, OriginType, StructureKind},
};

use crate::tests::{
    env::{TestEnv, analyst, current, figure, period, rows},
    story::{Judged as _, Words as _, case, changed, events, report},
};

const MONTH: &str = "2026-11";

/// Every dimension of the contract.
fn dimensions() -> impl Iterator<Item = Dimension> {
    (1..1_000).filter_map(|number| Dimension::try_from(number).ok())
}

fn only(dimension: Dimension, values: &[&str]) -> Filter {
    Filter {
        dimension: dimension.into(),
        values: values.iter().map(|&value| value.to_owned()).collect(),
    }
}

#[tokio::test]
async fn figures_are_broken_down_by_any_two_dimensions() {
    let env = TestEnv::start().await;
    let mut plain = report(1).origin(
        Origin::Malicious,
        &[OriginType::Ransomware, OriginType::MaliciousMessage],
    );
    let impacts = plain.impacts.get_or_insert_default();
    impacts.data = [DataImpact::Integrity, DataImpact::Disclosure]
        .map(Into::into)
        .into();
    env.intake().announce(&events([plain])).await;
    let mut judged = changed(case(1), 2, CaseState::Submitted);
    judged.severity.get_or_insert_default().serious = true;
    env.qualification().announce(&events([judged])).await;
    let replica = env.counted().await;

    let values = |dimension| match dimension {
        Dimension::OriginType | Dimension::DataImpact => 2,
        Dimension::Severity => 0,
        _ => 1,
    };
    for first in dimensions() {
        for second in dimensions().filter(|second| *second != first) {
            let pairs = replica.breakdown(MONTH, MONTH, first, second).await;
            let counts = pairs
                .rows
                .iter()
                .map(|row| row.share.as_ref().unwrap().numerator);
            assert_eq!(
                counts.sum::<u64>(),
                values(first) * values(second),
                "{first:?} {second:?}"
            );
            assert_eq!(pairs.total, 1);
            let multiple = [
                Dimension::OriginType,
                Dimension::DataImpact,
                Dimension::Severity,
            ];
            let overlapping = multiple.contains(&first) || multiple.contains(&second);
            assert_eq!(pairs.overlapping, overlapping, "{first:?} {second:?}");
        }
    }
}

#[tokio::test]
async fn a_filter_lets_only_its_values_through_and_narrows_the_denominator() {
    let env = TestEnv::start().await;
    let reports = [
        report(1)
            .origin(Origin::Malicious, &[OriginType::Ransomware])
            .care(CareImpact::DegradedMode),
        report(2)
            .origin(Origin::Malicious, &[])
            .care(CareImpact::DegradedMode),
        report(3)
            .origin(Origin::NonMalicious, &[])
            .of_kind(StructureKind::NursingHome),
        report(4),
    ];
    env.intake().announce(&events(reports)).await;
    let replica = env.counted().await;
    let filtered = async |filters: &[Filter]| {
        let request = GetBreakdownRequest {
            period: Some(period(MONTH, MONTH)),
            dimension: Dimension::Origin.into(),
            filters: filters.to_vec(),
            ..GetBreakdownRequest::default()
        };
        replica.broken_down(request).await
    };

    let degraded = only(Dimension::CareImpact, &["degraded_mode"]);
    let origins = filtered(std::slice::from_ref(&degraded)).await;
    assert_eq!(
        (rows(&origins), origins.total),
        (vec![("malicious", "", 2)], 2)
    );
    let unsaid = only(Dimension::OriginType, &["not_said"]);
    let origins = filtered(&[degraded, unsaid]).await;
    assert_eq!(
        (rows(&origins), origins.total),
        (vec![("malicious", "", 1)], 1)
    );
    let several = only(Dimension::OriginType, &["ransomware", "not_said"]);
    assert_eq!(filtered(&[several]).await.total, 4);

    let request = GetOverviewRequest {
        period: Some(period(MONTH, MONTH)),
        filters: vec![only(Dimension::StructureKind, &["nursing_home"])],
        ..GetOverviewRequest::default()
    };
    let answer = replica.client(&analyst()).get_overview(request).await;
    let overview = answer.unwrap().into_inner();
    assert_eq!(current(&overview, "reports"), 1);
    let share = figure(&overview, "malicious").share.as_ref().unwrap();
    assert_eq!((share.numerator, share.denominator), (0, 1));
    assert!(share.basis.contains("that the filters let through"));
}

#[tokio::test]
async fn a_fact_from_before_a_question_was_asked_is_not_said_until_it_is_read_again() {
    let env = TestEnv::start().await;
    let said = [Some(true), Some(true), Some(false), None];
    let reports = (1..).zip(said).map(|(n, cross_border)| ReportSubmitted {
        cross_border,
        ..report(n)
    });
    let reports = events(reports);
    env.intake().announce(&reports).await;
    let answers = async || {
        let replica = env.counted().await;
        let all = replica
            .breakdown(MONTH, MONTH, CrossBorder, Unspecified)
            .await;
        let yes = GetBreakdownRequest {
            period: Some(period(MONTH, MONTH)),
            dimension: CrossBorder.into(),
            filters: vec![only(CrossBorder, &["yes"])],
            ..GetBreakdownRequest::default()
        };
        let yes = replica.broken_down(yes).await.total;
        replica.stop().await;
        let rows = rows(&all).into_iter();
        let rows: Vec<_> = rows.map(|(value, _, n)| format!("{value} {n}")).collect();
        (rows.join(", "), yes)
    };
    let expected = ("no 1, not_said 1, yes 2".to_owned(), 2);
    assert_eq!(answers().await, expected);

    let forgotten = "update fact_version set cross_border = null";
    sqlx::raw_sql(forgotten).execute(&env.pool).await.unwrap();
    assert_eq!(answers().await, ("not_said 4".to_owned(), 0));
    env.intake().add_to_snapshot(&reports);
    let read_again = "update consumer_offset set incarnation = null";
    sqlx::raw_sql(read_again).execute(&env.pool).await.unwrap();
    // A change of the case keeps what was declared.
    let judged = changed(case(1), 2, CaseState::Qualified);
    env.qualification().announce(&events([judged])).await;
    assert_eq!(answers().await, expected);
}

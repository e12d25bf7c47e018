//! Which facts are counted, and by what they are grouped.

use proto::{
    statistics::v1::{Dimension, Filter, GetBreakdownRequest, GetOverviewRequest},
    types::v1::{CareImpact, CaseState, DataImpact, Origin, OriginType, StructureKind},
};

use crate::{
    env::{TestEnv, analyst, current, figure, period, rows},
    story::{Judged as _, Words as _, case, changed, events, report},
};

const MONTH: &str = "2026-11";

/// Every dimension of the contract.
fn dimensions() -> impl Iterator<Item = Dimension> {
    (1..).map_while(|number| Dimension::try_from(number).ok())
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

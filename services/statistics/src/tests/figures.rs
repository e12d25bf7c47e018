//! The figures, with their denominators.

use proto::{
    statistics::v1::{Dimension, Unit},
    types::v1::{
        CareImpact, CaseState, Impacts, Origin, OriginType, PatientEndangerment, StructureKind,
    },
};

use crate::tests::{
    env::{TestEnv, current, figure, rows},
    story::{Judged as _, Words as _, case, changed, events, report},
};

/// 2018: 327 reports of 247 structures. 2019: 392 reports of 300 structures, 38
/// of them out of scope, 66 with a potential danger to patients: 19 % of the 354
/// that were treated, as published, not 17 % of all.
#[tokio::test]
async fn the_published_figures_of_2019_are_reproduced_to_the_report() {
    let env = TestEnv::start().await;
    let of_2018 = (0..327).map(|n| {
        report(n)
            .declared("2018-06-15T10:00:00Z")
            .of_structure(n % 247)
    });
    let of_2019 = (1000..1392).map(|n| {
        let report = report(n)
            .declared("2019-03-31T22:30:00Z")
            .of_structure(n % 300);
        if n < 1066 {
            report.danger(PatientEndangerment::Potential)
        } else {
            report
        }
    });
    env.intake().announce(&events(of_2018.chain(of_2019))).await;
    let out_of_scope = (1354..1392).map(|n| changed(case(n), 2, CaseState::OutOfScope));
    env.qualification().announce(&events(out_of_scope)).await;
    let replica = env.counted().await;

    let overview = replica.overview("2019-01", "2019-12").await;
    let previous = overview.previous_period.as_ref().unwrap();
    assert_eq!(
        (previous.from_month.as_str(), previous.to_month.as_str()),
        ("2018-01", "2018-12")
    );
    assert_eq!(overview.year_before_period, overview.previous_period);
    let reports = figure(&overview, "reports");
    assert_eq!((reports.current, reports.previous), (392, 327));
    assert_eq!(reports.year_before, 327);
    assert_eq!(reports.change_percent, Some(19.9));
    assert_eq!(reports.year_change_percent, Some(19.9));
    assert_eq!(reports.share, None);
    let structures = figure(&overview, "structures");
    assert_eq!((structures.current, structures.previous), (300, 247));
    assert_eq!(structures.unit(), Unit::Structures);
    assert_eq!(current(&overview, "out_of_scope"), 38);
    let danger = figure(&overview, "patient_danger_potential")
        .share
        .as_ref()
        .unwrap();
    assert_eq!((danger.numerator, danger.denominator), (66, 354));
    assert_eq!(danger.percent, Some(18.6));
    assert!(danger.basis.contains("withdrawn and out of scope left out"));
    assert!(!overview.partial);

    // 2019-03-31 22:30 UTC is already April in Paris.
    let by_month = replica
        .breakdown(
            "2019-01",
            "2019-12",
            Dimension::Month,
            Dimension::Unspecified,
        )
        .await;
    assert_eq!(rows(&by_month), [("2019-04", "", 354)]);
    env.is_seamless().await;
}

#[tokio::test]
async fn the_period_that_is_running_is_marked_as_partial() {
    let env = TestEnv::start().await;
    let replica = env.counted().await;
    // Paris is ahead by an hour or two: its month may have begun.
    let now = platform::now() + time::Duration::hours(2);
    let month = format!("{}-{:02}", now.year(), u8::from(now.month()));
    assert!(replica.overview(&month, &month).await.partial);
    assert!(!replica.overview("2019-01", "2019-12").await.partial);
}

#[tokio::test]
async fn a_breakdown_tells_rows_shares_and_whether_they_overlap() {
    use OriginType::{MaliciousMessage, Ransomware, SoftwareBug};
    let env = TestEnv::start().await;
    let reports = [
        report(1).origin(Origin::Malicious, &[Ransomware, MaliciousMessage]),
        report(2)
            .origin(Origin::Malicious, &[Ransomware])
            .routed_to("national"),
        report(3)
            .origin(Origin::NonMalicious, &[SoftwareBug])
            .of_kind(StructureKind::NursingHome),
        report(4).declared("2026-10-01T12:00:00Z"),
    ];
    env.intake().announce(&events(reports)).await;
    let replica = env.counted().await;

    let origins = replica
        .breakdown("2026-10", "2026-11", Dimension::Origin, Dimension::Region)
        .await;
    assert_eq!(
        rows(&origins),
        [
            ("malicious", "76", 1),
            ("malicious", "national", 1),
            ("non_malicious", "76", 1),
            ("not_said", "76", 1)
        ]
    );
    assert_eq!((origins.total, origins.overlapping), (4, false));
    assert_eq!(origins.rows[0].share.as_ref().unwrap().percent, Some(25.0));

    let types = replica
        .breakdown(
            "2026-10",
            "2026-11",
            Dimension::OriginType,
            Dimension::Unspecified,
        )
        .await;
    assert_eq!(
        rows(&types),
        [
            ("malicious_message", "", 1),
            ("not_said", "", 1),
            ("ransomware", "", 2),
            ("software_bug", "", 1)
        ]
    );
    assert!(types.overlapping);

    let kinds = replica
        .breakdown(
            "2026-10",
            "2026-11",
            Dimension::StructureKind,
            Dimension::Month,
        )
        .await;
    assert_eq!(
        rows(&kinds),
        [
            ("health_facility", "2026-10", 1),
            ("health_facility", "2026-11", 2),
            ("nursing_home", "2026-11", 1)
        ]
    );
}

#[tokio::test]
async fn every_figure_counts_what_its_name_says() {
    let env = TestEnv::start().await;
    let mut significant = report(3);
    significant.impacts = Some(Impacts {
        may_affect_others: true,
        ..Impacts::default()
    });
    let mut asking = report(4);
    asking.assistance_requested = true;
    let reports = [
        report(1)
            .care(CareImpact::DegradedMode)
            .danger(PatientEndangerment::Proven),
        report(2)
            .care(CareImpact::Interruption)
            .danger(PatientEndangerment::Potential),
        significant,
        asking,
        report(5).origin(Origin::Malicious, &[]),
    ];
    env.intake().announce(&events(reports)).await;
    let mut major = changed(case(1), 2, CaseState::Qualified).care(CareImpact::DegradedMode);
    major = major.danger(PatientEndangerment::Proven);
    major.severity.get_or_insert_default().serious = true;
    major.severity.get_or_insert_default().major = true;
    env.qualification().announce(&events([major])).await;
    let replica = env.counted().await;

    let overview = replica.overview("2026-11", "2026-11").await;
    let counts: Vec<_> = overview
        .figures
        .iter()
        .map(|figure| (figure.name.as_str(), figure.current))
        .collect();
    assert_eq!(
        counts,
        [
            ("reports", 5),
            ("withdrawn", 0),
            ("out_of_scope", 0),
            ("structures", 5),
            ("malicious", 1),
            ("degraded_mode", 1),
            ("interruption", 1),
            ("patient_danger_potential", 1),
            ("patient_danger_proven", 1),
            ("serious", 3),
            ("significant", 1),
            ("major", 1),
            ("assistance_requested", 1),
        ]
    );
}

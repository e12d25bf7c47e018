//! The figures of two periods as they are shown.

use std::collections::BTreeSet;

use super::{decide::overview, *};

fn figure(figures: &[Figure], name: &str) -> Figure {
    *figures.iter().find(|figure| figure.name == name).unwrap()
}

/// 2018: 327 reports of 247 structures. 2019: 392 of 300, 38 of them out of
/// scope, 66 with a potential danger to patients, published as 19 %.
#[test]
fn the_figures_of_2019_come_out_as_published() {
    let of_2019 = PeriodCounts {
        in_scope: 354,
        out_of_scope: 38,
        danger_potential: 66,
        structures: 300,
        ..PeriodCounts::default()
    };
    let of_2018 = PeriodCounts {
        in_scope: 327,
        structures: 247,
        ..PeriodCounts::default()
    };
    let figures = overview(&of_2019, &of_2018, &of_2018);
    let reports = figure(&figures, "reports");
    assert_eq!((reports.current, reports.previous), (392, 327));
    assert_eq!(reports.change_percent(), Some(19.9));
    assert_eq!(reports.year_change_percent(), Some(19.9));
    assert_eq!(reports.share, None);
    assert_eq!(figure(&figures, "structures").current, 300);
    assert_eq!(figure(&figures, "structures").unit, Unit::Structures);
    let danger = figure(&figures, "patient_danger_potential").share.unwrap();
    assert_eq!((danger.numerator, danger.denominator), (66, 354));
    assert_eq!(danger.percent(), Some(18.6));
}

#[test]
fn withdrawn_reports_are_counted_apart() {
    let counts = PeriodCounts {
        in_scope: 10,
        withdrawn: 3,
        ..PeriodCounts::default()
    };
    let nothing = PeriodCounts::default();
    let figures = overview(&counts, &nothing, &nothing);
    assert_eq!(figure(&figures, "reports").current, 10);
    assert_eq!(figure(&figures, "withdrawn").current, 3);
    assert_eq!(figure(&figures, "malicious").share.unwrap().denominator, 10);
}

#[test]
fn an_empty_period_has_no_percentages() {
    let nothing = PeriodCounts::default();
    for figure in overview(&nothing, &nothing, &nothing) {
        assert_eq!(figure.change_percent(), None, "{}", figure.name);
        assert_eq!(figure.year_change_percent(), None, "{}", figure.name);
        let percent = figure.share.and_then(Share::percent);
        assert_eq!(percent, None, "{}", figure.name);
    }
}

#[test]
fn every_figure_has_its_own_name() {
    let nothing = PeriodCounts::default();
    let figures = overview(&nothing, &nothing, &nothing);
    let names: BTreeSet<_> = figures.iter().map(|figure| figure.name).collect();
    assert_eq!(names.len(), figures.len());
}

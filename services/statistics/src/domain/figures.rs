//! The figures that are shown, each with what is needed to read it.

use std::collections::BTreeMap;

use vocabulary::{CareImpact, Origin, PatientEndangerment};

use super::{Dimension, Standing, Tenths};

/// What every share is of.
///
/// The observatory's own percentages are of the reports it treated: in 2019
/// 66 of 354, not of the 392 received.
pub(crate) const BASIS: &str = "reports of the period, withdrawn and out of scope left out; \
                     percent rounded half up to one decimal";

/// What a count counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unit {
    /// Signalements.
    Reports,
    /// Distinct structures.
    Structures,
}

/// A share of the reports in scope, with all that is needed to read it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Share {
    pub(crate) numerator: u64,
    pub(crate) denominator: u64,
}

/// A figure of a period beside that of the one before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Figure {
    pub(crate) name: &'static str,
    pub(crate) current: u64,
    pub(crate) previous: u64,
    pub(crate) unit: Unit,
    /// Absent for totals.
    pub(crate) share: Option<Share>,
}

/// A row of a breakdown; rows are ordered by their values.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct BreakdownRow {
    pub(crate) value: String,
    /// Empty when there is one dimension only.
    pub(crate) second_value: String,
    pub(crate) count: u64,
}

/// What was counted of one period.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    pub(crate) counts: BTreeMap<(Dimension, String), u64>,
    /// Distinct structures behind the reports.
    pub(crate) structures: u64,
}

impl Share {
    /// The percentage, rounded half up to one decimal; nothing of nothing.
    pub(crate) fn percent(self) -> Option<f64> {
        Tenths::share(self.numerator, self.denominator).map(Tenths::percent)
    }
}

impl Figure {
    /// The change in percent of the previous, rounded half up to one decimal.
    pub(crate) fn change_percent(self) -> Option<f64> {
        Tenths::change(self.current, self.previous).map(Tenths::percent)
    }
}

impl Tally {
    fn of(&self, dimension: Dimension, value: &str) -> u64 {
        self.counts
            .get(&(dimension, value.to_owned()))
            .copied()
            .unwrap_or_default()
    }

    fn standing(&self, standing: Standing) -> u64 {
        self.of(Dimension::Standing, standing.as_str())
    }

    /// Reports that are neither withdrawn nor out of scope: every denominator.
    fn in_scope(&self) -> u64 {
        self.standing(Standing::InScope)
    }
}

/// The figures of a period beside those of the one before.
///
/// Withdrawn reports are counted apart; those out of scope were received, but
/// are in no share.
pub(crate) fn overview(current: &Tally, previous: &Tally) -> Vec<Figure> {
    let total = |name, unit, count: fn(&Tally) -> u64| Figure {
        name,
        current: count(current),
        previous: count(previous),
        unit,
        share: None,
    };
    let part = |name, dimension, value: &str| {
        let numerator = current.of(dimension, value);
        Figure {
            name,
            current: numerator,
            previous: previous.of(dimension, value),
            unit: Unit::Reports,
            share: Some(Share {
                numerator,
                denominator: current.in_scope(),
            }),
        }
    };
    let danger = |name, danger: PatientEndangerment| {
        part(name, Dimension::PatientEndangerment, danger.as_str())
    };
    let care = |name, care: CareImpact| part(name, Dimension::CareImpact, care.as_str());
    vec![
        total("reports", Unit::Reports, |tally| {
            tally.in_scope() + tally.standing(Standing::OutOfScope)
        }),
        total("withdrawn", Unit::Reports, |tally| {
            tally.standing(Standing::Withdrawn)
        }),
        total("out_of_scope", Unit::Reports, |tally| {
            tally.standing(Standing::OutOfScope)
        }),
        total("structures", Unit::Structures, |tally| tally.structures),
        part("malicious", Dimension::Origin, Origin::Malicious.as_str()),
        care("degraded_mode", CareImpact::DegradedMode),
        care("interruption", CareImpact::Interruption),
        danger("patient_danger_potential", PatientEndangerment::Potential),
        danger("patient_danger_proven", PatientEndangerment::Proven),
        part("serious", Dimension::Severity, "serious"),
        part("significant", Dimension::Severity, "significant"),
        part("major", Dimension::Severity, "major"),
        part("assistance_requested", Dimension::Assistance, "requested"),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tally(counts: &[(Dimension, &str, u64)], structures: u64) -> Tally {
        let counts = counts
            .iter()
            .map(|(d, value, count)| ((*d, (*value).to_owned()), *count));
        Tally {
            counts: counts.collect(),
            structures,
        }
    }

    fn figure(figures: &[Figure], name: &str) -> Figure {
        *figures.iter().find(|figure| figure.name == name).unwrap()
    }

    /// 2018: 327 reports of 247 structures. 2019: 392 of 300, 38 of them out of
    /// scope, 66 with a potential danger to patients, published as 19 %.
    #[test]
    fn the_figures_of_2019_come_out_as_published() {
        let figures = overview(
            &tally(
                &[
                    (Dimension::Standing, "in_scope", 354),
                    (Dimension::Standing, "out_of_scope", 38),
                    (Dimension::PatientEndangerment, "potential", 66),
                ],
                300,
            ),
            &tally(&[(Dimension::Standing, "in_scope", 327)], 247),
        );
        let reports = figure(&figures, "reports");
        assert_eq!((reports.current, reports.previous), (392, 327));
        assert_eq!(reports.change_percent(), Some(19.9));
        assert_eq!(reports.share, None);
        assert_eq!(figure(&figures, "structures").current, 300);
        assert_eq!(figure(&figures, "structures").unit, Unit::Structures);
        let danger = figure(&figures, "patient_danger_potential").share.unwrap();
        assert_eq!((danger.numerator, danger.denominator), (66, 354));
        assert_eq!(danger.percent(), Some(18.6));
    }

    #[test]
    fn withdrawn_reports_are_counted_apart() {
        let counts = [
            (Dimension::Standing, "in_scope", 10),
            (Dimension::Standing, "withdrawn", 3),
        ];
        let figures = overview(&tally(&counts, 9), &Tally::default());
        assert_eq!(figure(&figures, "reports").current, 10);
        assert_eq!(figure(&figures, "withdrawn").current, 3);
        assert_eq!(figure(&figures, "malicious").share.unwrap().denominator, 10);
    }

    #[test]
    fn an_empty_period_has_no_percentages() {
        for figure in overview(&Tally::default(), &Tally::default()) {
            assert_eq!(figure.change_percent(), None, "{}", figure.name);
            assert_eq!(
                figure.share.and_then(Share::percent),
                None,
                "{}",
                figure.name
            );
        }
    }

    #[test]
    fn every_figure_has_its_own_name() {
        let figures = overview(&Tally::default(), &Tally::default());
        let names: std::collections::BTreeSet<_> = figures.iter().map(|f| f.name).collect();
        assert_eq!(names.len(), figures.len());
    }
}

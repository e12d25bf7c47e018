//! The figures that are shown, with their shares and changes.

use super::{Figure, PeriodCounts, Share, Unit, rate::Tenths};

/// The figures of a period beside those of the period before and of the year before.
///
/// Withdrawn reports are counted apart; those out of scope were received, but
/// are in no share. The observatory's own percentages are of the reports it
/// treated: in 2019 66 of 354, not of the 392 received.
pub(super) fn overview(
    current: &PeriodCounts,
    previous: &PeriodCounts,
    year_before: &PeriodCounts,
) -> Vec<Figure> {
    let total = |name, unit, count: fn(&PeriodCounts) -> u64| Figure {
        name,
        current: count(current),
        previous: count(previous),
        year_before: count(year_before),
        unit,
        share: None,
    };
    let part = |name, count: fn(&PeriodCounts) -> u64| Figure {
        share: Some(Share {
            numerator: count(current),
            denominator: current.in_scope,
        }),
        ..total(name, Unit::Reports, count)
    };
    vec![
        total("reports", Unit::Reports, |it| it.in_scope + it.out_of_scope),
        total("withdrawn", Unit::Reports, |it| it.withdrawn),
        total("out_of_scope", Unit::Reports, |it| it.out_of_scope),
        total("structures", Unit::Structures, |it| it.structures),
        part("malicious", |it| it.malicious),
        part("degraded_mode", |it| it.degraded_mode),
        part("interruption", |it| it.interruption),
        part("patient_danger_potential", |it| it.danger_potential),
        part("patient_danger_proven", |it| it.danger_proven),
        part("serious", |it| it.serious),
        part("significant", |it| it.significant),
        part("major", |it| it.major),
        part("assistance_requested", |it| it.assistance_requested),
    ]
}

impl Share {
    /// The percentage, rounded half up to one decimal; nothing of nothing.
    pub(super) fn percent(self) -> Option<f64> {
        Tenths::share(self.numerator, self.denominator).map(Tenths::percent)
    }
}

impl Figure {
    /// The change in percent of the previous, rounded half up to one decimal.
    pub(super) fn change_percent(self) -> Option<f64> {
        Tenths::change(self.current, self.previous).map(Tenths::percent)
    }

    /// The change in percent of the year before, rounded half up to one decimal.
    pub(super) fn year_change_percent(self) -> Option<f64> {
        Tenths::change(self.current, self.year_before).map(Tenths::percent)
    }
}

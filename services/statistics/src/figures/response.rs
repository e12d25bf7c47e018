//! What is answered; cannot fail.

use proto::statistics::v1 as pb;

use super::{BreakdownRow, Figure, Share, Unit, period::Span};

/// What every share is of.
const BASIS: &str = "reports of the period that the filters let through, withdrawn and out of \
                     scope left out; percent rounded half up to one decimal";

impl From<Span> for pb::Period {
    fn from(span: Span) -> Self {
        let period = span.period();
        Self {
            from_month: period.from().to_string(),
            to_month: period.to().to_string(),
            to_day: span.to_day().map(|day| day.to_string()).unwrap_or_default(),
        }
    }
}

impl From<Share> for pb::Share {
    fn from(share: Share) -> Self {
        Self {
            numerator: share.numerator,
            denominator: share.denominator,
            percent: share.percent(),
            unit: pb::Unit::Reports.into(),
            basis: BASIS.to_owned(),
        }
    }
}

impl From<Figure> for pb::Comparison {
    fn from(figure: Figure) -> Self {
        let unit = match figure.unit {
            Unit::Reports => pb::Unit::Reports,
            Unit::Structures => pb::Unit::Structures,
        };
        Self {
            name: figure.name.to_owned(),
            current: figure.current,
            previous: figure.previous,
            change_percent: figure.change_percent(),
            share: figure.share.map(Into::into),
            unit: unit.into(),
            year_before: figure.year_before,
            year_change_percent: figure.year_change_percent(),
        }
    }
}

/// A row with its share of the reports in scope.
pub(super) fn row(row: BreakdownRow, total: u64) -> pb::BreakdownRow {
    let share = Share {
        numerator: row.count,
        denominator: total,
    };
    pb::BreakdownRow {
        value: row.value,
        second_value: row.second_value,
        share: Some(share.into()),
    }
}

//! What is answered; cannot fail.

use proto::statistics::v1 as pb;

use crate::domain::{BASIS, BreakdownRow, Figure, Period, Share, Unit};

impl From<Period> for pb::Period {
    fn from(period: Period) -> Self {
        Self {
            from_month: period.from().to_string(),
            to_month: period.to().to_string(),
        }
    }
}

impl From<Unit> for pb::Unit {
    fn from(unit: Unit) -> Self {
        match unit {
            Unit::Reports => Self::Reports,
            Unit::Structures => Self::Structures,
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
        Self {
            name: figure.name.to_owned(),
            current: figure.current,
            previous: figure.previous,
            change_percent: figure.change_percent(),
            share: figure.share.map(Into::into),
            unit: pb::Unit::from(figure.unit).into(),
        }
    }
}

/// A row with its share of the reports in scope.
pub(crate) fn row_response(row: BreakdownRow, total: u64) -> pb::BreakdownRow {
    pb::BreakdownRow {
        value: row.value,
        second_value: row.second_value,
        share: Some(
            Share {
                numerator: row.count,
                denominator: total,
            }
            .into(),
        ),
    }
}

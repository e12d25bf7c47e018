//! Figures: facts that are grouped, counted and compared, each with all that is needed to
//! read it.

mod decide;
mod period;
mod rate;
mod request;
mod response;
mod rpc;
mod scope;
mod store;

use std::ops::RangeInclusive;

use time::{Date, OffsetDateTime};
use vocabulary::{
    CareImpact, DataImpact, Origin, OriginType, PatientEndangerment, ReportKind, StructureKind,
    Word,
};

pub(crate) use rpc::Figures;

use scope::Scope;

/// Where a declarant said nothing.
const NOT_SAID: &str = "not_said";

/// The dimensions by which facts may be grouped, each a column of the view of facts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum GroupKey {
    Month,
    Region,
    StructureKind,
    ReportKind,
    Origin,
    OriginType,
    DataImpact,
    CareImpact,
    PatientEndangerment,
    Severity,
}

/// By what figures are broken down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct GroupBy {
    first: GroupKey,
    second: Option<GroupKey>,
}

/// Lets those facts through that have one of the values in a dimension.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Filter {
    key: GroupKey,
    values: Vec<String>,
}

/// Which facts are counted.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Selection {
    declared_on: RangeInclusive<Date>,
    scope: Scope,
    filters: Vec<Filter>,
    /// As known at this moment; nothing for what is known now.
    as_known_at: Option<OffsetDateTime>,
}

/// What was counted of one period. All but the first four count reports in scope.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct PeriodCounts {
    /// Reports that are neither withdrawn nor out of scope: every denominator.
    in_scope: u64,
    out_of_scope: u64,
    withdrawn: u64,
    /// Distinct structures behind the reports that are not withdrawn.
    structures: u64,
    malicious: u64,
    degraded_mode: u64,
    interruption: u64,
    danger_potential: u64,
    danger_proven: u64,
    serious: u64,
    significant: u64,
    major: u64,
    assistance_requested: u64,
}

/// What a count counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Unit {
    /// Signalements.
    Reports,
    /// Distinct structures.
    Structures,
}

/// A share of the reports in scope, with all that is needed to read it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Share {
    numerator: u64,
    denominator: u64,
}

/// A figure of a period beside those that it is compared with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Figure {
    name: &'static str,
    current: u64,
    /// In the period of the same length right before.
    previous: u64,
    /// In the same period a year before.
    year_before: u64,
    unit: Unit,
    /// Absent for totals.
    share: Option<Share>,
}

/// A row of a breakdown; rows are ordered by their values.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct BreakdownRow {
    value: String,
    /// Empty when there is one dimension only.
    second_value: String,
    count: u64,
}

impl GroupKey {
    /// Its column in the view of facts.
    const fn as_str(self) -> &'static str {
        match self {
            Self::Month => "month",
            Self::Region => "region",
            Self::StructureKind => "structure_kind",
            Self::ReportKind => "report_kind",
            Self::Origin => "origin",
            Self::OriginType => "origin_type",
            Self::DataImpact => "data_impact",
            Self::CareImpact => "care_impact",
            Self::PatientEndangerment => "patient_endangerment",
            Self::Severity => "severity",
        }
    }

    /// Whether a report may have several values, so that rows add up to more than the total.
    const fn is_multiple(self) -> bool {
        matches!(self, Self::OriginType | Self::DataImpact | Self::Severity)
    }

    /// Whether it is a value of the dimension that a filter may ask for. The month and the
    /// region of a request are no filters.
    fn has_value(self, value: &str) -> bool {
        fn word<W: Word>(value: &str) -> bool {
            value == NOT_SAID || W::verbatim(value).number() != 0
        }
        match self {
            Self::Month | Self::Region => false,
            Self::StructureKind => word::<StructureKind>(value),
            Self::ReportKind => word::<ReportKind>(value),
            Self::Origin => word::<Origin>(value),
            Self::OriginType => word::<OriginType>(value),
            Self::DataImpact => word::<DataImpact>(value),
            Self::CareImpact => word::<CareImpact>(value),
            Self::PatientEndangerment => word::<PatientEndangerment>(value),
            Self::Severity => ["serious", "significant", "major"].contains(&value),
        }
    }
}

impl GroupBy {
    /// Whether a report may stand in several rows.
    fn is_overlapping(self) -> bool {
        self.first.is_multiple() || self.second.is_some_and(GroupKey::is_multiple)
    }
}

#[cfg(test)]
mod tests;

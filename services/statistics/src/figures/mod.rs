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

/// The dimensions by which facts may be grouped.
const DIMENSIONS: [GroupKey; 11] = [
    GroupKey::of_field("month"),
    GroupKey::of_field("region"),
    GroupKey::one("structure_kind", is_word::<StructureKind>),
    GroupKey::one("report_kind", is_word::<ReportKind>),
    GroupKey::one("origin", is_word::<Origin>),
    GroupKey::several("origin_type", is_word::<OriginType>),
    GroupKey::several("data_impact", is_word::<DataImpact>),
    GroupKey::one("care_impact", is_word::<CareImpact>),
    GroupKey::one("patient_endangerment", is_word::<PatientEndangerment>),
    GroupKey::several("severity", |value| {
        ["serious", "significant", "major"].contains(&value)
    }),
    GroupKey::one("cross_border", |value| {
        ["yes", "no", NOT_SAID].contains(&value)
    }),
];

/// A dimension by which facts may be grouped.
#[derive(Clone, Copy, Debug)]
struct GroupKey {
    /// Its name in the contract, and its column in the view of facts.
    name: &'static str,
    /// A report may have several values, so that rows add up to more than the total.
    is_multiple: bool,
    /// Whether it is a value that a filter may ask for; absent where the request has a field
    /// of its own instead.
    is_value: Option<fn(&str) -> bool>,
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
    /// The dimension of a name.
    fn named(name: &str) -> Option<Self> {
        DIMENSIONS.into_iter().find(|key| key.name == name)
    }

    const fn of_field(name: &'static str) -> Self {
        Self {
            name,
            is_multiple: false,
            is_value: None,
        }
    }

    const fn one(name: &'static str, is_value: fn(&str) -> bool) -> Self {
        Self {
            is_value: Some(is_value),
            ..Self::of_field(name)
        }
    }

    const fn several(name: &'static str, is_value: fn(&str) -> bool) -> Self {
        Self {
            is_multiple: true,
            ..Self::one(name, is_value)
        }
    }
}

impl PartialEq for GroupKey {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Eq for GroupKey {}

/// Whether a text is a word of a list, known or of a later release.
fn is_word<W: Word>(value: &str) -> bool {
    value == NOT_SAID || W::verbatim(value).number() != 0
}

impl GroupBy {
    /// Whether a report may stand in several rows.
    fn is_overlapping(self) -> bool {
        self.first.is_multiple || self.second.is_some_and(|second| second.is_multiple)
    }
}

#[cfg(test)]
mod tests;

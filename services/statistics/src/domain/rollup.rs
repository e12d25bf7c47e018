//! Which counters a report is in, and how they move when it changes.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use vocabulary::{RoutingRegion, StructureKind};

use super::{Fact, Month, Standing};

/// Where a declarant said nothing.
pub(crate) const NOT_SAID: &str = "not_said";

/// A counter: how many reports of a month, region and kind of structure have a
/// value in a dimension.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Key {
    pub(crate) dimension: Dimension,
    pub(crate) month: Month,
    pub(crate) region: RoutingRegion,
    pub(crate) structure_kind: Option<StructureKind>,
    pub(crate) value: String,
}

/// Counters and how much they hold, or by how much they move.
pub(crate) type Counts = BTreeMap<Key, i64>;

/// What a counter counts. Only [`Dimension::Standing`] counts reports that are
/// withdrawn or out of scope.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Dimension {
    Standing,
    ReportKind,
    Origin,
    OriginType,
    DataImpact,
    CareImpact,
    PatientEndangerment,
    Severity,
    Assistance,
}

/// What every counter is told apart by, whatever its dimension.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Axis {
    Month,
    Region,
    StructureKind,
}

/// Along what figures are broken down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Along {
    Axis(Axis),
    Dimension(Dimension),
}

/// The counters that a report is in, each once.
pub(crate) fn contributions(fact: &Fact) -> Counts {
    let (Some(submission), Some(standing)) = (&fact.submission, fact.standing()) else {
        return Counts::new();
    };
    let mut counts = Counts::new();
    let mut count = |dimension, value: String| {
        let key = Key {
            dimension,
            month: submission.month,
            region: submission.region,
            structure_kind: submission.structure_kind,
            value,
        };
        counts.insert(key, 1);
    };
    count(Dimension::Standing, standing.as_str().to_owned());
    if standing != Standing::InScope {
        return counts;
    }
    let assessment = &fact.assessment;
    count(Dimension::ReportKind, said(submission.report_kind.as_ref()));
    count(Dimension::Origin, said(assessment.origin.as_ref()));
    for value in all_said(&assessment.origin_types) {
        count(Dimension::OriginType, value);
    }
    for value in all_said(&assessment.data_impacts) {
        count(Dimension::DataImpact, value);
    }
    count(Dimension::CareImpact, said(assessment.care.as_ref()));
    count(
        Dimension::PatientEndangerment,
        said(assessment.endangerment.as_ref()),
    );
    let severity = assessment.severity;
    for (judged, value) in [
        (severity.serious, "serious"),
        (severity.significant, "significant"),
        (severity.major, "major"),
    ] {
        if judged {
            count(Dimension::Severity, value.to_owned());
        }
    }
    if submission.assistance_requested {
        count(Dimension::Assistance, "requested".to_owned());
    }
    counts
}

/// By how much each counter moves when a report goes from `old` to `new`.
/// Counters that stay are left out.
pub(crate) fn difference(old: &Fact, new: &Fact) -> Counts {
    let mut counts = contributions(new);
    for (key, count) in contributions(old) {
        *counts.entry(key).or_default() -= count;
    }
    counts.retain(|_, count| *count != 0);
    counts
}

fn said<T: fmt::Display>(value: Option<T>) -> String {
    value.map_or_else(|| NOT_SAID.to_owned(), |value| value.to_string())
}

fn all_said<T: fmt::Display>(values: &BTreeSet<T>) -> Vec<String> {
    if values.is_empty() {
        return vec![NOT_SAID.to_owned()];
    }
    values.iter().map(ToString::to_string).collect()
}

impl Dimension {
    /// Every dimension.
    pub(crate) const ALL: [Self; 9] = [
        Self::Standing,
        Self::ReportKind,
        Self::Origin,
        Self::OriginType,
        Self::DataImpact,
        Self::CareImpact,
        Self::PatientEndangerment,
        Self::Severity,
        Self::Assistance,
    ];

    /// The slug, as stored.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Standing => "standing",
            Self::ReportKind => "report_kind",
            Self::Origin => "origin",
            Self::OriginType => "origin_type",
            Self::DataImpact => "data_impact",
            Self::CareImpact => "care_impact",
            Self::PatientEndangerment => "patient_endangerment",
            Self::Severity => "severity",
            Self::Assistance => "assistance",
        }
    }

    /// The dimension of a slug.
    pub(crate) fn from_slug(slug: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|dimension| dimension.as_str() == slug)
    }
}

impl Axis {
    /// The name of the axis, as queries know it.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Month => "month",
            Self::Region => "region",
            Self::StructureKind => "structure_kind",
        }
    }
}

impl Along {
    /// Whether a report may have several values, so that rows add up to more
    /// than the total.
    pub(crate) const fn is_overlapping(self) -> bool {
        matches!(
            self,
            Self::Dimension(Dimension::OriginType | Dimension::DataImpact | Dimension::Severity)
        )
    }

    /// The counters to read: along an axis, those of the reports in scope.
    pub(crate) const fn dimension(self) -> Dimension {
        match self {
            Self::Axis(_) => Dimension::Standing,
            Self::Dimension(dimension) => dimension,
        }
    }
}

#[cfg(test)]
mod tests;

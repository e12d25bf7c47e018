//! A report as it stands, as far as messages tell it.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use vocabulary::{
    Impacts, OperatorStatus, Origin, OriginType, ReportKind, RoutingRegion, Severity,
    StructureKind, Tlp, has_health_impact,
};

/// What is known of a report and its case; never holds contact data nor what
/// the declarant wrote. What was not said or is not known yet is absent, also as it is stored:
/// each mail that waits holds one.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct ReportSummary {
    /// The reference for people.
    pub(crate) reference: String,
    /// What is reported.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) report_kind: Option<ReportKind>,
    /// Name of the structure.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) structure_name: Option<String>,
    /// Its kind.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) structure_kind: Option<StructureKind>,
    /// Critical-operator status.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) operator_status: Option<OperatorStatus>,
    /// Where the report is routed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) region: Option<RoutingRegion>,
    /// When the suite acknowledged it.
    #[serde(
        with = "time::serde::rfc3339::option",
        skip_serializing_if = "Option::is_none"
    )]
    pub(crate) received_at: Option<OffsetDateTime>,
    /// When it was declared.
    #[serde(
        with = "time::serde::rfc3339::option",
        skip_serializing_if = "Option::is_none"
    )]
    pub(crate) declared_at: Option<OffsetDateTime>,
    /// When it was noticed (date du constat).
    #[serde(
        with = "time::serde::rfc3339::option",
        skip_serializing_if = "Option::is_none"
    )]
    pub(crate) found_at: Option<OffsetDateTime>,
    /// Until when something is expected of the reader.
    #[serde(
        with = "time::serde::rfc3339::option",
        skip_serializing_if = "Option::is_none"
    )]
    pub(crate) due_at: Option<OffsetDateTime>,
    /// Where the incident comes from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) origin: Option<Origin>,
    /// Types of the origin.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub(crate) origin_types: BTreeSet<OriginType>,
    /// The impacts.
    pub(crate) impacts: Impacts,
    /// Judgements of law, proposed or confirmed.
    pub(crate) severity: Severity,
    /// Who may be told.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) tlp: Option<Tlp>,
}

impl ReportSummary {
    /// Whether it stays in the own chain of the armed forces: their hospitals
    /// report to their ministry alone, unless care is touched.
    pub(crate) fn stays_with_the_armed_forces(&self) -> bool {
        self.structure_kind == Some(StructureKind::ArmedForcesHospital)
            && !has_health_impact(&self.impacts)
    }

    /// The label under which it may be passed on; what was not said, or is not known
    /// to this release, is treated as TLP:AMBER+STRICT.
    pub(crate) fn tlp(&self) -> Tlp {
        self.tlp
            .filter(|tlp| Tlp::ALL.contains(tlp))
            .unwrap_or(Tlp::AmberStrict)
    }
}

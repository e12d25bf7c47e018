//! Facts: what was known of each report, and from when to when it was.

mod decide;
mod events;
mod store;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::LazyLock,
};

use jiff::{Timestamp, tz::TimeZone};
use serde::{Deserialize, Serialize};
use time::{Date, Month, OffsetDateTime};
use uuid::Uuid;
use vocabulary::{
    CareImpact, CaseState, DataImpact, Origin, OriginType, PatientEndangerment, ReportKind,
    RoutingRegion, Severity, StructureKind,
};

pub(crate) use events::apply;

static PARIS: LazyLock<TimeZone> =
    LazyLock::new(|| TimeZone::get("Europe/Paris").expect("the time zones are compiled in"));

time::serde::format_description!(iso_day, Date, "[year]-[month]-[day]");

/// What is known of one report; never a name, a number or a contact.
///
/// There is no order between the logs of intake and qualification: a case may
/// be known before its report, which then counts nothing until it comes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Fact {
    /// What the declaration says, as it was amended last; absent until it comes.
    submission: Option<Submission>,
    /// Counts what was declared: greater than 1 once it was amended, or told again after a
    /// restore; the greatest wins.
    report_revision: Option<u64>,
    /// What the case says; wins over what was declared.
    case: Option<CaseStatus>,
    /// As the case says, or as declared while no case is known.
    assessment: Assessment,
    /// The declarant withdrew the report.
    withdrawn: bool,
}

/// The facts of one report in the order of their validity, each from its moment until that of
/// the next.
///
/// The moment is the time of the event, which its producer gave it, never the clock of this
/// service. An event changes the fact that was valid at its moment and all later ones, so that
/// what was known at a moment is what all events up to then tell, however they came: late,
/// before those of the other producer, again, or from a snapshot. Events of one moment change
/// one fact. After a restore the surviving history counts: the state of a case, or a declaration,
/// that the producer announces anew has a greater revision than those it lost, and replaces them
/// from the time of its own last change.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct FactHistory(BTreeMap<OffsetDateTime, Fact>);

/// What a declaration says beside what is judged; like the parts below, it names its fields as the
/// columns are named. A submission fixes it, unless the declaration is amended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Submission {
    /// Day of the declaration, in Europe/Paris.
    #[serde(with = "iso_day")]
    declared_on: Date,
    region: RoutingRegion,
    structure_kind: Option<StructureKind>,
    /// Tells structures apart. The number or name behind it is not kept, as that
    /// of a self-employed professional is personal data; this is its pseudonym.
    structure_id: Uuid,
    report_kind: Option<ReportKind>,
    assistance_requested: bool,
    cross_border: Option<bool>,
}

/// What a case says beside its assessment.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct CaseStatus {
    /// Counts the changes of the case, from 1; the greatest wins.
    #[serde(rename = "case_revision")]
    revision: u64,
    #[serde(rename = "case_state")]
    state: Option<CaseState>,
    /// The cell confirmed the assessment, or an agency raised it by what it recorded of care.
    qualified: bool,
    /// When the incident was over, as the structure declared last.
    #[serde(with = "time::serde::rfc3339::option", default)]
    resolved_at: Option<OffsetDateTime>,
}

/// What is judged of an incident: first declared, then confirmed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Assessment {
    origin: Option<Origin>,
    origin_types: BTreeSet<OriginType>,
    data_impacts: BTreeSet<DataImpact>,
    #[serde(rename = "care_impact")]
    care: Option<CareImpact>,
    #[serde(rename = "patient_endangerment")]
    endangerment: Option<PatientEndangerment>,
    #[serde(flatten)]
    severity: Severity,
}

/// What one event tells of a report.
#[derive(Clone, Debug, PartialEq, Eq)]
enum FactUpdate {
    /// At a revision, once it is not the first one.
    Declared(Option<u64>, Submission, Assessment),
    /// At a revision it goes down the armed forces' own chain, and is counted no more.
    LeftToItsChain(u64),
    Withdrawn,
    Case(CaseStatus, Assessment),
}

/// How a known report is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Standing {
    /// In every figure.
    InScope,
    /// Among the reports, but in no share.
    OutOfScope,
    /// Apart from all others.
    Withdrawn,
}

/// The day of a moment on the clocks of Paris; nothing outside the years 2000 to 2999.
pub(crate) fn day_in_paris(moment: OffsetDateTime) -> Option<Date> {
    let moment = Timestamp::from_second(moment.unix_timestamp()).ok()?;
    let day = moment.to_zoned(PARIS.clone()).date();
    let month = Month::try_from(u8::try_from(day.month()).ok()?).ok()?;
    let year = i32::from(day.year());
    let in_range = (2000..3000).contains(&year);
    let day = u8::try_from(day.day()).ok().filter(|_| in_range)?;
    Date::from_calendar_date(year, month, day).ok()
}

#[cfg(test)]
mod tests;

//! Deadlines (échéances) of the reports on an incident, where the installation has a rule pack
//! that names some, and of the notification to the CNIL; with their reminders.

mod decide;
mod reminder;
mod response;
mod store;

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use vocabulary::{DeadlinePack, Impacts, Origin, OriginType, ReportKind, ReportStage};

pub(crate) use self::{
    reminder::{DeadlineReminders, remind_again, remind_of},
    response::with_deadlines,
    store::{find, keep},
};

/// The clock of a report: what its deadlines count from, and what was sent of what they ask
/// for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ReportClock {
    /// What is reported.
    kind: Option<ReportKind>,
    /// When the structure became aware of it (date du constat).
    #[serde(with = "time::serde::rfc3339")]
    aware_at: OffsetDateTime,
    /// When it was declared.
    #[serde(with = "time::serde::rfc3339")]
    declared_at: OffsetDateTime,
    /// When the structure said something last, and saw what is due: it is not reminded of what
    /// was to be reminded of before.
    #[serde(with = "time::serde::rfc3339")]
    told_at: OffsetDateTime,
    /// The breach of personal data is to be notified to the CNIL (RGPD, art. 33), and nobody
    /// said that it is.
    owes_cnil: bool,
    /// The rule pack under which the case was opened; without one nothing else is due.
    pack: Option<DeadlinePack>,
    /// When the declaration was first completed.
    #[serde(with = "time::serde::rfc3339::option", default)]
    notified_at: Option<OffsetDateTime>,
    /// When it was completed again in the place of a final report.
    #[serde(with = "time::serde::rfc3339::option", default)]
    progress_at: Option<OffsetDateTime>,
    /// When its final report was sent.
    #[serde(with = "time::serde::rfc3339::option", default)]
    final_at: Option<OffsetDateTime>,
    /// When the incident was over, as the structure declared last.
    #[serde(with = "time::serde::rfc3339::option", default)]
    handled_at: Option<OffsetDateTime>,
    /// The revision of the report up to which it was told everything. A release that keeps no
    /// clock may have applied what came after it.
    #[serde(default)]
    report_revision: u64,
}

/// What an announcement of a report tells its clock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ReportTick {
    /// When the structure became aware of it.
    pub(crate) aware_at: OffsetDateTime,
    /// When the suite acknowledged it.
    pub(crate) received_at: OffsetDateTime,
    /// The stage that it reached, and when: of an amendment.
    pub(crate) reached: Option<(ReportStage, OffsetDateTime)>,
    /// The breach of personal data is to be notified to the CNIL.
    pub(crate) owes_cnil: bool,
}

/// What tells whether the CNIL is to be notified.
#[derive(Clone, Copy, Debug)]
pub(crate) struct BreachFacts<'a> {
    /// What is reported.
    pub(crate) kind: Option<ReportKind>,
    /// The impacts, as declared.
    pub(crate) impacts: &'a Impacts,
    /// Where it comes from.
    pub(crate) origin: Option<Origin>,
    /// Types of the origin.
    pub(crate) origin_types: &'a BTreeSet<OriginType>,
    /// The declarant says that the CNIL was notified.
    pub(crate) cnil_notified: Option<bool>,
}

/// A reminder of a deadline of a case.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Reminder {
    /// What it is of.
    of: Duty,
    /// On which side of the deadline it comes.
    side: Side,
    /// When it comes.
    #[serde(with = "time::serde::rfc3339")]
    at: OffsetDateTime,
    /// The deadline.
    #[serde(with = "time::serde::rfc3339")]
    due_at: OffsetDateTime,
}

/// What a structure is reminded of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Duty {
    /// A report of its incident.
    Report,
    /// The notification to the CNIL.
    Cnil,
}

/// On which side of a deadline a reminder comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Side {
    /// While there is a quarter of the time left.
    Before,
    /// When it has lapsed.
    After,
}

//! The cases of qualification, as far as intake knows them: where the treatment of each
//! report stands, for the declarant to see and for contacts to be kept as long.

mod decide;
mod events;
mod store;

use time::OffsetDateTime;
use uuid::Uuid;
use vocabulary::CaseState;

pub(crate) use self::{decide::is_ended, events::CaseEvents};

/// Where the treatment of a report stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct CaseProgress {
    /// The case.
    pub(crate) case_id: Uuid,
    /// Its state.
    pub(crate) state: Option<CaseState>,
    /// Its revision: the greatest wins.
    pub(crate) revision: u64,
    /// How many declarations of the report's resolution it has heard of.
    pub(crate) resolutions: u32,
}

/// Where the case of a report stands, and since when it is treated no more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct CaseStanding {
    /// The case.
    progress: CaseProgress,
    /// The first end of its treatment since it was last open; absent while it goes on,
    /// or where an earlier release recorded the end alone.
    ended_at: Option<OffsetDateTime>,
}

/// What the log of cases tells of a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct CaseChange {
    /// Where its treatment stands.
    progress: CaseProgress,
    /// When it came there.
    at: OffsetDateTime,
}

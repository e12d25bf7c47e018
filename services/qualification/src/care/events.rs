//! What consequences for care announce.

use eventlog::NewEvent;
use time::OffsetDateTime;
use vocabulary::{CaseActivity, Role};

use super::Consequence;
use crate::cases::{self, Activity, Audience, Case};

/// Announces that a consequence was recorded: never what it says.
pub(super) fn recorded(case: &Case, consequence: &Consequence) -> NewEvent {
    let at = consequence.recorded_at;
    let role = consequence.author_role;
    announced(case, consequence, CaseActivity::CareRecorded, role, at)
}

/// Announces that a consequence ended.
pub(super) fn ended(case: &Case, consequence: &Consequence, by: Role) -> NewEvent {
    let at = consequence.changed_at;
    announced(case, consequence, CaseActivity::CareEnded, by, at)
}

fn announced(
    case: &Case,
    consequence: &Consequence,
    kind: CaseActivity,
    actor: Role,
    at: OffsetDateTime,
) -> NewEvent {
    let activity = Activity {
        kind,
        id: consequence.id,
        actor,
        audience: Audience::Agencies,
        at,
        due_at: None,
    };
    cases::activity(case, &activity)
}

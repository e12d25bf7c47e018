//! What accompaniment announces.

use eventlog::NewEvent;
use vocabulary::{AccompanimentState, CaseActivity};

use super::Accompaniment;
use crate::cases::{self, Activity, Audience, Case};

/// Announces where accompaniment stands now: never what was said. Nothing of a state that
/// only a later release brings about.
pub(super) fn changed(case: &Case, accompaniment: &Accompaniment) -> Option<NewEvent> {
    let kind = match accompaniment.state {
        AccompanimentState::Asked => CaseActivity::AccompanimentAsked,
        AccompanimentState::Offered => CaseActivity::AccompanimentOffered,
        AccompanimentState::Accepted => CaseActivity::AccompanimentAccepted,
        AccompanimentState::Declined => CaseActivity::AccompanimentDeclined,
        AccompanimentState::Given => CaseActivity::AccompanimentGiven,
        AccompanimentState::Ended => CaseActivity::AccompanimentEnded,
        AccompanimentState::Later(_) => return None,
    };
    let activity = Activity {
        kind,
        id: accompaniment.id,
        actor: accompaniment.actor.role,
        audience: Audience::Structure,
        at: accompaniment.changed_at,
        due_at: None,
    };
    Some(cases::activity(case, &activity))
}

//! What measures announce.

use eventlog::NewEvent;
use vocabulary::CaseActivity;

use super::{Measure, MeasureState, Step};
use crate::cases::{Activity, Audience, Case, activity};

/// Announces a step of a measure, never what it says; nothing of a step that only a
/// later release takes.
pub(super) fn stepped(case: &Case, measure: &Measure, step: &Step) -> Option<NewEvent> {
    let kind = match step.state {
        MeasureState::AskedFor => CaseActivity::MeasureAskedFor,
        MeasureState::Proposed => CaseActivity::MeasureProposed,
        MeasureState::Accepted => CaseActivity::MeasureAccepted,
        MeasureState::Declined => CaseActivity::MeasureDeclined,
        MeasureState::Done => CaseActivity::MeasureDone,
        MeasureState::Withdrawn => CaseActivity::MeasureWithdrawn,
        MeasureState::Later(_) => return None,
    };
    let stepped = Activity {
        kind,
        id: measure.id,
        actor: step.role,
        audience: Audience::Structure,
        at: step.at,
        due_at: None,
    };
    Some(activity(case, &stepped))
}

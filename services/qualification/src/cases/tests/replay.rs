//! A history tells by itself where its case stands.

use proptest::prelude::*;
use time::Duration;
use vocabulary::{CaseState, Role};

use super::{
    super::{
        Action,
        transitions::{Trigger, next_state},
    },
    START, opened, steps, take,
};

/// The state to which the entries of a history lead by the table alone: each the action, the
/// role in which somebody acted and the state after it. Tells the entry that the table has no
/// row for, or leads elsewhere.
pub(crate) fn replayed<'a>(
    entries: impl IntoIterator<Item = (&'a str, Role, CaseState)>,
) -> Result<CaseState, String> {
    let mut state = None;
    for (action, role, after) in entries {
        let triggers: &[Trigger] = match Action::stored(action) {
            Action::Claimed => &[Trigger::Claim],
            Action::HandedOver => &[Trigger::HandOver],
            Action::Asked => &[Trigger::Ask],
            Action::Answered => &[Trigger::Answer],
            Action::Qualified => &[Trigger::QualifyIn, Trigger::DeclareMajor],
            Action::OutOfScope => &[Trigger::QualifyOut],
            Action::PilotTaken => &[Trigger::TakePilot],
            Action::TreatmentBegun => &[Trigger::Treat],
            Action::CareRecorded => &[Trigger::RecordCare],
            Action::Resolved => &[Trigger::Resolve],
            Action::Closed => &[Trigger::Close],
            Action::Duplicate => &[Trigger::MarkDuplicate],
            Action::Attached => &[Trigger::Attach],
            Action::Detached => &[Trigger::Detach],
            Action::Reopened => &[Trigger::Reopen],
            Action::Withdrawn => &[Trigger::Withdraw],
            // They move nothing.
            Action::Opened
            | Action::Amended
            | Action::LinkDecided
            | Action::ReportAttached
            | Action::Noted => &[],
            Action::Later(word) => return Err(format!("{word:?} is no action")),
        };
        let next = match (state, triggers) {
            (None, []) => Some(CaseState::Submitted),
            (None, _) => None,
            (Some(from), []) => Some(from),
            (Some(from), _) => triggers.iter().find_map(|it| next_state(from, *it, role)),
        };
        if next != Some(after) {
            return Err(format!(
                "{action} by {role} leads from {state:?} to {next:?}, not {after:?}"
            ));
        }
        state = next;
    }
    state.ok_or_else(|| "a history begins with its opening".to_owned())
}

proptest! {
    #[test]
    fn a_history_leads_by_the_table_to_the_state_of_its_case(steps in steps()) {
        let mut case = opened();
        let mut history = vec![("opened", Role::Service, case.state)];
        for (step, seconds) in steps.iter().zip(1..) {
            let (next, change) = take(&case, step, START + Duration::seconds(seconds));
            history.extend(change.map(|it| (it.action.as_str(), it.actor.role(), it.state)));
            case = next;
        }
        prop_assert_eq!(replayed(history), Ok(case.state));
    }
}

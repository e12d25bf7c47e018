//! The state machine of a measure, as a table: state × trigger × role.

use vocabulary::Role::{self, Analyst, Declarant, RegionalAgent};

use super::MeasureState::{self, Accepted, AskedFor, Declined, Done, Proposed, Withdrawn};

use Trigger::{Accept, Ask, Complete, Decline, Propose, Withdraw};

/// The whole state machine of a measure: what leads from a state, by whom, where. A
/// command without a row is refused with `WRONG_STATE`.
pub(super) const TRANSITIONS: &[Transition] = &[
    row(None, Ask, Declarant, AskedFor),
    row(None, Propose, Analyst, Proposed),
    // The cell answers what was asked for.
    row(Some(AskedFor), Propose, Analyst, Proposed),
    row(Some(AskedFor), Decline, Analyst, Declined),
    // The structure answers what is proposed; an agent of its region on its behalf.
    row(Some(Proposed), Accept, Declarant, Accepted),
    row(Some(Proposed), Accept, RegionalAgent, Accepted),
    row(Some(Proposed), Decline, Declarant, Declined),
    row(Some(Proposed), Decline, RegionalAgent, Declined),
    row(Some(Proposed), Withdraw, Analyst, Withdrawn),
    row(Some(Accepted), Complete, Declarant, Done),
    row(Some(Accepted), Complete, RegionalAgent, Done),
];

/// One row of the state machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Transition {
    /// Where the measure stands; `None` before it is begun.
    pub(super) from: Option<MeasureState>,
    /// What comes.
    pub(super) trigger: Trigger,
    /// Who may bring it.
    pub(super) by: Role,
    /// Where the measure stands afterwards.
    pub(super) to: MeasureState,
}

/// What may lead a measure from one state to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Trigger {
    /// The structure asks for measures.
    Ask,
    /// The cell proposes it.
    Propose,
    /// The structure will carry it out.
    Accept,
    /// Refused by whom it was proposed to or asked of.
    Decline,
    /// The structure has carried it out.
    Complete,
    /// The cell takes its proposal back.
    Withdraw,
}

const fn row(
    from: Option<MeasureState>,
    trigger: Trigger,
    by: Role,
    to: MeasureState,
) -> Transition {
    Transition {
        from,
        trigger,
        by,
        to,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_state_trigger_and_role_has_two_rows() {
        for (index, row) in TRANSITIONS.iter().enumerate() {
            let key = |row: &Transition| (row.from, row.trigger, row.by);
            assert!(
                TRANSITIONS[..index].iter().all(|it| key(it) != key(row)),
                "{row:?}"
            );
        }
    }

    #[test]
    fn every_state_is_entered_and_three_of_them_are_ends() {
        for &state in MeasureState::ALL {
            assert!(TRANSITIONS.iter().any(|row| row.to == state), "{state:?}");
            let ends = !TRANSITIONS.iter().any(|row| row.from == Some(state));
            assert_eq!(ends, matches!(state, Declined | Done | Withdrawn));
        }
    }
}

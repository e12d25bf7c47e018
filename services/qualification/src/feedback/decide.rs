//! When feedback is given, and of which side.

use vocabulary::{CaseState, Role};

/// Why feedback is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// The incident is not over.
    NotOver(CaseState),
}

/// Decides whether feedback on a case may be given: once the structure says that the
/// incident is over, or the cell has closed the case.
pub(super) fn give(state: CaseState) -> Result<(), Refusal> {
    match state {
        CaseState::Resolved | CaseState::Closed => Ok(()),
        _ => Err(Refusal::NotOver(state)),
    }
}

/// The place of a side among the others: the structure's first.
pub(super) fn place(side: Role) -> u8 {
    match side {
        Role::Declarant => 0,
        Role::Analyst => 1,
        _ => 2,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn feedback_is_given_once_the_incident_is_over() {
        for &state in CaseState::ALL {
            let over = matches!(state, CaseState::Resolved | CaseState::Closed);
            assert_eq!(give(state).is_ok(), over, "{state}");
        }
    }

    #[test]
    fn the_structure_comes_first() {
        let mut sides = [Role::RegionalAgent, Role::Analyst, Role::Declarant];
        sides.sort_by_key(|side| place(*side));
        assert_eq!(sides, [Role::Declarant, Role::Analyst, Role::RegionalAgent]);
    }
}

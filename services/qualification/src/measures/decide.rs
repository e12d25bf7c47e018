//! The decisions on a measure: what a command makes of it.

use std::collections::BTreeSet;

use time::OffsetDateTime;
use vocabulary::{Line, MeasureKind, Role};

use super::{
    Body, Measure, MeasureState, Step, Title,
    catalogue::Language,
    transitions::{TRANSITIONS, Trigger},
};

/// What may be asked of a measure.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Command {
    /// The structure asks the cell for measures.
    Ask {
        /// The kind that is asked for; the cell chooses when `None`.
        kind: Option<MeasureKind>,
        /// What the structure needs.
        request: Body,
    },
    /// The cell proposes it.
    Propose(Proposal),
    /// The structure will carry it out.
    Accept,
    /// Refused by whom it was proposed to or asked of.
    Decline {
        /// Why.
        reason: Body,
    },
    /// The structure has carried it out.
    Complete,
    /// The cell takes its proposal back.
    Withdraw {
        /// Why.
        reason: Option<Body>,
    },
}

/// What is proposed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Proposal {
    /// An entry of the catalogue.
    Entry {
        /// Its code.
        code: Line<1, 60>,
        /// The language of the copy.
        language: Language,
    },
    /// The analyst's own words.
    Draft {
        /// What it is for.
        kind: MeasureKind,
        /// What it is, in one line.
        title: Title,
        /// What to do.
        text: Body,
    },
}

impl Command {
    /// The column of the table of transitions.
    pub(super) const fn trigger(&self) -> Trigger {
        match self {
            Self::Ask { .. } => Trigger::Ask,
            Self::Propose(_) => Trigger::Propose,
            Self::Accept => Trigger::Accept,
            Self::Decline { .. } => Trigger::Decline,
            Self::Complete => Trigger::Complete,
            Self::Withdraw { .. } => Trigger::Withdraw,
        }
    }
}

/// Who commands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Actor {
    /// The roles through which the actor sees the case: no other lends its reach.
    pub(super) roles: BTreeSet<Role>,
    /// Who acts.
    pub(super) subject: String,
}

/// Why a command is not carried out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// The state of the measure does not allow it.
    WrongState(Option<MeasureState>),
    /// None of the roles ever gives this command.
    WrongRole,
    /// A later release led the measure where this one does not know the way.
    Ahead,
}

/// Takes the next step of a measure on an open case, or refuses it.
pub(super) fn advance(
    measure: &Measure,
    trigger: Trigger,
    actor: &Actor,
    now: OffsetDateTime,
) -> Result<Step, Refusal> {
    let state = measure.state();
    if matches!(state, Some(MeasureState::Later(_))) {
        return Err(Refusal::Ahead);
    }
    let mut given = TRANSITIONS
        .iter()
        .filter(|row| row.trigger == trigger && actor.roles.contains(&row.by))
        .peekable();
    if given.peek().is_none() {
        return Err(Refusal::WrongRole);
    }
    let row = given.find(|row| row.from == state);
    let row = row.ok_or(Refusal::WrongState(state))?;
    // The moment of a command that waited its turn may lie behind that of the step that it
    // waited for.
    let before = measure.steps.last().map_or(now, |step| step.at);
    Ok(Step {
        state: row.to,
        at: now.max(before),
        role: row.by,
        subject: actor.subject.clone(),
    })
}

#[cfg(test)]
mod tests {
    use proptest::{collection::vec, prelude::*, sample::select};
    use time::Duration;
    use uuid::Uuid;

    use super::*;

    const START: OffsetDateTime = time::macros::datetime!(2026-11-23 09:00 UTC);
    const TRIGGERS: [Trigger; 6] = [
        Trigger::Ask,
        Trigger::Propose,
        Trigger::Accept,
        Trigger::Decline,
        Trigger::Complete,
        Trigger::Withdraw,
    ];

    fn actor(roles: &[Role]) -> Actor {
        Actor {
            roles: roles.iter().copied().collect(),
            subject: "somebody".to_owned(),
        }
    }

    fn measure(states: &[MeasureState]) -> Measure {
        let mut measure = Measure::new(Uuid::from_u128(1), Uuid::from_u128(2));
        measure.steps = states
            .iter()
            .map(|&state| Step {
                state,
                at: START,
                role: Role::Analyst,
                subject: "ana".to_owned(),
            })
            .collect();
        measure
    }

    /// Several roles, mostly those that the table names.
    fn roles() -> impl Strategy<Value = Vec<Role>> {
        let named = select(vec![Role::Analyst, Role::Declarant, Role::RegionalAgent]);
        vec(
            prop_oneof![5 => named, 1 => select(Role::ALL.to_vec())],
            0..3,
        )
    }

    proptest! {
        #[test]
        fn no_sequence_of_commands_leaves_the_table(
            commands in vec((select(TRIGGERS.to_vec()), roles(), -5..60_i64), 0..24),
        ) {
            let mut measure = measure(&[]);
            for (trigger, roles, seconds) in commands {
                let now = START + Duration::seconds(seconds);
                let row = TRANSITIONS.iter().find(|row| {
                    (row.from, row.trigger) == (measure.state(), trigger) && roles.contains(&row.by)
                });
                let known = TRANSITIONS
                    .iter()
                    .any(|row| row.trigger == trigger && roles.contains(&row.by));
                match advance(&measure, trigger, &actor(&roles), now) {
                    Ok(step) => {
                        let row = row.expect("a step is a row of the table");
                        prop_assert_eq!((step.state, step.role), (row.to, row.by));
                        prop_assert!(measure.steps.last().is_none_or(|last| last.at <= step.at));
                        measure.steps.push(step);
                    }
                    Err(Refusal::WrongState(state)) => {
                        prop_assert!(row.is_none() && known && state == measure.state());
                    }
                    Err(refusal) => {
                        prop_assert!(!known && refusal == Refusal::WrongRole);
                    }
                }
                // Asked for, proposed, accepted, done: no way is longer.
                prop_assert!(measure.steps.len() <= 4);
            }
        }
    }

    #[test]
    fn who_asked_does_not_decline_for_the_cell_nor_the_cell_for_the_structure() {
        let decline = |state, role| {
            advance(&measure(&[state]), Trigger::Decline, &actor(&[role]), START)
                .map(|step| step.state)
        };
        let (asked, proposed) = (MeasureState::AskedFor, MeasureState::Proposed);
        assert_eq!(decline(asked, Role::Analyst), Ok(MeasureState::Declined));
        let refused = Err(Refusal::WrongState(Some(asked)));
        assert_eq!(decline(asked, Role::Declarant), refused);
        assert_eq!(
            decline(proposed, Role::Declarant),
            Ok(MeasureState::Declined)
        );
        let refused = Err(Refusal::WrongState(Some(proposed)));
        assert_eq!(decline(proposed, Role::Analyst), refused);
    }

    #[test]
    fn a_state_of_a_later_release_is_kept_and_left_alone() {
        let later = MeasureState::from("under_way".to_owned());
        assert_eq!(String::from(later), "under_way");
        let left = measure(&[later]);
        for trigger in TRIGGERS {
            let everybody = actor(Role::ALL);
            let refused = advance(&left, trigger, &everybody, START);
            assert_eq!(refused, Err(Refusal::Ahead));
        }
    }
}

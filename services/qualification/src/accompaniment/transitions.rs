//! The states of accompaniment, as a table: state × command × role.

use vocabulary::{
    AccompanimentState::{self, Accepted, Asked, Declined, Ended, Given, Offered},
    Role::{self, Analyst, Declarant, RegionalAgent},
};

use Trigger::{Accept, Begin, Decline, End, Offer};

/// What leads from a state, by whom, where. A request of the structure opens one in
/// `Asked`, an offer that takes up none opens one in `Offered`. A command without a row
/// is refused.
pub(super) const TRANSITIONS: &[Transition] = &[
    row(Asked, Offer, Analyst, Offered),
    row(Asked, Offer, RegionalAgent, Offered),
    // The structure answers; whoever takes its call enters what it says.
    row(Offered, Accept, Declarant, Accepted),
    row(Offered, Accept, Analyst, Accepted),
    row(Offered, Accept, RegionalAgent, Accepted),
    row(Offered, Decline, Declarant, Declined),
    row(Offered, Decline, Analyst, Declined),
    row(Offered, Decline, RegionalAgent, Declined),
    row(Accepted, Begin, Analyst, Given),
    row(Accepted, Begin, RegionalAgent, Given),
    // What is asked for or offered and will not be given ends too, with the reason.
    row(Asked, End, Analyst, Ended),
    row(Offered, End, Analyst, Ended),
    row(Accepted, End, Analyst, Ended),
    row(Given, End, Analyst, Ended),
    row(Asked, End, RegionalAgent, Ended),
    row(Offered, End, RegionalAgent, Ended),
    row(Accepted, End, RegionalAgent, Ended),
    row(Given, End, RegionalAgent, Ended),
];

/// One row of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Transition {
    /// Where it stands.
    pub(super) from: AccompanimentState,
    /// What comes.
    pub(super) trigger: Trigger,
    /// Who may bring it.
    pub(super) by: Role,
    /// Where it stands afterwards.
    pub(super) to: AccompanimentState,
}

/// What may lead accompaniment from one state to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Trigger {
    /// Proposition to the structure.
    Offer,
    /// Acceptation by the structure.
    Accept,
    /// Refus by the structure.
    Decline,
    /// Début.
    Begin,
    /// Fin.
    End,
}

/// Where a trigger leads from a state when this role brings it; `None` when the table has
/// no such row.
pub(super) fn next_state(
    from: AccompanimentState,
    trigger: Trigger,
    by: Role,
) -> Option<AccompanimentState> {
    TRANSITIONS
        .iter()
        .find(|row| row.from == from && row.trigger == trigger && row.by == by)
        .map(|row| row.to)
}

const fn row(
    from: AccompanimentState,
    trigger: Trigger,
    by: Role,
    to: AccompanimentState,
) -> Transition {
    Transition {
        from,
        trigger,
        by,
        to,
    }
}

//! The state machine of a case, as a table: state × command × role.

use vocabulary::{
    CaseState::{
        self, AwaitingDeclarant, Closed, InQualification, InTreatment, OutOfScope, Qualified,
        Resolved, Submitted, Withdrawn,
    },
    Role::{self, Analyst, Service},
};

use Trigger::{Claim, Close, QualifyIn, QualifyOut, Withdraw};

/// The whole state machine of a case: what leads from a state, by whom, where.
///
/// A command without a row is refused with `WRONG_STATE`. An event without a
/// row is noted in the history and changes nothing else: it has happened and
/// cannot be refused. The role `Service` stands for the log of another service.
/// `STATES.md` beside this crate's manifest shows the table for people.
pub(crate) const TRANSITIONS: &[Transition] = &[
    // Taking a case in charge, or over from a colleague, never sets it back.
    row(Submitted, Claim, Analyst, InQualification),
    row(InQualification, Claim, Analyst, InQualification),
    row(AwaitingDeclarant, Claim, Analyst, AwaitingDeclarant),
    row(Qualified, Claim, Analyst, Qualified),
    row(InTreatment, Claim, Analyst, InTreatment),
    row(Resolved, Claim, Analyst, Resolved),
    // A qualification may be repeated while the case is open: the last holds.
    row(Submitted, QualifyIn, Analyst, Qualified),
    row(InQualification, QualifyIn, Analyst, Qualified),
    row(AwaitingDeclarant, QualifyIn, Analyst, Qualified),
    row(Qualified, QualifyIn, Analyst, Qualified),
    row(InTreatment, QualifyIn, Analyst, InTreatment),
    row(Resolved, QualifyIn, Analyst, Resolved),
    // Out of scope ends the case.
    row(Submitted, QualifyOut, Analyst, OutOfScope),
    row(InQualification, QualifyOut, Analyst, OutOfScope),
    row(AwaitingDeclarant, QualifyOut, Analyst, OutOfScope),
    row(Qualified, QualifyOut, Analyst, OutOfScope),
    row(InTreatment, QualifyOut, Analyst, OutOfScope),
    row(Resolved, QualifyOut, Analyst, OutOfScope),
    // Nothing closes before it was qualified.
    row(Qualified, Close, Analyst, Closed),
    row(InTreatment, Close, Analyst, Closed),
    row(Resolved, Close, Analyst, Closed),
    // The declarant withdrew the report as a false alarm.
    row(Submitted, Withdraw, Service, Withdrawn),
    row(InQualification, Withdraw, Service, Withdrawn),
    row(AwaitingDeclarant, Withdraw, Service, Withdrawn),
    row(Qualified, Withdraw, Service, Withdrawn),
    row(InTreatment, Withdraw, Service, Withdrawn),
    row(Resolved, Withdraw, Service, Withdrawn),
];

/// One row of the state machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Transition {
    /// Where the case stands.
    pub(crate) from: CaseState,
    /// What comes.
    pub(crate) trigger: Trigger,
    /// Who may bring it.
    pub(crate) by: Role,
    /// Where the case stands afterwards.
    pub(crate) to: CaseState,
}

/// What may lead a case from one state to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Trigger {
    /// Prise en charge by an analyst.
    Claim,
    /// Qualification dans le périmètre.
    QualifyIn,
    /// Qualification hors périmètre.
    QualifyOut,
    /// Clôture, with its feedback (retour d'expérience).
    Close,
    /// Retrait by the declarant: an event.
    Withdraw,
}

/// Where a trigger leads from a state when this role brings it; `None` when the
/// table has no such row.
pub(crate) fn next_state(from: CaseState, trigger: Trigger, by: Role) -> Option<CaseState> {
    TRANSITIONS
        .iter()
        .find(|row| row.from == from && row.trigger == trigger && row.by == by)
        .map(|row| row.to)
}

const fn row(from: CaseState, trigger: Trigger, by: Role, to: CaseState) -> Transition {
    Transition {
        from,
        trigger,
        by,
        to,
    }
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeSet, fmt::Write as _, fs};

    use super::*;

    /// The columns of the page, in its order, with their titles.
    const COLUMNS: &[(Trigger, &str)] = &[
        (Claim, "claim"),
        (QualifyIn, "qualify in scope"),
        (QualifyOut, "qualify out of scope"),
        (Close, "close"),
        (Withdraw, "withdrawn (event)"),
    ];

    #[test]
    fn no_state_trigger_and_role_has_two_rows() {
        let keys: BTreeSet<_> = TRANSITIONS
            .iter()
            .map(|r| (r.from, r.trigger, r.by))
            .collect();
        assert_eq!(keys.len(), TRANSITIONS.len());
    }

    #[test]
    fn nothing_leads_out_of_the_four_ends_and_something_out_of_all_else() {
        for &state in CaseState::ALL {
            let leads_on = TRANSITIONS.iter().any(|row| row.from == state);
            let ended = matches!(
                state,
                Closed | OutOfScope | CaseState::Duplicate | Withdrawn
            );
            assert_eq!(leads_on, !ended, "{state}");
        }
    }

    #[test]
    fn the_page_has_a_column_for_every_trigger() {
        for row in TRANSITIONS {
            assert!(
                COLUMNS.iter().any(|(trigger, _)| *trigger == row.trigger),
                "{row:?}"
            );
        }
    }

    /// `UPDATE_STATES=1 cargo test -p qualification` writes the page anew.
    #[test]
    fn the_page_for_people_shows_this_very_table() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/STATES.md");
        let page = page();
        if option_env!("UPDATE_STATES").is_some() {
            fs::write(path, &page).unwrap();
        }
        assert_eq!(fs::read_to_string(path).unwrap_or_default(), page);
    }

    fn page() -> String {
        let mut page = String::from(
            "# The states of a case\n\n\
             Written by a test from the table in `src/cases/transitions.rs`; change it there.\n\n\
             A cell names the state that follows; an empty one refuses a command with \
             `WRONG_STATE`, and turns an event into a note of the history. Opening, from a \
             submitted report, leads to `submitted`.\n\n",
        );
        let role_of = |trigger| {
            TRANSITIONS
                .iter()
                .find(|r| r.trigger == trigger)
                .unwrap()
                .by
        };
        page.push_str("| state | |");
        for (_, title) in COLUMNS {
            write!(page, " {title} |").unwrap();
        }
        page.push_str("\n|---|---|");
        page.push_str(&"---|".repeat(COLUMNS.len()));
        page.push_str("\n| *by* | |");
        for &(trigger, _) in COLUMNS {
            write!(page, " *{}* |", role_of(trigger)).unwrap();
        }
        for &state in CaseState::ALL {
            write!(page, "\n| `{state}` | {} |", state.french()).unwrap();
            for &(trigger, _) in COLUMNS {
                match next_state(state, trigger, role_of(trigger)) {
                    Some(next) => write!(page, " `{next}` |").unwrap(),
                    None => page.push_str(" |"),
                }
            }
        }
        let entered = |state: &CaseState| {
            *state == Submitted
                || TRANSITIONS
                    .iter()
                    .any(|r| r.to == *state && r.from != *state)
        };
        let absent: Vec<_> = CaseState::ALL
            .iter()
            .filter(|s| !entered(s))
            .map(|s| format!("`{s}`"))
            .collect();
        writeln!(
            page,
            "\n\nNothing leads to these states yet; the contract has them, and a case that a \
             later release left there is understood: {}.",
            absent.join(", ")
        )
        .unwrap();
        page
    }
}

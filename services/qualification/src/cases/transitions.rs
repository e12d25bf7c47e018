//! The state machine of a case, as a table: state × command × role.

use vocabulary::{
    CaseState::{
        self, AwaitingDeclarant, Closed, Duplicate, InQualification, InTreatment, OutOfScope,
        Qualified, Resolved, Submitted, Withdrawn,
    },
    Role::{self, Analyst, Declarant, RegionalAgent, SecurityOfficer, Service},
};

use Trigger::{
    Answer, Ask, Attach, Claim, Close, DeclareMajor, Detach, HandOver, MarkDuplicate, QualifyIn,
    QualifyOut, RecordCare, Reopen, Resolve, TakePilot, Treat, Withdraw,
};

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
    row(Submitted, HandOver, Analyst, InQualification),
    row(InQualification, HandOver, Analyst, InQualification),
    row(AwaitingDeclarant, HandOver, Analyst, AwaitingDeclarant),
    row(Qualified, HandOver, Analyst, Qualified),
    row(InTreatment, HandOver, Analyst, InTreatment),
    row(Resolved, HandOver, Analyst, Resolved),
    // The cell waits for what it needs to qualify. Once the case is qualified a request
    // sets nothing back, and what the agencies and the FSSI ask for never does.
    row(Submitted, Ask, Analyst, AwaitingDeclarant),
    row(InQualification, Ask, Analyst, AwaitingDeclarant),
    row(AwaitingDeclarant, Ask, Analyst, AwaitingDeclarant),
    row(Qualified, Ask, Analyst, Qualified),
    row(InTreatment, Ask, Analyst, InTreatment),
    row(Resolved, Ask, Analyst, Resolved),
    row(Submitted, Ask, RegionalAgent, Submitted),
    row(InQualification, Ask, RegionalAgent, InQualification),
    row(AwaitingDeclarant, Ask, RegionalAgent, AwaitingDeclarant),
    row(Qualified, Ask, RegionalAgent, Qualified),
    row(InTreatment, Ask, RegionalAgent, InTreatment),
    row(Resolved, Ask, RegionalAgent, Resolved),
    row(Submitted, Ask, SecurityOfficer, Submitted),
    row(InQualification, Ask, SecurityOfficer, InQualification),
    row(AwaitingDeclarant, Ask, SecurityOfficer, AwaitingDeclarant),
    row(Qualified, Ask, SecurityOfficer, Qualified),
    row(InTreatment, Ask, SecurityOfficer, InTreatment),
    row(Resolved, Ask, SecurityOfficer, Resolved),
    // The last of what the cell waited for was answered, by the structure or an agency on
    // its behalf, or is no longer needed.
    row(AwaitingDeclarant, Answer, Declarant, InQualification),
    row(AwaitingDeclarant, Answer, RegionalAgent, InQualification),
    row(AwaitingDeclarant, Answer, Analyst, InQualification),
    // A qualification may be repeated while the case is open: the last holds.
    row(Submitted, QualifyIn, Analyst, Qualified),
    row(InQualification, QualifyIn, Analyst, Qualified),
    row(AwaitingDeclarant, QualifyIn, Analyst, Qualified),
    row(Qualified, QualifyIn, Analyst, Qualified),
    row(InTreatment, QualifyIn, Analyst, InTreatment),
    row(Resolved, QualifyIn, Analyst, Resolved),
    // The cell or the FSSI judges it major: it is qualified by that, if it was not.
    row(Submitted, DeclareMajor, Analyst, Qualified),
    row(InQualification, DeclareMajor, Analyst, Qualified),
    row(AwaitingDeclarant, DeclareMajor, Analyst, Qualified),
    row(Qualified, DeclareMajor, Analyst, Qualified),
    row(InTreatment, DeclareMajor, Analyst, InTreatment),
    row(Resolved, DeclareMajor, Analyst, Resolved),
    row(Submitted, DeclareMajor, SecurityOfficer, Qualified),
    row(InQualification, DeclareMajor, SecurityOfficer, Qualified),
    row(AwaitingDeclarant, DeclareMajor, SecurityOfficer, Qualified),
    row(Qualified, DeclareMajor, SecurityOfficer, Qualified),
    row(InTreatment, DeclareMajor, SecurityOfficer, InTreatment),
    row(Resolved, DeclareMajor, SecurityOfficer, Resolved),
    // The FSSI pilots, one officer at a time.
    row(Submitted, TakePilot, SecurityOfficer, Submitted),
    row(InQualification, TakePilot, SecurityOfficer, InQualification),
    row(
        AwaitingDeclarant,
        TakePilot,
        SecurityOfficer,
        AwaitingDeclarant,
    ),
    row(Qualified, TakePilot, SecurityOfficer, Qualified),
    row(InTreatment, TakePilot, SecurityOfficer, InTreatment),
    row(Resolved, TakePilot, SecurityOfficer, Resolved),
    // Out of scope ends the case.
    row(Submitted, QualifyOut, Analyst, OutOfScope),
    row(InQualification, QualifyOut, Analyst, OutOfScope),
    row(AwaitingDeclarant, QualifyOut, Analyst, OutOfScope),
    row(Qualified, QualifyOut, Analyst, OutOfScope),
    row(InTreatment, QualifyOut, Analyst, OutOfScope),
    row(Resolved, QualifyOut, Analyst, OutOfScope),
    // A measure is proposed to the structure, or it is accompanied.
    row(Qualified, Treat, Analyst, InTreatment),
    row(InTreatment, Treat, Analyst, InTreatment),
    row(Resolved, Treat, Analyst, Resolved),
    row(Qualified, Treat, RegionalAgent, InTreatment),
    row(InTreatment, Treat, RegionalAgent, InTreatment),
    row(Resolved, Treat, RegionalAgent, Resolved),
    // An agency, or the cell for it, records what the incident does to care.
    row(Submitted, RecordCare, RegionalAgent, Submitted),
    row(InQualification, RecordCare, RegionalAgent, InQualification),
    row(
        AwaitingDeclarant,
        RecordCare,
        RegionalAgent,
        AwaitingDeclarant,
    ),
    row(Qualified, RecordCare, RegionalAgent, Qualified),
    row(InTreatment, RecordCare, RegionalAgent, InTreatment),
    row(Resolved, RecordCare, RegionalAgent, Resolved),
    row(Submitted, RecordCare, Analyst, Submitted),
    row(InQualification, RecordCare, Analyst, InQualification),
    row(AwaitingDeclarant, RecordCare, Analyst, AwaitingDeclarant),
    row(Qualified, RecordCare, Analyst, Qualified),
    row(InTreatment, RecordCare, Analyst, InTreatment),
    row(Resolved, RecordCare, Analyst, Resolved),
    // The structure declared the resolution (art. D.1111-16-3 CSP).
    row(Submitted, Resolve, Service, Resolved),
    row(InQualification, Resolve, Service, Resolved),
    row(AwaitingDeclarant, Resolve, Service, Resolved),
    row(Qualified, Resolve, Service, Resolved),
    row(InTreatment, Resolve, Service, Resolved),
    row(Resolved, Resolve, Service, Resolved),
    // Another case goes on in its place.
    row(Submitted, MarkDuplicate, Analyst, Duplicate),
    row(InQualification, MarkDuplicate, Analyst, Duplicate),
    row(AwaitingDeclarant, MarkDuplicate, Analyst, Duplicate),
    row(Qualified, MarkDuplicate, Analyst, Duplicate),
    row(InTreatment, MarkDuplicate, Analyst, Duplicate),
    row(Resolved, MarkDuplicate, Analyst, Duplicate),
    // The case of a common cause goes on beside this one, which stays where it is.
    row(Submitted, Attach, Analyst, Submitted),
    row(InQualification, Attach, Analyst, InQualification),
    row(AwaitingDeclarant, Attach, Analyst, AwaitingDeclarant),
    row(Qualified, Attach, Analyst, Qualified),
    row(InTreatment, Attach, Analyst, InTreatment),
    row(Resolved, Attach, Analyst, Resolved),
    row(Submitted, Detach, Analyst, Submitted),
    row(InQualification, Detach, Analyst, InQualification),
    row(AwaitingDeclarant, Detach, Analyst, AwaitingDeclarant),
    row(Qualified, Detach, Analyst, Qualified),
    row(InTreatment, Detach, Analyst, InTreatment),
    row(Resolved, Detach, Analyst, Resolved),
    // What the cell ended it may open again.
    row(Closed, Reopen, Analyst, InQualification),
    row(OutOfScope, Reopen, Analyst, InQualification),
    row(Duplicate, Reopen, Analyst, InQualification),
    // Nothing closes before it was qualified, not even what is resolved: see `decide`.
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
    /// Incident jugé majeur.
    DeclareMajor,
    /// Prise de pilotage by the FSSI.
    TakePilot,
    /// Transmission to another analyst.
    HandOver,
    /// Demande de complément to the structure.
    Ask,
    /// Réponse to the last request that the cell waits for.
    Answer,
    /// Début du traitement: a measure, or accompaniment.
    Treat,
    /// Conséquence sur l'offre de soins, recorded by an agency.
    RecordCare,
    /// Résolution declared by the structure: an event.
    Resolve,
    /// Doublon of another case.
    MarkDuplicate,
    /// Rattachement to the case of a common cause.
    Attach,
    /// Its end.
    Detach,
    /// Réouverture.
    Reopen,
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

/// The roles that bring a trigger, in the order of the table.
pub(crate) fn roles_of(trigger: Trigger) -> Vec<Role> {
    let mut roles = Vec::new();
    for row in TRANSITIONS.iter().filter(|row| row.trigger == trigger) {
        if !roles.contains(&row.by) {
            roles.push(row.by);
        }
    }
    roles
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
        (HandOver, "hand over"),
        (Ask, "request information"),
        (Answer, "all answered"),
        (QualifyIn, "qualify in scope"),
        (QualifyOut, "qualify out of scope"),
        (DeclareMajor, "declare major"),
        (TakePilot, "take the pilotage"),
        (Treat, "treat"),
        (RecordCare, "record care"),
        (Resolve, "resolved (event)"),
        (Close, "close"),
        (MarkDuplicate, "mark as duplicate"),
        (Attach, "attach"),
        (Detach, "detach"),
        (Reopen, "reopen"),
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
    fn an_end_leads_to_nothing_but_its_reopening_and_a_withdrawal_not_even_there() {
        for &state in CaseState::ALL {
            let leads_to: BTreeSet<_> = TRANSITIONS
                .iter()
                .filter(|row| row.from == state)
                .map(|row| row.trigger)
                .collect();
            match state {
                Withdrawn => assert!(leads_to.is_empty()),
                Closed | OutOfScope | Duplicate => assert_eq!(leads_to, [Reopen].into()),
                _ => assert!(leads_to.contains(&QualifyIn) && !leads_to.contains(&Reopen)),
            }
        }
    }

    #[test]
    fn a_role_that_may_bring_a_trigger_may_bring_it_wherever_it_leads_on() {
        for &(trigger, title) in COLUMNS {
            let states = |by: Role| {
                let rows = TRANSITIONS.iter().filter(move |row| row.trigger == trigger);
                rows.filter(move |row| row.by == by)
                    .map(|row| row.from)
                    .collect::<BTreeSet<_>>()
            };
            let of_first = states(roles_of(trigger)[0]);
            for role in roles_of(trigger) {
                assert_eq!(states(role), of_first, "{title} by {role}");
            }
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
             A cell names the state that follows, for the first of the roles; another role \
             that leads elsewhere is named with it. An empty one refuses a command with \
             `WRONG_STATE`, and turns an event into a note of the history. Opening, from a \
             submitted report, leads to `submitted`. A case that is resolved closes only once \
             it was qualified.\n\n",
        );
        page.push_str("| state | |");
        for (_, title) in COLUMNS {
            write!(page, " {title} |").unwrap();
        }
        page.push_str("\n|---|---|");
        page.push_str(&"---|".repeat(COLUMNS.len()));
        page.push_str("\n| *by* | |");
        for &(trigger, _) in COLUMNS {
            let roles: Vec<_> = roles_of(trigger).iter().map(Role::to_string).collect();
            write!(page, " *{}* |", roles.join(", ")).unwrap();
        }
        for &state in CaseState::ALL {
            write!(page, "\n| `{state}` | {} |", state.french()).unwrap();
            for &(trigger, _) in COLUMNS {
                let roles = roles_of(trigger);
                let first = next_state(state, trigger, roles[0]);
                if let Some(next) = first {
                    write!(page, " `{next}`").unwrap();
                }
                for &role in &roles[1..] {
                    let next = next_state(state, trigger, role);
                    if let Some(next) = next.filter(|_| next != first) {
                        write!(page, ", {role} `{next}`").unwrap();
                    }
                }
                page.push_str(" |");
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
        assert!(absent.is_empty(), "nothing leads to {}", absent.join(", "));
        page.push('\n');
        page
    }
}

//! What holds for every case, whatever comes in whatever order.

mod care;
mod causes;
mod ending;
mod major;
mod replay;

use proptest::{collection::vec, prelude::*, sample::select};
use time::{Duration, OffsetDateTime};
use uuid::Uuid;
use vocabulary::{
    CareImpact, CaseState, Impacts, Origin, OriginType, Party, Reach, ReportKind, Role, Severity,
    Word as _, propose_severity,
};

use super::{
    decide::{
        Announced, AnnouncedBy, Command, Lessons, Note, Refusal, Scope, Subject, Withdrawal,
        acting_role, amend, apply, decide, open, resolve,
    },
    transitions::{TRANSITIONS, Trigger},
    *,
};

pub(crate) use self::replay::replayed;

const START: OffsetDateTime = time::macros::datetime!(2026-11-23 09:00 UTC);

#[derive(Clone, Debug)]
enum Step {
    Command(Command, Role),
    Withdrawal,
    Resolution,
}

fn is_ended(state: CaseState) -> bool {
    let mut rows = TRANSITIONS.iter().filter(|row| row.from == state);
    rows.all(|row| row.trigger == Trigger::Reopen)
}

fn triage(care: Option<CareImpact>) -> Triage {
    let impacts = Impacts {
        care,
        ..Impacts::default()
    };
    Triage {
        origin: Some(Origin::Unknown),
        origin_types: [].into(),
        severity: propose_severity(ReportKind::Incident, &impacts),
        impacts,
    }
}

pub(crate) fn opened() -> Case {
    let report = Report {
        id: Uuid::from_u128(17),
        revision: 1,
        reference: "SIG-2026-000001X".to_owned(),
        kind: Some(ReportKind::Incident),
        structure_name: "Centre hospitalier".to_owned(),
        structure_kind: None,
        structure_town: None,
        structure_key: None,
        routing_region: "76".to_owned(),
        declared_at: START,
        description: "Serveurs chiffrés".to_owned(),
        assistance_requested: false,
        test: false,
        cause_reference: None,
        link: None,
        sealed: Some(Sealed {
            sealed: b"contacts".to_vec(),
            data_key: b"key".to_vec(),
        }),
    };
    let parties = ["cell", "fssi", "ars:76"]
        .map(str::to_owned)
        .into_iter()
        .collect();
    open(report, triage(None), parties, None, START).0
}

pub(crate) fn resolution() -> Resolution {
    Resolution {
        number: 1,
        resolved_at: START,
        declared_at: START,
        declared_by: Some(Role::Declarant),
        on_behalf: false,
        sealed_how: b"sealed".to_vec(),
    }
}

fn note() -> Note {
    Note::try_from("mot".to_owned()).unwrap()
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let cares = select(vec![
        None,
        Some(CareImpact::None),
        Some(CareImpact::Interruption),
    ]);
    let lessons = Lessons::try_from("leçons".to_owned()).ok();
    let command = prop_oneof![
        Just(Command::Claim),
        cares.prop_map(|care| {
            Command::Qualify(Scope::In {
                triage: triage(care),
                note: Some(note()),
            })
        }),
        select(vec![CareImpact::DegradedMode, CareImpact::Interruption])
            .prop_map(|impact| Command::RecordCare { impact }),
        Just(Command::Qualify(Scope::Out { note: note() })),
        Just(Command::Close { lessons }),
        Just(Command::HandOver {
            assignee: Subject::try_from("bo".to_owned()).unwrap(),
            note: None
        }),
        Just(Command::Ask),
        Just(Command::Answer),
        Just(Command::Treat),
        Just(Command::MarkDuplicate {
            of: Uuid::from_u128(23),
            note: None
        }),
        Just(Command::Reopen { note: note() }),
        Just(Command::DeclareMajor { reason: note() }),
        Just(Command::TakePilot),
        Just(Command::Attach {
            to: Uuid::from_u128(29),
            note: None
        }),
        Just(Command::Detach { note: None }),
    ];
    let role = prop_oneof![5 => Just(Role::Analyst), 1 => select(Role::ALL.to_vec())];
    let step = prop_oneof![
        6 => (command, role).prop_map(|(command, role)| Step::Command(command, role)),
        1 => Just(Step::Withdrawal),
        1 => Just(Step::Resolution),
    ];
    vec(step, 0..24)
}

/// Takes a step; gives back the case as it stands and the change, if any.
fn take(case: &Case, step: &Step, now: OffsetDateTime) -> (Case, Option<Change>) {
    match step {
        Step::Command(command, role) => {
            let actor = Actor::Person {
                role: *role,
                subject: format!("{role}-1"),
            };
            match decide(case, command, actor, now) {
                Ok((next, change)) => (next, Some(change)),
                Err(_) => (case.clone(), None),
            }
        }
        Step::Withdrawal => {
            let (next, change) = apply(
                case,
                &Withdrawal {
                    reason: "Fausse alerte".to_owned(),
                },
                now,
            )
            .expect("a case of this release takes a withdrawal");
            (next, Some(change))
        }
        Step::Resolution => {
            let (next, change) = resolve(case, resolution(), now)
                .expect("a case of this release takes a resolution");
            (next, Some(change))
        }
    }
}

proptest! {
    #[test]
    fn no_sequence_of_commands_and_events_leaves_the_table(steps in steps()) {
        let mut case = opened();
        for (step, seconds) in steps.iter().zip(1..) {
            let now = START + Duration::seconds(seconds);
            let (next, change) = take(&case, step, now);
            let (trigger, role) = match step {
                Step::Command(command, role) => (command.trigger(), *role),
                Step::Withdrawal => (Trigger::Withdraw, Role::Service),
                Step::Resolution => (Trigger::Resolve, Role::Service),
            };
            let row = TRANSITIONS
                .iter()
                .find(|row| (row.from, row.trigger, row.by) == (case.state, trigger, role))
                .filter(|row| row.trigger != Trigger::Close || case.confirmed.is_some());
            let expected = row.map_or(case.state, |row| row.to);
            prop_assert_eq!(next.state, expected);
            // The revision counts the changes, and the line says where it led.
            if let Some(change) = change {
                prop_assert_eq!(next.revision, case.revision + 1);
                prop_assert_eq!(next.changed_at, now);
                prop_assert_eq!(
                    (change.case_id, change.revision, change.state, change.at),
                    (next.id, next.revision, next.state, now)
                );
            } else {
                prop_assert_eq!(&next, &case);
            }
            case = next;
        }
    }

    #[test]
    fn an_ended_case_changes_only_by_notes_until_it_is_open_again(steps in steps()) {
        let mut case = opened();
        for (step, seconds) in steps.iter().zip(1..) {
            let (next, change) = take(&case, step, START + Duration::seconds(seconds));
            let reopened = change.as_ref().is_some_and(|it| it.action == Action::Reopened);
            if is_ended(case.state) && !reopened {
                prop_assert!(change.is_none_or(|change| change.action == Action::Noted));
                let (revision, changed_at) = (case.revision, case.changed_at);
                // What the structure declares of the resolution is kept all the same.
                let resolution = case.resolution.clone();
                let before = Case { revision, changed_at, resolution, ..next.clone() };
                prop_assert_eq!(before, case);
            }
            case = next;
        }
    }

    #[test]
    fn an_amendment_moves_no_case_and_takes_back_neither_a_judgement_nor_a_party(steps in steps()) {
        let mut case = opened();
        for (step, seconds) in steps.iter().zip(1..) {
            case = take(&case, step, START + Duration::seconds(seconds)).0;
        }
        // Intake announces the whole of those who see it.
        let mut visible_to = case.visible_to.clone();
        visible_to.add(&Party::HealthAuthority);
        let announced = Announced {
            report: Report { revision: 2, ..case.report.clone() },
            proposed: triage(Some(CareImpact::Interruption)),
            visible_to: visible_to.clone(),
            changed_paths: Some(vec!["impacts.care".to_owned()]),
            sent_by_person_at: None,
            by: AnnouncedBy::Declarant,
            cause: None,
            tick: None,
        };
        let (next, change) = amend(&case, announced.clone(), START).unwrap();
        let expected = if is_ended(case.state) { Action::Noted } else { Action::Amended };
        prop_assert_eq!((change.action, change.state), (expected, case.state));
        prop_assert!(change.note.ends_with("impacts.care"));
        let followed = Case {
            revision: case.revision + 1,
            report: announced.report,
            proposed: announced.proposed,
            visible_to,
            ..case
        };
        prop_assert_eq!(next, followed);
    }

    #[test]
    fn a_withdrawal_has_an_outcome_in_every_state(state in select(CaseState::ALL.to_vec())) {
        let case = Case { state, ..opened() };
        let (next, change) = apply(&case, &Withdrawal { reason: String::new() }, START).unwrap();
        let expected = if is_ended(state) { Action::Noted } else { Action::Withdrawn };
        prop_assert_eq!(change.action, expected);
        prop_assert_eq!(is_ended(next.state), true);
    }

    #[test]
    fn a_resolution_has_an_outcome_in_every_state(state in select(CaseState::ALL.to_vec())) {
        let case = Case { state, ..opened() };
        let (next, change) = resolve(&case, resolution(), START).unwrap();
        let (action, after) = if is_ended(state) {
            (Action::Noted, state)
        } else {
            (Action::Resolved, CaseState::Resolved)
        };
        prop_assert_eq!((change.action, next.state), (action, after));
        prop_assert_eq!(next.resolution, Some(resolution()));
    }

    #[test]
    fn nobody_loses_sight_of_a_case_and_the_dgs_gains_it_with_a_health_impact(steps in steps()) {
        let mut case = opened();
        for (step, seconds) in steps.iter().zip(1..) {
            let (next, change) = take(&case, step, START + Duration::seconds(seconds));
            let after = next.visible_to.slugs();
            prop_assert!(case.visible_to.slugs().iter().all(|slug| after.contains(slug)));
            let confirmed = change.and_then(|change| change.triage);
            if confirmed.is_some_and(|triage| vocabulary::has_health_impact(&triage.impacts)) {
                prop_assert!(next.visible_to.slugs().contains(&"dgs".to_owned()));
            }
            case = next;
        }
    }

    #[test]
    fn only_an_analyst_commands(role in select(Role::ALL.to_vec()), state in select(CaseState::ALL.to_vec())) {
        let case = Case { state, ..opened() };
        let actor = Actor::Person { role, subject: "x".to_owned() };
        let refused = decide(&case, &Command::Claim, actor, START) == Err(Refusal::WrongRole(role));
        prop_assert_eq!(refused, role != Role::Analyst);
    }
}

fn analyst(subject: &str) -> Actor {
    Actor::Person {
        role: Role::Analyst,
        subject: subject.to_owned(),
    }
}

#[test]
fn a_second_analyst_takes_over() {
    let (case, _) = decide(&opened(), &Command::Claim, analyst("ana"), START).unwrap();
    let (case, _) = decide(&case, &Command::Claim, analyst("bo"), START).unwrap();
    assert_eq!(case.assignee.as_deref(), Some("bo"));
    assert_eq!(case.state, CaseState::InQualification);
}

#[test]
fn who_qualifies_takes_what_nobody_had_taken_and_leaves_what_a_colleague_has() {
    let qualify = Command::Qualify(Scope::In {
        triage: triage(None),
        note: None,
    });
    let (case, _) = decide(&opened(), &qualify, analyst("ana"), START).unwrap();
    let (case, _) = decide(&case, &qualify, analyst("bo"), START).unwrap();
    assert_eq!(case.assignee.as_deref(), Some("ana"));
}

#[test]
fn the_last_qualification_holds() {
    let major = Severity {
        serious: true,
        significant: true,
        major: true,
    };
    let first = Triage {
        severity: major,
        ..triage(None)
    };
    let qualify = |triage| Command::Qualify(Scope::In { triage, note: None });
    let (case, _) = decide(&opened(), &qualify(first), analyst("ana"), START).unwrap();
    assert!(case.triage().severity.major);
    let (case, _) = decide(&case, &qualify(triage(None)), analyst("ana"), START).unwrap();
    assert!(!case.triage().severity.major);
}

#[test]
fn a_colleague_who_is_handed_a_case_has_it_and_it_is_never_set_back() {
    let hand_over = Command::HandOver {
        assignee: Subject::try_from("bo".to_owned()).unwrap(),
        note: Some(note()),
    };
    let (case, change) = decide(&opened(), &hand_over, analyst("ana"), START).unwrap();
    assert_eq!(case.assignee.as_deref(), Some("bo"));
    assert_eq!(case.state, CaseState::InQualification);
    assert_eq!(change.note, "mot");
}

#[test]
fn what_the_cell_asks_for_makes_it_wait_and_what_an_agency_asks_for_does_not() {
    let ask = |role| {
        let actor = Actor::Person {
            role,
            subject: "x".to_owned(),
        };
        decide(&opened(), &Command::Ask, actor, START).unwrap().0
    };
    let of_cell = ask(Role::Analyst);
    assert_eq!(of_cell.state, CaseState::AwaitingDeclarant);
    assert_eq!(of_cell.assignee.as_deref(), Some("x"));
    for role in [Role::RegionalAgent, Role::SecurityOfficer] {
        let case = ask(role);
        assert_eq!((case.state, case.assignee), (CaseState::Submitted, None));
    }
}

#[test]
fn somebody_with_several_roles_acts_in_the_one_that_leads() {
    let roles = [Role::Declarant, Role::Analyst, Role::RegionalAgent];
    assert_eq!(acting_role(&roles.into()), Role::Analyst);
    assert_eq!(acting_role(&[Role::Declarant].into()), Role::Declarant);
}

#[test]
fn a_hospital_of_the_armed_forces_never_reaches_the_health_authority() {
    let mut case = opened();
    case.visible_to.add(&Party::ArmedForces);
    let triage = triage(Some(CareImpact::Interruption));
    let qualify = Command::Qualify(Scope::In { triage, note: None });
    let (case, _) = decide(&case, &qualify, analyst("ana"), START).unwrap();
    assert!(!case.visible_to.contains(&Party::HealthAuthority));
}

#[test]
fn a_change_is_never_dated_before_the_one_it_waited_for() {
    let (first, _) = decide(&opened(), &Command::Claim, analyst("ana"), START).unwrap();
    let before = START - Duration::seconds(3);
    let (second, change) = decide(&first, &Command::Claim, analyst("bo"), before).unwrap();
    assert_eq!((second.changed_at, change.at), (START, START));
}

#[test]
fn a_test_never_reaches_the_health_authority() {
    let mut case = opened();
    case.report.test = true;
    let triage = triage(Some(CareImpact::Interruption));
    let qualify = Command::Qualify(Scope::In { triage, note: None });
    let (case, _) = decide(&case, &qualify, analyst("ana"), START).unwrap();
    assert!(!case.visible_to.contains(&Party::HealthAuthority));
}

#[test]
fn what_a_later_release_wrote_by_its_slug_is_left_alone_and_by_its_number_is_not() {
    let withdrawal = Withdrawal {
        reason: String::new(),
    };
    let mut case = opened();
    case.proposed.origin_types = [OriginType::heard(77).unwrap()].into();
    decide(&case, &Command::Claim, analyst("ana"), START).unwrap();
    assert!(apply(&case, &withdrawal, START).is_some());

    let ahead: [fn(&mut Case); 4] = [
        |case| case.state = CaseState::stored("under_review"),
        |case| case.proposed.origin = Some(Origin::stored("cosmic")),
        |case| case.proposed.origin_types = [OriginType::stored("quantum")].into(),
        |case| case.proposed.impacts.reach = Some(Reach::stored("continent")),
    ];
    for change in ahead {
        let mut case = opened();
        change(&mut case);
        let refused = decide(&case, &Command::Claim, analyst("ana"), START);
        assert_eq!(refused, Err(Refusal::Ahead), "{case:?}");
        assert_eq!(apply(&case, &withdrawal, START), None);
        assert_eq!(resolve(&case, resolution(), START), None);
    }
}

//! The decisions on a case: what a command or an event makes of it.

use std::collections::BTreeSet;

use service::Parties;
use time::OffsetDateTime;
use vocabulary::{CaseState, DeclarantLink, Role, Text, WaitingFor, has_health_impact};

use super::{
    Action, Actor, Case, Change, Closure, Report, Resolution, Triage, care, case_id_of,
    transitions::{TRANSITIONS, Trigger, next_state},
};

pub(crate) use super::command::{
    Announced, AnnouncedBy, Command, Lessons, Note, Refusal, Scope, Subject, Withdrawal,
};

/// Opens the case of a report, attached to that of its cause where this one may lead others.
pub(crate) fn open(
    report: Report,
    proposed: Triage,
    visible_to: Parties,
    cause: Option<&Case>,
    now: OffsetDateTime,
) -> (Case, Change) {
    let cause = cause.filter(|cause| cause.may_lead() && cause.report.test == report.test);
    let note = cause.map(|cause| format!("Rattaché au dossier {}.", cause.report.reference));
    let opened = Case {
        id: case_id_of(report.id),
        revision: 1,
        state: CaseState::Submitted,
        report,
        opened_at: now,
        changed_at: now,
        proposed,
        confirmed: None,
        assignee: None,
        visible_to,
        closure: None,
        duplicate_of: None,
        pilot: None,
        parent: cause.map(|cause| cause.id),
        children: 0,
        answer_due_at: None,
        resolution: None,
        care_recorded: None,
        waiting_for: [WaitingFor::Cell].into(),
    };
    let note = note.unwrap_or_default();
    let change = change_of(&opened, Action::Opened, Actor::System, note, None);
    (opened, change)
}

/// Carries out a command, or refuses it and leaves the case as it is.
pub(crate) fn decide(
    case: &Case,
    command: &Command,
    actor: Actor,
    now: OffsetDateTime,
) -> Result<(Case, Change), Refusal> {
    let state = state_after(case, command, actor.role())?;
    Ok(carry_out(advanced(case, state, now), command, actor))
}

/// The state of a case after a command that is not refused.
fn state_after(case: &Case, command: &Command, role: Role) -> Result<CaseState, Refusal> {
    if case.is_ahead() {
        return Err(Refusal::Ahead);
    }
    let trigger = command.trigger();
    let Some(state) = next_state(case.state, trigger, role) else {
        let known = TRANSITIONS
            .iter()
            .any(|row| row.trigger == trigger && row.by == role);
        return Err(if known {
            Refusal::WrongState(case.state)
        } else {
            Refusal::WrongRole(role)
        });
    };
    match command {
        // The structure may say that it is over before the cell has qualified anything.
        Command::Close { .. } if case.confirmed.is_none() => Err(Refusal::WrongState(case.state)),
        Command::Reopen { .. } if case.report.sealed.is_none() => Err(Refusal::Erased),
        Command::MarkDuplicate { of, .. } if *of == case.id => Err(Refusal::OfItself),
        Command::MarkDuplicate { .. } if case.children > 0 => Err(Refusal::HasChildren),
        _ => Ok(state),
    }
}

/// Makes of a case that is advanced to its next state what a command says.
fn carry_out(mut next: Case, command: &Command, actor: Actor) -> (Case, Change) {
    let subject = actor.subject().map(str::to_owned);
    let (action, note, triage) = match command {
        Command::Claim => {
            next.assignee = subject;
            (Action::Claimed, String::new(), None)
        }
        Command::Qualify(Scope::In { triage, note }) => {
            // Who qualifies what nobody had taken, takes it.
            next.assignee = next.assignee.or(subject);
            confirm(&mut next, triage.clone());
            (
                Action::Qualified,
                text_of(note.as_ref()),
                Some(triage.clone()),
            )
        }
        Command::DeclareMajor { reason } => {
            if actor.role() == Role::Analyst {
                next.assignee = next.assignee.or(subject);
            }
            let mut triage = next.triage().clone();
            triage.severity.serious = true;
            triage.severity.major = true;
            confirm(&mut next, triage.clone());
            (Action::Qualified, text_of(Some(reason)), Some(triage))
        }
        Command::TakePilot => {
            next.pilot = subject;
            (Action::PilotTaken, String::new(), None)
        }
        Command::Qualify(Scope::Out { note }) => {
            next.assignee = next.assignee.or(subject);
            (Action::OutOfScope, text_of(Some(note)), None)
        }
        Command::HandOver { assignee, note } => {
            next.assignee = Some(assignee.as_str().to_owned());
            (Action::HandedOver, text_of(note.as_ref()), None)
        }
        Command::Ask => {
            if actor.role() == Role::Analyst {
                next.assignee = next.assignee.or(subject);
            }
            (Action::Asked, String::new(), None)
        }
        Command::Answer => (Action::Answered, String::new(), None),
        Command::Treat => (Action::TreatmentBegun, String::new(), None),
        Command::RecordCare { impact } => {
            care::record(&mut next, *impact);
            (Action::CareRecorded, String::new(), next.confirmed.clone())
        }
        Command::MarkDuplicate { of, note } => {
            next.assignee = next.assignee.or(subject);
            next.duplicate_of = Some(*of);
            (Action::Duplicate, text_of(note.as_ref()), None)
        }
        Command::Attach { to, note } => {
            next.parent = Some(*to);
            (Action::Attached, text_of(note.as_ref()), None)
        }
        Command::Detach { note } => {
            next.parent = None;
            (Action::Detached, text_of(note.as_ref()), None)
        }
        Command::Reopen { note } => {
            next.assignee = subject;
            next.duplicate_of = None;
            // What was learned until then stays in the history.
            let lessons = next.closure.take().map(|closure| closure.lessons_learned);
            let note = match lessons.filter(|lessons| !lessons.is_empty()) {
                Some(lessons) => format!(
                    "{}\n\nRetour d'expérience de la clôture : {lessons}",
                    note.as_str()
                ),
                None => text_of(Some(note)),
            };
            (Action::Reopened, note, None)
        }
        Command::Close { lessons } => {
            next.closure = Some(Closure {
                lessons_learned: text_of(lessons.as_ref()),
                closed_at: next.changed_at,
            });
            (Action::Closed, String::new(), None)
        }
    };
    let change = change_of(&next, action, actor, note, triage);
    (next, change)
}

/// Confirms a judgement on a case, and shows the case to whom the judgement concerns.
fn confirm(case: &mut Case, triage: Triage) {
    if has_health_impact(&triage.impacts) {
        care::show_to_health_authority(case);
    }
    case.confirmed = Some(triage);
}

/// Applies the withdrawal of the report by the declarant: what does not fit the state
/// of the case becomes an entry of its history. `None` when only a later release can.
pub(crate) fn apply(
    case: &Case,
    withdrawal: &Withdrawal,
    now: OffsetDateTime,
) -> Option<(Case, Change)> {
    if case.is_ahead() {
        return None;
    }
    let actor = Actor::System;
    let fitting = next_state(case.state, Trigger::Withdraw, actor.role());
    let next = advanced(case, fitting.unwrap_or(case.state), now);
    let (action, note) = match fitting {
        Some(_) => (Action::Withdrawn, withdrawal.reason.clone()),
        None => (
            Action::Noted,
            format!(
                "Retrait reçu après la fin du dossier. {}",
                withdrawal.reason
            ),
        ),
    };
    let change = change_of(&next, action, actor, note, None);
    Some((next, change))
}

/// Applies what the report says now that it was amended. A judgement that the cell confirmed
/// holds, and so does what an agency recorded of care; what comes after the end of the case is
/// kept for its reopening, and noted. `None` when only a later release can.
pub(crate) fn amend(
    case: &Case,
    amended: Announced,
    now: OffsetDateTime,
) -> Option<(Case, Change)> {
    if case.is_ahead() {
        return None;
    }
    let mut next = advanced(case, case.state, now);
    let restored = amended.changed_paths.is_none();
    let (action, note) = told_of(&amended);
    let (action, note) = match amended.by {
        _ if !case.is_ended() => (action, note),
        AnnouncedBy::Declarant if restored => (Action::Noted, note),
        AnnouncedBy::Declarant => (Action::Noted, late("Complément reçu", &note)),
        AnnouncedBy::LinkDecision | AnnouncedBy::Attachment => {
            (Action::Noted, late("Décision prise", &note))
        }
    };
    follow(&mut next, amended);
    let change = Change {
        lost: lost(&case.visible_to, &next.visible_to),
        ..change_of(&next, action, Actor::System, note, None)
    };
    Some((next, change))
}

/// The case at the announced revision, where it says already what is announced, but for what an
/// agency recorded of care; with what the release before did not keep of its report.
pub(crate) fn says_the_same(case: &Case, announced: &Announced) -> Option<Case> {
    let report = &announced.report;
    let mut same = case.clone();
    same.report.revision = report.revision;
    same.report.link = case.report.link.or(report.link);
    let kept = |kept: &Option<String>, told: &Option<String>| kept.clone().or_else(|| told.clone());
    same.report.structure_town = kept(&case.report.structure_town, &report.structure_town);
    same.report.structure_key = kept(&case.report.structure_key, &report.structure_key);
    let mut next = same.clone();
    follow(&mut next, announced.clone());
    if case.care_recorded.is_some() {
        next.proposed.impacts.care = case.proposed.impacts.care;
        next.proposed.severity.serious = case.proposed.severity.serious;
    }
    (next == same).then_some(same)
}

/// Has a case say what its report says. Contacts that were erased do not come again.
fn follow(case: &mut Case, announced: Announced) {
    let sealed = announced.report.sealed;
    let sealed = sealed.filter(|_| case.report.sealed.is_some());
    case.report = Report {
        sealed,
        ..announced.report
    };
    case.proposed = announced.proposed;
    care::keep_what_was_recorded(case);
    // What is announced is the whole of those who see the report: whoever got sight by what a
    // restore of intake lost loses it.
    case.visible_to = care::seen_by(case, announced.visible_to);
}

/// Who saw a case before and sees it no more.
fn lost(before: &Parties, after: &Parties) -> Vec<String> {
    let after = after.slugs();
    let before = before.slugs().into_iter();
    before.filter(|slug| !after.contains(slug)).collect()
}

/// What the history tells of a report that stands otherwise now.
fn told_of(amended: &Announced) -> (Action, String) {
    match amended.by {
        AnnouncedBy::Declarant => {
            let note = match amended.changed_paths.as_deref() {
                None => "Déclaration initiale rétablie : son complément s'est perdu dans une restauration."
                    .to_owned(),
                Some([]) => String::new(),
                Some(paths) => format!("Champs modifiés : {}", paths.join(", ")),
            };
            (Action::Amended, note)
        }
        AnnouncedBy::LinkDecision => {
            let link = amended.report.link.map_or("inconnu", DeclarantLink::french);
            let note = format!(
                "Lien du déclarant avec la structure : {}",
                link.to_lowercase()
            );
            (Action::LinkDecided, note)
        }
        AnnouncedBy::Attachment => {
            let note = format!("Rattaché à {}", amended.report.structure_name);
            (Action::ReportAttached, note)
        }
    }
}

/// A note about what came after the end of the case.
fn late(what: &str, note: &str) -> String {
    format!("{what} après la fin du dossier. {note}")
        .trim_end()
        .to_owned()
}

/// Applies the declaration of the structure that its incident is over, which the case keeps
/// also where it does not fit the state and becomes an entry of the history. `None` when only
/// a later release can.
pub(crate) fn resolve(
    case: &Case,
    resolution: Resolution,
    now: OffsetDateTime,
) -> Option<(Case, Change)> {
    if case.is_ahead() {
        return None;
    }
    let actor = Actor::System;
    let fitting = next_state(case.state, Trigger::Resolve, actor.role());
    let next = Case {
        resolution: Some(resolution),
        ..advanced(case, fitting.unwrap_or(case.state), now)
    };
    let (action, note) = match fitting {
        Some(_) => (Action::Resolved, ""),
        None => (
            Action::Noted,
            "Résolution déclarée après la fin du dossier.",
        ),
    };
    let change = change_of(&next, action, actor, note.to_owned(), None);
    Some((next, change))
}

/// The role in which a caller acts: the one that leads the case, of several.
pub(crate) fn acting_role(roles: &BTreeSet<Role>) -> Role {
    let by_rank = [
        Role::Analyst,
        Role::SecurityOfficer,
        Role::RegionalAgent,
        Role::Declarant,
    ];
    by_rank
        .into_iter()
        .find(|role| roles.contains(role))
        .unwrap_or(Role::Anyone)
}

fn advanced(case: &Case, state: CaseState, now: OffsetDateTime) -> Case {
    Case {
        revision: case.revision + 1,
        state,
        // The moment of a command that waited its turn may lie behind that of
        // the change it waited for.
        changed_at: now.max(case.changed_at),
        ..case.clone()
    }
}

fn change_of(
    case: &Case,
    action: Action,
    actor: Actor,
    note: String,
    triage: Option<Triage>,
) -> Change {
    Change {
        case_id: case.id,
        revision: case.revision,
        at: case.changed_at,
        action,
        state: case.state,
        actor,
        note,
        triage,
        cause: None,
        lost: Vec::new(),
    }
}

fn text_of<const MIN: usize, const MAX: usize>(text: Option<&Text<MIN, MAX>>) -> String {
    text.map(Text::as_str).unwrap_or_default().to_owned()
}

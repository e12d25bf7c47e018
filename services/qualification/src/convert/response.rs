//! Answers: cases as a caller may see them.

use proto::{events::v1 as events, qualification::v1 as pb};
use vocabulary::Word as _;

use super::time::timestamp;
use crate::domain::{Actor, Case, Change, Triage, View};

/// Shows a case as a list does: without its contacts, which are added where they
/// belong, and without long texts, of which a page could not hold 200.
pub(crate) fn listed(case: &Case, view: View) -> pb::Case {
    pb::Case {
        description: String::new(),
        closure: None,
        ..self::case(case, view)
    }
}

/// Shows a case without its contacts and its history, which are added where
/// they belong.
pub(crate) fn case(case: &Case, view: View) -> pb::Case {
    let report = &case.report;
    let assignee = case.assignee.clone().filter(|_| view.people);
    pb::Case {
        case_id: case.id.to_string(),
        report_id: report.id.to_string(),
        reference: report.reference.clone(),
        state: case.state.number(),
        kind: proto::number(report.kind),
        structure_name: report.structure_name.clone(),
        structure_kind: proto::number(report.structure_kind),
        routing_region: report.routing_region.clone(),
        declared_at: Some(timestamp(report.declared_at)),
        opened_at: Some(timestamp(case.opened_at)),
        changed_at: Some(timestamp(case.changed_at)),
        proposed: Some(triage(&case.proposed)),
        confirmed: case.confirmed.as_ref().map(triage),
        assignee: assignee.unwrap_or_default(),
        description: report.description.clone(),
        declarant: None,
        assistance_requested: report.assistance_requested,
        history: Vec::new(),
        closure: case.closure.as_ref().map(|closure| pb::Closure {
            lessons_learned: closure.lessons_learned.clone(),
            closed_at: Some(timestamp(closure.closed_at)),
        }),
        test: report.test,
        etag: etag(case),
    }
}

/// Shows a line of the history.
pub(crate) fn entry(change: Change, view: View) -> pb::CaseEntry {
    let actor = match change.actor {
        Actor::System => "system".to_owned(),
        Actor::Person { role, subject } if view.people => format!("{role}:{subject}"),
        Actor::Person { role, .. } => role.to_string(),
    };
    pb::CaseEntry {
        at: Some(timestamp(change.at)),
        action: change.action.as_str().to_owned(),
        state: change.state.number(),
        actor,
        note: change.note,
    }
}

/// Shows how to reach a person.
pub(crate) fn contact(contact: events::Contact) -> pb::CaseContact {
    let name = [contact.given_name, contact.family_name].join(" ");
    pb::CaseContact {
        name: name.trim().to_owned(),
        position: contact.position,
        email: contact.email,
        phone: contact.phone,
    }
}

/// Changes with every change of the case. Names its moment too: after a restore
/// another change takes the revision of a lost one, and must not pass for it.
pub(crate) fn etag(case: &Case) -> String {
    let at = case.changed_at.unix_timestamp_nanos() / 1_000;
    format!("{}-{at}", case.revision)
}

fn triage(triage: &Triage) -> pb::Triage {
    pb::Triage {
        origin: proto::number(triage.origin),
        origin_types: proto::numbers(&triage.origin_types),
        impacts: Some((&triage.impacts).into()),
        severity: Some(triage.severity.into()),
    }
}

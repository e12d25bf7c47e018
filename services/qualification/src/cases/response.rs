//! Cases as a caller may see them.

use platform::SealingKey;
use proto::{events::v1 as events, qualification::v1 as pb};
use service::{
    View, resolution_purpose,
    wire::{self, timestamp},
};
use uuid::Uuid;
use vocabulary::{SeverityReason, Word as _, severity_reasons};

use super::{
    Actor, Case, Change, Report, Resolution, Triage,
    milestones::{Milestone, Step},
};

/// How a case is shown to one caller.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shown<'a> {
    /// How much the caller sees.
    pub(crate) view: View,
    /// What the announced revisions count on from.
    pub(crate) base: u64,
    /// Opens the contacts.
    pub(crate) master_key: &'a SealingKey,
}

impl Shown<'_> {
    /// Shows a case as a list does: without long texts, of which a page could not hold
    /// 200.
    pub(crate) fn listed(&self, case: &Case) -> pb::Case {
        pb::Case {
            description: String::new(),
            closure: None,
            resolution: None,
            ..self.case(case)
        }
    }

    /// Shows a case without its history.
    pub(crate) fn case(&self, case: &Case) -> pb::Case {
        let report = &case.report;
        let sealed = report.sealed.as_ref().filter(|_| self.view.contacts);
        let contacts = sealed.and_then(|sealed| sealed.contacts(self.master_key, report.id));
        let assignee = case.assignee.clone().filter(|_| self.view.people);
        // Another case may be another structure's.
        let other = |case: Option<Uuid>| wire::shown(case.filter(|_| self.view.agencies));
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
            proposed: Some(pb::Triage {
                fired_rules: fired_rules(report, &case.proposed),
                ..triage(&case.proposed)
            }),
            confirmed: case.confirmed.as_ref().map(triage),
            assignee: assignee.unwrap_or_default(),
            description: report.description.clone(),
            declarant: contacts
                .and_then(|contacts| contacts.declarant)
                .map(contact),
            assistance_requested: report.assistance_requested,
            history: Vec::new(),
            milestones: Vec::new(),
            deadlines: Vec::new(),
            overdue: false,
            closure: case.closure.as_ref().map(|closure| pb::Closure {
                lessons_learned: closure.lessons_learned.clone(),
                closed_at: Some(timestamp(closure.closed_at)),
            }),
            test: report.test,
            etag: etag(case),
            revision: self.base + case.revision,
            answer_due_at: case.answer_due_at.map(timestamp),
            pilot: case
                .pilot
                .clone()
                .filter(|_| self.view.agencies)
                .unwrap_or_default(),
            duplicate_of: other(case.duplicate_of),
            parent_case_id: other(case.parent),
            children: if self.view.agencies { case.children } else { 0 },
            cause_reference: report.cause_reference.clone().unwrap_or_default(),
            structure_town: report.structure_town.clone().unwrap_or_default(),
            // Who sees the contacts reads what is said to the structure.
            waiting_for: if self.view.contacts {
                proto::numbers(&case.waiting_for)
            } else {
                Vec::new()
            },
            unread_messages: 0,
            declarant_link: proto::number(report.link),
            resolution: case
                .resolution
                .as_ref()
                .filter(|_| self.view.contacts)
                .map(|resolution| self.resolution(report, resolution)),
        }
    }

    fn resolution(&self, report: &Report, resolution: &Resolution) -> pb::CaseResolution {
        let how = report.sealed.as_ref().and_then(|key| {
            let purpose = resolution_purpose(report.id, resolution.number);
            key.open_text(self.master_key, &purpose, &resolution.sealed_how, report.id)
        });
        pb::CaseResolution {
            resolved_at: Some(timestamp(resolution.resolved_at)),
            declared_at: Some(timestamp(resolution.declared_at)),
            declared_by: proto::number(resolution.declared_by),
            erased: how.is_none(),
            how: how.unwrap_or_default(),
        }
    }

    /// Shows an answer that was kept for retries, with what is not kept: contacts and
    /// long texts rest in one place only.
    pub(crate) fn kept(&self, answer: pb::Case, case: &Case) -> pb::Case {
        let now = self.case(case);
        pb::Case {
            structure_name: now.structure_name,
            description: now.description,
            declarant: now.declarant,
            resolution: now.resolution,
            closure: answer.closure.and(now.closure),
            structure_town: now.structure_town,
            waiting_for: now.waiting_for,
            ..answer
        }
    }

    /// Shows a step on the way of the case.
    pub(super) fn milestone(milestone: &Milestone) -> pb::Milestone {
        let step = match milestone.step {
            Step::FirstContact => pb::MilestoneStep::FirstContact,
            Step::Qualified => pb::MilestoneStep::Qualified,
            Step::Resolved => pb::MilestoneStep::Resolved,
            Step::Closed => pb::MilestoneStep::Closed,
        };
        pb::Milestone {
            step: step.into(),
            reached_at: milestone.reached_at.map(timestamp),
            target_at: milestone.target_at.map(timestamp),
            late: milestone.late,
        }
    }

    /// Shows an entry of the history.
    pub(super) fn entry(&self, change: Change) -> pb::CaseEntry {
        let actor = match change.actor {
            Actor::System => "system".to_owned(),
            Actor::Person { role, subject } if self.view.people => format!("{role}:{subject}"),
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
}

/// What is kept of an answer for retries: nothing that rests elsewhere as a text.
pub(crate) fn to_keep(answer: pb::Case) -> pb::Case {
    pb::Case {
        structure_name: String::new(),
        structure_town: String::new(),
        description: String::new(),
        declarant: None,
        resolution: None,
        closure: answer.closure.map(|closure| pb::Closure {
            lessons_learned: String::new(),
            ..closure
        }),
        ..answer
    }
}

/// Changes with every change of the case. Names its moment too: after a restore another
/// change takes the revision of a lost one, and must not pass for it.
pub(super) fn etag(case: &Case) -> String {
    let at = case.changed_at.unix_timestamp_nanos() / 1_000;
    format!("{}-{at}", case.revision)
}

fn contact(contact: events::Contact) -> pb::CaseContact {
    let name = [contact.given_name, contact.family_name].join(" ");
    pb::CaseContact {
        name: name.trim().to_owned(),
        position: contact.position,
        email: contact.email,
        phone: contact.phone,
    }
}

fn triage(triage: &Triage) -> pb::Triage {
    pb::Triage {
        origin: proto::number(triage.origin),
        origin_types: proto::numbers(&triage.origin_types),
        impacts: Some((&triage.impacts).into()),
        severity: Some(triage.severity.into()),
        fired_rules: Vec::new(),
    }
}

/// The rules by which the severity of a report is proposed.
fn fired_rules(report: &Report, proposed: &Triage) -> Vec<pb::FiredRule> {
    let reasons = report
        .kind
        .map(|kind| severity_reasons(kind, &proposed.impacts));
    let rule = |reason: SeverityReason| pb::FiredRule {
        reason: reason.number(),
        legal_basis: reason.legal_basis().unwrap_or_default().to_owned(),
    };
    reasons.unwrap_or_default().into_iter().map(rule).collect()
}

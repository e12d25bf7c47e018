//! What decisions on links announce.

use eventlog::NewEvent;
use proto::events::v1 as events;
use service::wire::{self, timestamp};
use uuid::Uuid;
use vocabulary::{CaseActivity, Party, Word as _, derived_at};

use super::{LinkDecision, LinkDecisionKind};
use crate::{
    amendments::Revision,
    reports::{self, Report},
};

/// Announces a report as it stands after a decision. The announced revision outranks that of
/// every one before it, in whatever history of the log.
pub(crate) fn decided(
    report: &Report,
    revision: &Revision,
    decision: &LinkDecision,
    base: u64,
) -> NewEvent {
    let whole = Some(reports::announced(report));
    let lost = decision.no_longer_visible_to.iter();
    let no_longer_visible_to = lost.map(ToString::to_string).collect();
    let (number, at) = (base + revision.number, Some(timestamp(revision.at)));
    let subject = report.subject();
    let event = match decision.kind {
        LinkDecisionKind::Attached => {
            let payload = events::ReportAttached {
                report: whole,
                revision: number,
                stage: revision.stage.number(),
                changed_paths: revision.changed_paths.clone(),
                attached_at: at,
                attached_by: revision.role.number(),
                no_longer_visible_to,
            };
            let id = event_id(report, revision, "report_attached");
            NewEvent::new(id, subject, revision.at, &payload)
        }
        LinkDecisionKind::Confirmed | LinkDecisionKind::Rejected => {
            let payload = events::ReportLinkDecided {
                report: whole,
                revision: number,
                stage: revision.stage.number(),
                decided_at: at,
                decided_by: revision.role.number(),
                no_longer_visible_to,
            };
            let id = event_id(report, revision, "report_link_decided");
            NewEvent::new(id, subject, revision.at, &payload)
        }
    };
    match &report.contacts {
        Some(contacts) => event.with_data_key(contacts.data_key.clone()),
        None => event,
    }
}

/// Tells the declarant, and those who follow the case, of a decision on the link: never why.
/// Nothing where the report is attached, of which its announcement tells.
pub(super) fn activity(
    report: &Report,
    revision: &Revision,
    kind: LinkDecisionKind,
) -> Option<NewEvent> {
    let activity = match kind {
        LinkDecisionKind::Confirmed => CaseActivity::LinkConfirmed,
        LinkDecisionKind::Rejected => CaseActivity::LinkRejected,
        LinkDecisionKind::Attached => return None,
    };
    let id = event_id(report, revision, "link_activity");
    let followers = report.visible_to.iter().filter(|party| follows(party));
    let payload = events::CaseActivityRecorded {
        activity_id: id.to_string(),
        case_id: wire::shown(report.case.map(|case| case.case_id)),
        report_id: report.id.to_string(),
        reference: report.reference.to_string(),
        at: Some(timestamp(revision.at)),
        activity: activity.number(),
        actor_role: revision.role.number(),
        to_structure: true,
        visible_to: followers.map(ToString::to_string).collect(),
        routing_region: report.routing_region.to_string(),
        test: report.is_test(),
        due_at: None,
    };
    // It waits for nothing else about the report, nor that for it.
    let subject = format!("activity/{id}");
    Some(NewEvent::new(id, subject, revision.at, &payload))
}

/// Whether a party of a report follows what is said about its structure.
fn follows(party: &Party) -> bool {
    match party {
        Party::Cell
        | Party::SecurityOfficer
        | Party::Region(_)
        | Party::Structure(_)
        | Party::Subject(_)
        | Party::Probe => true,
        Party::HealthAuthority | Party::ArmedForces | Party::Importer(_) | Party::Later(_) => false,
    }
}

/// Derives from the moment of the revision too, because after a restore another one takes the
/// number of what was lost.
fn event_id(report: &Report, revision: &Revision, rule: &str) -> Uuid {
    let number = revision.number.to_be_bytes();
    let at = revision.at.unix_timestamp_nanos().to_be_bytes();
    let parts: [&[u8]; 3] = [report.id.as_bytes(), &number, &at];
    derived_at(revision.at, report.id, rule, &parts)
}

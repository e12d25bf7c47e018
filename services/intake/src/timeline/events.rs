//! What timelines announce.

use eventlog::NewEvent;
use proto::events::v1::CaseActivityRecorded;
use service::wire::{self, timestamp};
use vocabulary::{CaseActivity, Word as _, derived_at};

use super::{TimelineEntry, decide};
use crate::reports::Report;

/// Announces that there is an entry, to those who follow the timeline: never what it says.
pub(super) fn added(report: &Report, entry: &TimelineEntry) -> NewEvent {
    let payload = CaseActivityRecorded {
        activity_id: entry.id.to_string(),
        case_id: wire::shown(report.case.map(|case| case.case_id)),
        report_id: report.id.to_string(),
        reference: report.reference.to_string(),
        at: Some(timestamp(entry.added_at)),
        activity: CaseActivity::TimelineEntryAdded.number(),
        actor_role: entry.author_role.number(),
        to_structure: true,
        visible_to: decide::followers(report).map(ToString::to_string).collect(),
        routing_region: report.routing_region.to_string(),
        test: report.is_test(),
        due_at: None,
    };
    let parts: [&[u8]; 1] = [entry.id.as_bytes()];
    let id = derived_at(entry.added_at, report.id, "timeline_entry_added", &parts);
    // Entries wait for nothing else about the report, nor it for them.
    let subject = format!("activity/{}", entry.id);
    NewEvent::new(id, subject, entry.added_at, &payload)
}

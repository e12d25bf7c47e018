//! What reports announce.

use eventlog::NewEvent;
use proto::events::v1 as events;
use service::wire::{self, timestamp};
use vocabulary::{StructureKey, Word as _, derived_after};

use super::{Report, Withdrawal, draft};

/// Announces a report. The id derives from the report, so that a snapshot tells
/// it under the same one; the announced revision counts on from `base`.
pub(crate) fn submitted(report: &Report, base: u64) -> NewEvent {
    let id = derived_after(report.id, "report_submitted", &[report.id.as_bytes()]);
    let payload = first_revision(report, base);
    let event = NewEvent::new(id, report.subject(), report.received_at, &payload);
    match &report.contacts {
        Some(contacts) => event.with_data_key(contacts.data_key.clone()),
        None => event,
    }
}

/// A report as it was submitted. In a later history of the log it outranks what an earlier one
/// told of a report of its id.
pub(super) fn first_revision(report: &Report, base: u64) -> events::ReportSubmitted {
    events::ReportSubmitted {
        revision: base + 1,
        ..announced(report)
    }
}

/// A report as it is announced; whoever announces it sends its own key along.
pub(crate) fn announced(report: &Report) -> events::ReportSubmitted {
    let structure = &report.structure;
    let told = draft::announced(&report.facts);
    events::ReportSubmitted {
        report_id: report.id.to_string(),
        reference: report.reference.to_string(),
        channel: report.channel.number(),
        test: report.is_test(),
        received_at: Some(timestamp(report.received_at)),
        declared_at: Some(timestamp(report.declared_at)),
        structure: Some(events::ReportedStructure {
            name: structure.name.clone(),
            kind: proto::number(structure.kind),
            routing_region: report.routing_region.to_string(),
            department: wire::shown(structure.department),
            town: structure.town.clone().unwrap_or_default(),
            operator_status: proto::number(structure.operator_status),
            link_verified: structure.link.is_verified(),
            link: structure.link.number(),
            // Another key may be the RPPS number of a person.
            structure_key: match structure.key {
                StructureKey::Finess(_) => structure.key.to_string(),
                _ => String::new(),
            },
            ..told.structure.unwrap_or_default()
        }),
        visible_to: report.visible_to.iter().map(ToString::to_string).collect(),
        sealed_personal_data: report
            .contacts
            .as_ref()
            .map(|contacts| contacts.sealed.clone().into())
            .unwrap_or_default(),
        cause_report_id: wire::shown(report.cause),
        ..told
    }
}

/// Announces the withdrawal of a report.
pub(crate) fn withdrawn(report: &Report, withdrawal: &Withdrawal) -> NewEvent {
    let payload = events::ReportWithdrawn {
        report_id: report.id.to_string(),
        reference: report.reference.to_string(),
        withdrawn_at: Some(timestamp(withdrawal.at)),
        reason: withdrawal.reason.clone(),
        visible_to: report.visible_to.iter().map(ToString::to_string).collect(),
        routing_region: report.routing_region.to_string(),
        test: report.is_test(),
    };
    let parts: [&[u8]; 1] = [report.id.as_bytes()];
    let id = derived_after(report.id, "report_withdrawn", &parts);
    NewEvent::new(id, report.subject(), withdrawal.at, &payload)
}

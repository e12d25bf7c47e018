//! Facts as the log announces them, and what the log of cases tells.

use eventlog::{ApplyError, Event, NewEvent};
use proto::{events::v1 as events, types::v1 as types};
use service::wire::{self, moment, timestamp};
use time::OffsetDateTime;
use uuid::Uuid;
use vocabulary::{CaseState, StructureKey, Word as _, derived_id};

use super::identifier;
use crate::domain::{CaseChange, CaseProgress, Recorded, Report, Treatment, Withdrawal};

/// Announces a report. The id derives from the report, so that a snapshot tells
/// it under the same one.
pub(crate) fn submitted(report: &Report) -> NewEvent {
    let facts = &report.facts;
    let structure = &report.structure;
    let payload = events::ReportSubmitted {
        report_id: report.id.to_string(),
        reference: report.reference.to_string(),
        kind: facts.kind.number(),
        channel: report.channel.number(),
        test: report.is_test(),
        received_at: Some(timestamp(report.received_at)),
        declared_at: Some(timestamp(report.declared_at)),
        found_at: Some(timestamp(facts.found_at)),
        started_at: facts.started_at.map(timestamp),
        structure: Some(events::ReportedStructure {
            identifier: Some(identifier::to_wire(&facts.structure)),
            name: structure.name.clone(),
            kind: proto::number(structure.kind),
            routing_region: report.routing_region.to_string(),
            department: wire::shown(structure.department),
            town: structure.town.clone().unwrap_or_default(),
            operator_status: proto::number(structure.operator_status),
            link_verified: structure.link_verified,
            // Another key may be the RPPS number of a person.
            structure_key: match structure.key {
                StructureKey::Finess(_) => structure.key.to_string(),
                _ => String::new(),
            },
        }),
        origin: proto::number(facts.origin),
        origin_types: proto::numbers(&facts.origin_types),
        impacts: Some(types::Impacts::from(&facts.impacts)),
        text: Some(events::ReportText {
            description: facts.description.as_str().to_owned(),
            perimeter: wire::text(facts.perimeter.as_ref()),
            systems: wire::text(facts.systems.as_ref()),
            care_status: wire::text(facts.care_status.as_ref()),
            measures_taken: wire::text(facts.measures_taken.as_ref()),
            vendor: wire::text(facts.vendor.as_ref()),
            product: wire::text(facts.product.as_ref()),
        }),
        assistance_requested: facts.assistance_requested,
        tlp: facts.tlp.number(),
        visible_to: report.visible_to.iter().map(ToString::to_string).collect(),
        sealed_personal_data: report
            .contacts
            .as_ref()
            .map(|contacts| contacts.sealed.clone().into())
            .unwrap_or_default(),
    };
    let id = derived_id("report_submitted", &[report.id.as_bytes()]);
    let event = NewEvent::new(id, report.subject(), report.received_at, &payload);
    match &report.contacts {
        Some(contacts) => event.with_data_key(contacts.wrapped_key.clone()),
        None => event,
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
    let id = derived_id("report_withdrawn", &[report.id.as_bytes()]);
    NewEvent::new(id, report.subject(), withdrawal.at, &payload)
}

/// Announces that the contacts of a report were erased.
pub(crate) fn contacts_erased(of: &Treatment, at: OffsetDateTime) -> NewEvent {
    let payload = events::ReportContactsErased {
        report_id: of.report_id.to_string(),
        reference: of.reference.clone(),
        erased_at: Some(timestamp(at)),
    };
    let id = derived_id("report_contacts_erased", &[of.report_id.as_bytes()]);
    NewEvent::new(id, of.subject(), at, &payload)
}

/// Announces a structure of the directory, new or changed.
pub(crate) fn recorded(recorded: &Recorded) -> NewEvent {
    let structure = &recorded.structure;
    let key = structure.key().to_string();
    let payload = events::StructureRecorded {
        structure_key: key.clone(),
        name: structure.name.as_str().to_owned(),
        kind: structure.kind.number(),
        region: wire::shown(structure.region),
        department: structure.department.to_string(),
        town: wire::text(structure.town.as_ref()),
        legal_entity_finess: wire::shown(structure.legal_entity),
        operator_status: proto::number(structure.operator_status),
        revision: recorded.revision,
    };
    let id = derived_id(
        "structure_recorded",
        &[key.as_bytes(), &recorded.revision.to_be_bytes()],
    );
    NewEvent::new(id, format!("structure/{key}"), recorded.at, &payload)
}

/// Reads what the log of cases tells of a report.
pub(crate) fn case_change(event: &Event) -> Result<CaseChange, ApplyError> {
    let change: events::CaseChanged = event.decode()?;
    let id = |text: &str| Uuid::try_parse(text).map_err(|_| ApplyError::Poison("bad_id"));
    let changed_at = change.changed_at.as_ref().and_then(moment);
    Ok(CaseChange {
        report_id: id(&change.report_id)?,
        progress: CaseProgress {
            case_id: id(&change.case_id)?,
            state: CaseState::heard(change.state),
            revision: change.revision,
        },
        at: changed_at.unwrap_or(event.time),
    })
}

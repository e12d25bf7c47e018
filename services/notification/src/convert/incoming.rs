//! Events of intake and qualification, read into what they mean here.
//!
//! Reading is lenient: words that a later release adds are kept as they came, so
//! that this one keeps telling people while both run.

use eventlog::{ApplyError, Event};
use proto::{
    Payload,
    events::v1::{
        CaseChange, CaseChanged, ReportContactsErased, ReportSubmitted, ReportWithdrawn,
        notification_raised::Subject,
    },
    types::v1 as wire,
};
use time::OffsetDateTime;
use uuid::Uuid;
use vocabulary::{
    Impacts, OperatorStatus, Origin, OriginType, ReportKind, Severity, StructureKind, Tlp,
    Word as _, propose_severity,
};

use super::moment;
use crate::domain::{
    audience::Audience,
    summary::ReportSummary,
    trigger::{CaseUpdate, Change, Submission, Trigger, Withdrawal},
};

/// An event that was read.
#[derive(Clone, Debug)]
pub(crate) struct ParsedEvent {
    /// What it means.
    pub(crate) trigger: Trigger,
    /// What the stream passes on of it: without the declarant's words, without
    /// personal data.
    pub(crate) subject: Subject,
}

/// What an event means here.
#[derive(Clone, Debug)]
pub(crate) enum IncomingEvent {
    /// Something that somebody may be told of.
    Parsed(Box<ParsedEvent>),
    /// The contacts of this report are to be erased.
    ContactsErased(Uuid),
}

impl IncomingEvent {
    /// The report it is about.
    pub(crate) fn report_id(&self) -> Uuid {
        match self {
            Self::Parsed(parsed) => parsed.trigger.report_id(),
            Self::ContactsErased(report_id) => *report_id,
        }
    }
}

/// Whether events of a type concern this service.
pub(crate) fn concerns(event_type: &str) -> bool {
    [
        ReportSubmitted::TYPE,
        ReportWithdrawn::TYPE,
        ReportContactsErased::TYPE,
        CaseChanged::TYPE,
    ]
    .contains(&event_type)
}

/// Reads an event of a type that [`concerns`] this service.
pub(crate) fn parse(event: &Event) -> Result<IncomingEvent, ApplyError> {
    let parsed = match event.event_type.as_str() {
        ReportSubmitted::TYPE => submitted(event, event.decode()?),
        ReportWithdrawn::TYPE => withdrawn(event.decode()?),
        CaseChanged::TYPE => case_changed(event.decode()?),
        ReportContactsErased::TYPE => {
            let message: ReportContactsErased = event.decode()?;
            return id(&message.report_id).map(IncomingEvent::ContactsErased);
        }
        _ => Err(ApplyError::Poison("unexpected_type")),
    };
    parsed.map(|parsed| IncomingEvent::Parsed(Box::new(parsed)))
}

fn submitted(event: &Event, mut message: ReportSubmitted) -> Result<ParsedEvent, ApplyError> {
    let structure = message.structure.take().unwrap_or_default();
    let impacts = impacts(message.impacts.as_ref());
    let report_kind = ReportKind::heard(message.kind);
    let received_at = at(message.received_at.as_ref()).unwrap_or(event.time);
    let declared_at = at(message.declared_at.as_ref()).unwrap_or(received_at);
    let summary = ReportSummary {
        reference: message.reference.clone(),
        report_kind,
        structure_name: Some(one_line(&structure.name)).filter(|name| !name.is_empty()),
        structure_kind: StructureKind::heard(structure.kind),
        operator_status: OperatorStatus::heard(structure.operator_status),
        region: structure.routing_region.parse().ok(),
        received_at: Some(received_at),
        declared_at: Some(declared_at),
        found_at: at(message.found_at.as_ref()),
        origin: Origin::heard(message.origin),
        origin_types: OriginType::all_heard(&message.origin_types).collect(),
        severity: report_kind
            .map(|kind| propose_severity(kind, &impacts))
            .unwrap_or_default(),
        impacts,
        tlp: Tlp::heard(message.tlp),
    };
    let trigger = Trigger::Submitted(Submission {
        report_id: id(&message.report_id)?,
        summary,
        received_at,
        back_dated: message.channel() == wire::Channel::Import && declared_at < received_at,
        audience: Audience::new(std::mem::take(&mut message.visible_to)),
        test: message.test,
        sealed_contacts: Some(std::mem::take(&mut message.sealed_personal_data))
            .filter(|sealed| !sealed.is_empty())
            .map(Into::into),
        data_key: event.data_key.clone(),
    });
    message.text = None;
    // A structure may be named by the RPPS number of a person.
    message.structure = Some(proto::events::v1::ReportedStructure {
        identifier: None,
        ..structure
    });
    Ok(ParsedEvent {
        trigger,
        subject: Subject::ReportSubmitted(message),
    })
}

fn withdrawn(mut message: ReportWithdrawn) -> Result<ParsedEvent, ApplyError> {
    let trigger = Trigger::Withdrawn(Withdrawal {
        report_id: id(&message.report_id)?,
        reference: message.reference.clone(),
        region: message.routing_region.parse().ok(),
        audience: Audience::new(std::mem::take(&mut message.visible_to)),
        test: message.test,
    });
    message.reason.clear();
    Ok(ParsedEvent {
        trigger,
        subject: Subject::ReportWithdrawn(message),
    })
}

fn case_changed(mut message: CaseChanged) -> Result<ParsedEvent, ApplyError> {
    let change = match CaseChange::try_from(message.change) {
        Ok(CaseChange::Opened) => Change::Opened,
        Ok(CaseChange::Claimed) => Change::Claimed,
        Ok(CaseChange::Qualified) => Change::Qualified,
        Ok(CaseChange::OutOfScope) => Change::OutOfScope,
        Ok(CaseChange::Closed) => Change::Closed,
        Ok(CaseChange::Withdrawn) => Change::Withdrawn,
        Ok(CaseChange::Noted) => Change::Noted,
        Ok(CaseChange::Unspecified) | Err(_) => Change::Other,
    };
    let trigger = Trigger::CaseChanged(CaseUpdate {
        report_id: id(&message.report_id)?,
        case_id: id(&message.case_id)?,
        revision: message.revision,
        change,
        severity: message.severity.map(Severity::from).unwrap_or_default(),
        qualified: message.qualified,
        origin: Origin::heard(message.origin),
        origin_types: OriginType::all_heard(&message.origin_types).collect(),
        impacts: impacts(message.impacts.as_ref()),
        reference: message.reference.clone(),
        region: message.routing_region.parse().ok(),
        audience: Audience::new(std::mem::take(&mut message.visible_to)),
        test: message.test,
    });
    // A word for those who follow may be the declarant's own.
    message.note.clear();
    Ok(ParsedEvent {
        trigger,
        subject: Subject::CaseChanged(message),
    })
}

/// A name as it may stand in a headline or a subject: on one line.
fn one_line(name: &str) -> String {
    name.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn id(text: &str) -> Result<Uuid, ApplyError> {
    text.parse()
        .map_err(|_| ApplyError::Poison("bad_identifier"))
}

fn at(timestamp: Option<&prost_types::Timestamp>) -> Option<OffsetDateTime> {
    timestamp.and_then(moment::from_wire)
}

fn impacts(impacts: Option<&wire::Impacts>) -> Impacts {
    impacts.map(Impacts::from).unwrap_or_default()
}

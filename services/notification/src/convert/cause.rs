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
    Word as _, display_line, propose_severity,
};

use super::moment;
use crate::domain::{
    audience::Audience,
    cause::{CaseNews, Cause, Change, Submission, Withdrawal},
    phrases::MAX_NAME_WIDTH,
    situation::Situation,
};

/// An event that was read.
#[derive(Clone, Debug)]
pub(crate) struct Heard {
    /// What it means.
    pub(crate) cause: Cause,
    /// What the stream passes on of it: without the declarant's words, without
    /// personal data.
    pub(crate) subject: Subject,
}

/// What an event means here.
#[derive(Clone, Debug)]
pub(crate) enum News {
    /// Something that somebody may be told of.
    Heard(Box<Heard>),
    /// The contacts of this report are to be erased.
    ContactsErased(Uuid),
}

impl News {
    /// The report it is about.
    pub(crate) fn report_id(&self) -> Uuid {
        match self {
            Self::Heard(heard) => heard.cause.report_id(),
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
pub(crate) fn read(event: &Event) -> Result<News, ApplyError> {
    let heard = match event.event_type.as_str() {
        ReportSubmitted::TYPE => submitted(event, event.decode()?),
        ReportWithdrawn::TYPE => withdrawn(event.decode()?),
        CaseChanged::TYPE => case_changed(event.decode()?),
        ReportContactsErased::TYPE => {
            let message: ReportContactsErased = event.decode()?;
            return id(&message.report_id).map(News::ContactsErased);
        }
        _ => Err(ApplyError::Poison("unexpected_type")),
    };
    heard.map(|heard| News::Heard(Box::new(heard)))
}

fn submitted(event: &Event, mut message: ReportSubmitted) -> Result<Heard, ApplyError> {
    let structure = message.structure.take().unwrap_or_default();
    let impacts = impacts(message.impacts.as_ref());
    let report_kind = ReportKind::heard(message.kind);
    let received_at = at(message.received_at.as_ref()).unwrap_or(event.time);
    let declared_at = at(message.declared_at.as_ref()).unwrap_or(received_at);
    let situation = Situation {
        reference: message.reference.clone(),
        report_kind,
        structure_name: Some(display_line(&structure.name, MAX_NAME_WIDTH))
            .filter(|name| !name.is_empty()),
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
    let cause = Cause::Submitted(Submission {
        report_id: id(&message.report_id)?,
        situation,
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
    Ok(Heard {
        cause,
        subject: Subject::ReportSubmitted(message),
    })
}

fn withdrawn(mut message: ReportWithdrawn) -> Result<Heard, ApplyError> {
    let cause = Cause::Withdrawn(Withdrawal {
        report_id: id(&message.report_id)?,
        reference: message.reference.clone(),
        region: message.routing_region.parse().ok(),
        audience: Audience::new(std::mem::take(&mut message.visible_to)),
        test: message.test,
    });
    message.reason.clear();
    Ok(Heard {
        cause,
        subject: Subject::ReportWithdrawn(message),
    })
}

fn case_changed(mut message: CaseChanged) -> Result<Heard, ApplyError> {
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
    let cause = Cause::CaseChanged(CaseNews {
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
    Ok(Heard {
        cause,
        subject: Subject::CaseChanged(message),
    })
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

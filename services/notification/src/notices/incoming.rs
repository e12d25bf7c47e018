//! Events of intake and qualification, read into what they mean here.
//!
//! Reading is lenient: words that a later release adds are kept as they came, so
//! that this one keeps telling people while both run.

use eventlog::{ApplyError, Event};
use proto::{
    Payload,
    events::v1::{
        CaseActivityRecorded, CaseChange, CaseChanged, CaseMessagePosted, ReportAmended,
        ReportAttached, ReportContactsErased, ReportSubmitted, ReportWithdrawn, ReportedStructure,
        notification_raised::Subject,
    },
    types::v1 as wire,
};
use service::wire::moment;
use time::OffsetDateTime;
use uuid::Uuid;
use vocabulary::{
    CaseActivity, Impacts, OperatorStatus, Origin, OriginType, Party, ReportKind, Role, Severity,
    StructureKind, Tlp, Word as _, is_empty_text, propose_severity,
};

use super::{
    ReportSummary,
    trigger::{
        Activity, Actor, Amendment, Attachment, CaseUpdate, Change, Submission, Trigger, Withdrawal,
    },
};

/// An event that was read.
#[derive(Clone, Debug)]
pub(super) struct ParsedEvent {
    /// What it means.
    pub(super) trigger: Trigger,
    /// What the stream passes on of it: without the declarant's words, without
    /// personal data.
    pub(super) subject: Subject,
}

/// What an event means here.
#[derive(Clone, Debug)]
pub(super) enum IncomingEvent {
    /// Something that somebody may be told of.
    Parsed(Box<ParsedEvent>),
    /// The contacts of this report are to be erased.
    ContactsErased(Uuid),
}

impl IncomingEvent {
    /// The report it is about.
    pub(super) fn report_id(&self) -> Uuid {
        match self {
            Self::Parsed(parsed) => parsed.trigger.report_id(),
            Self::ContactsErased(report_id) => *report_id,
        }
    }
}

/// Reads an event of one of the types that the feature applies.
pub(super) fn parse(event: &Event) -> Result<IncomingEvent, ApplyError> {
    let parsed = match event.event_type.as_str() {
        ReportSubmitted::TYPE => submitted(event, event.decode()?),
        ReportAmended::TYPE => amended(event, event.decode()?),
        ReportAttached::TYPE => attached(event, event.decode()?),
        ReportWithdrawn::TYPE => withdrawn(event.decode()?),
        CaseChanged::TYPE => case_changed(event.decode()?),
        CaseMessagePosted::TYPE => message_posted(event.decode()?),
        CaseActivityRecorded::TYPE => activity_recorded(event.decode()?),
        ReportContactsErased::TYPE => {
            let message: ReportContactsErased = event.decode()?;
            return id(&message.report_id).map(IncomingEvent::ContactsErased);
        }
        _ => Err(ApplyError::Poison("unexpected_type")),
    };
    parsed.map(|parsed| IncomingEvent::Parsed(Box::new(parsed)))
}

fn submitted(event: &Event, message: ReportSubmitted) -> Result<ParsedEvent, ApplyError> {
    let (submission, told) = report(event, message)?;
    Ok(ParsedEvent {
        trigger: Trigger::Submitted(submission),
        subject: Subject::ReportSubmitted(told),
    })
}

fn amended(event: &Event, message: ReportAmended) -> Result<ParsedEvent, ApplyError> {
    let whole = message.report.ok_or(ApplyError::Poison("no_report"))?;
    let (submission, told) = report(event, whole)?;
    let revision = revision(message.revision)?;
    let trigger = Trigger::Amended(Amendment {
        report: submission,
        revision: revision.ok_or(ApplyError::Poison("bad_revision"))?,
        on_behalf: message.on_behalf,
        at: at(message.amended_at.as_ref()).unwrap_or(event.time),
        attachment: None,
    });
    let subject = ReportAmended {
        report: Some(told),
        revision: message.revision,
        stage: message.stage,
        changed_paths: message.changed_paths,
        amended_at: message.amended_at,
        author_role: message.author_role,
        ..ReportAmended::default()
    };
    Ok(ParsedEvent {
        trigger,
        subject: Subject::ReportAmended(subject),
    })
}

/// Reads that a report was attached to its structure. The feed tells of it as of an amendment,
/// which those who watch it know.
fn attached(event: &Event, message: ReportAttached) -> Result<ParsedEvent, ApplyError> {
    let lost = message.no_longer_visible_to.iter();
    let attachment = Attachment {
        no_longer_visible_to: lost.map(|slug| Party::stored(slug)).collect(),
    };
    let told_as = ReportAmended {
        report: message.report,
        revision: message.revision,
        stage: message.stage,
        changed_paths: message.changed_paths,
        amended_at: message.attached_at,
        author_role: message.attached_by,
        on_behalf: false,
    };
    let mut parsed = amended(event, told_as)?;
    if let Trigger::Amended(amendment) = &mut parsed.trigger {
        amendment.attachment = Some(attachment);
    }
    Ok(parsed)
}

/// Reads a report as it was announced, and what the feed passes on of it.
fn report(
    event: &Event,
    mut message: ReportSubmitted,
) -> Result<(Submission, ReportSubmitted), ApplyError> {
    let structure = message.structure.take().unwrap_or_default();
    let impacts = impacts(message.impacts.as_ref());
    let report_kind = ReportKind::heard(message.kind);
    let received_at = at(message.received_at.as_ref()).unwrap_or(event.time);
    let declared_at = at(message.declared_at.as_ref()).unwrap_or(received_at);
    let summary = ReportSummary {
        reference: message.reference.clone(),
        report_kind,
        structure_name: Some(structure.name.clone()).filter(|name| !is_empty_text(name)),
        structure_kind: StructureKind::heard(structure.kind),
        operator_status: OperatorStatus::heard(structure.operator_status),
        region: structure.routing_region.parse().ok(),
        received_at: Some(received_at),
        declared_at: Some(declared_at),
        found_at: at(message.found_at.as_ref()),
        due_at: None,
        origin: Origin::heard(message.origin),
        origin_types: OriginType::all_heard(&message.origin_types).collect(),
        severity: report_kind
            .map(|kind| propose_severity(kind, &impacts))
            .unwrap_or_default(),
        impacts,
        tlp: Tlp::heard(message.tlp),
    };
    let submission = Submission {
        report_id: id(&message.report_id)?,
        revision: revision(message.revision)?,
        summary,
        received_at,
        back_dated: message.channel() == wire::Channel::Import && declared_at < received_at,
        audience: std::mem::take(&mut message.visible_to)
            .into_iter()
            .collect(),
        test: message.test,
        sealed_contacts: Some(std::mem::take(&mut message.sealed_personal_data))
            .filter(|sealed| !sealed.is_empty())
            .map(Into::into),
        data_key: event.data_key.clone(),
    };
    // What the feed passes on, field by field: what is not listed is not told. A
    // structure may be identified by the RPPS number of a person.
    let told = ReportSubmitted {
        report_id: message.report_id,
        reference: message.reference,
        kind: message.kind,
        channel: message.channel,
        test: message.test,
        received_at: message.received_at,
        declared_at: message.declared_at,
        found_at: message.found_at,
        started_at: message.started_at,
        structure: Some(ReportedStructure {
            name: structure.name,
            kind: structure.kind,
            routing_region: structure.routing_region,
            department: structure.department,
            town: structure.town,
            operator_status: structure.operator_status,
            link_verified: structure.link_verified,
            ..ReportedStructure::default()
        }),
        origin: message.origin,
        origin_types: message.origin_types,
        impacts: message.impacts,
        assistance_requested: message.assistance_requested,
        tlp: message.tlp,
        ..ReportSubmitted::default()
    };
    Ok((submission, told))
}

fn withdrawn(mut message: ReportWithdrawn) -> Result<ParsedEvent, ApplyError> {
    let trigger = Trigger::Withdrawn(Withdrawal {
        report_id: id(&message.report_id)?,
        reference: message.reference.clone(),
        region: message.routing_region.parse().ok(),
        audience: std::mem::take(&mut message.visible_to)
            .into_iter()
            .collect(),
        test: message.test,
    });
    let subject = ReportWithdrawn {
        report_id: message.report_id,
        reference: message.reference,
        withdrawn_at: message.withdrawn_at,
        routing_region: message.routing_region,
        test: message.test,
        ..ReportWithdrawn::default()
    };
    Ok(ParsedEvent {
        trigger,
        subject: Subject::ReportWithdrawn(subject),
    })
}

fn case_changed(mut message: CaseChanged) -> Result<ParsedEvent, ApplyError> {
    let change = match CaseChange::try_from(message.change) {
        Ok(CaseChange::Opened) => Change::Opened,
        Ok(CaseChange::Claimed) => Change::Claimed,
        Ok(CaseChange::Qualified) => Change::Qualified,
        Ok(CaseChange::OutOfScope) => Change::OutOfScope,
        Ok(CaseChange::Closed) => Change::Closed,
        Ok(CaseChange::Asked) => Change::Asked,
        Ok(CaseChange::Answered) => Change::Answered,
        Ok(CaseChange::TreatmentBegun) => Change::TreatmentBegun,
        Ok(CaseChange::Resolved) => Change::Resolved,
        Ok(CaseChange::Duplicate) => Change::Duplicate,
        Ok(CaseChange::Attached) => Change::Attached,
        Ok(CaseChange::Detached) => Change::Detached,
        Ok(CaseChange::Reopened) => Change::Reopened,
        Ok(CaseChange::HandedOver) => Change::HandedOver,
        Ok(CaseChange::Amended) => Change::Amended,
        Ok(CaseChange::PilotTaken) => Change::PilotTaken,
        Ok(CaseChange::LinkDecided) => Change::LinkDecided,
        Ok(CaseChange::ReportAttached) => Change::ReportAttached,
        Ok(CaseChange::CareRecorded) => Change::CareRecorded,
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
        care_recorded: message.care_recorded,
        resolved_on_behalf: message.resolved_on_behalf,
        origin: Origin::heard(message.origin),
        origin_types: OriginType::all_heard(&message.origin_types).collect(),
        impacts: impacts(message.impacts.as_ref()),
        reference: message.reference.clone(),
        region: message.routing_region.parse().ok(),
        audience: std::mem::take(&mut message.visible_to)
            .into_iter()
            .collect(),
        test: message.test,
    });
    // The note may hold the declarant's own words.
    let subject = CaseChanged {
        case_id: message.case_id,
        report_id: message.report_id,
        revision: message.revision,
        change: message.change,
        changed_at: message.changed_at,
        state: message.state,
        severity: message.severity,
        qualified: message.qualified,
        origin: message.origin,
        origin_types: message.origin_types,
        impacts: message.impacts,
        routing_region: message.routing_region,
        reference: message.reference,
        test: message.test,
        duplicate_of: message.duplicate_of,
        ..CaseChanged::default()
    };
    Ok(ParsedEvent {
        trigger,
        subject: Subject::CaseChanged(subject),
    })
}

fn message_posted(mut message: CaseMessagePosted) -> Result<ParsedEvent, ApplyError> {
    let trigger = Trigger::Activity(Activity {
        report_id: id(&message.report_id)?,
        case_id: Some(id(&message.case_id)?),
        reference: message.reference.clone(),
        region: message.routing_region.parse().ok(),
        kind: Some(CaseActivity::Message),
        actor: actor(message.author_role),
        to_structure: message.to_structure,
        audience: std::mem::take(&mut message.visible_to)
            .into_iter()
            .collect(),
        due_at: None,
        test: message.test,
    });
    let subject = CaseMessagePosted {
        message_id: message.message_id,
        case_id: message.case_id,
        report_id: message.report_id,
        reference: message.reference,
        posted_at: message.posted_at,
        author_role: message.author_role,
        to_structure: message.to_structure,
        routing_region: message.routing_region,
        test: message.test,
        ..CaseMessagePosted::default()
    };
    Ok(ParsedEvent {
        trigger,
        subject: Subject::CaseMessagePosted(subject),
    })
}

fn activity_recorded(mut message: CaseActivityRecorded) -> Result<ParsedEvent, ApplyError> {
    let trigger = Trigger::Activity(Activity {
        report_id: id(&message.report_id)?,
        case_id: match message.case_id.as_str() {
            "" => None,
            case_id => Some(id(case_id)?),
        },
        reference: message.reference.clone(),
        region: message.routing_region.parse().ok(),
        kind: CaseActivity::heard(message.activity),
        actor: actor(message.actor_role),
        to_structure: message.to_structure,
        audience: std::mem::take(&mut message.visible_to)
            .into_iter()
            .collect(),
        due_at: at(message.due_at.as_ref()),
        test: message.test,
    });
    let subject = CaseActivityRecorded {
        activity_id: message.activity_id,
        case_id: message.case_id,
        report_id: message.report_id,
        reference: message.reference,
        at: message.at,
        activity: message.activity,
        actor_role: message.actor_role,
        to_structure: message.to_structure,
        routing_region: message.routing_region,
        test: message.test,
        due_at: message.due_at,
        ..CaseActivityRecorded::default()
    };
    Ok(ParsedEvent {
        trigger,
        subject: Subject::CaseActivityRecorded(subject),
    })
}

/// Which revision of a declaration is told; none for the first one.
fn revision(told: u64) -> Result<Option<u64>, ApplyError> {
    i64::try_from(told).map_err(|_| ApplyError::Poison("bad_revision"))?;
    Ok(Some(told).filter(|told| *told > 1))
}

fn actor(role: i32) -> Option<Actor> {
    match Role::heard(role)? {
        Role::Declarant => Some(Actor::Structure),
        Role::Analyst => Some(Actor::Cell),
        Role::RegionalAgent => Some(Actor::Agency),
        Role::SecurityOfficer => Some(Actor::SecurityOfficer),
        Role::Service => Some(Actor::Suite),
        _ => None,
    }
}

fn id(text: &str) -> Result<Uuid, ApplyError> {
    text.parse()
        .map_err(|_| ApplyError::Poison("bad_identifier"))
}

fn at(timestamp: Option<&prost_types::Timestamp>) -> Option<OffsetDateTime> {
    timestamp.and_then(moment)
}

fn impacts(impacts: Option<&wire::Impacts>) -> Impacts {
    impacts.map(Impacts::from).unwrap_or_default()
}

#[cfg(test)]
mod tests;

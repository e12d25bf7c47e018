//! Reports and what they set off, for the wire.

use platform::{Error, Violation};
use proto::{intake::v1 as pb, types::v1 as types};
use service::wire::{self, timestamp};
use vocabulary::{Channel, ParallelDuty, Role, Severity, Word as _};

use super::{
    EnteredBy, Report, ReportState,
    consequences::{AgencyTold, Consequences, Duty, Owed},
    decide::Refusal,
    draft,
    facts::Contacts,
    warnings::Warning,
};

/// A report for the wire; without contacts for who may not see them.
pub(super) fn report(report: &Report, contacts: Option<&Contacts>) -> pb::Report {
    let case = report.case.as_ref();
    pb::Report {
        report_id: report.id.to_string(),
        reference: report.reference.to_string(),
        draft: Some(draft::to_wire(&report.facts, contacts)),
        structure_name: report.structure.name.clone(),
        routing_region: report.routing_region.to_string(),
        channel: report.channel.number(),
        received_at: Some(timestamp(report.received_at)),
        declared_at: Some(timestamp(report.declared_at)),
        state: match report.state() {
            ReportState::Submitted => pb::ReportState::Submitted,
            ReportState::Withdrawn => pb::ReportState::Withdrawn,
        }
        .into(),
        withdrawn_at: report
            .withdrawal
            .as_ref()
            .map(|withdrawal| timestamp(withdrawal.at)),
        link_verified: report.structure.link.is_verified(),
        link: report.structure.link.number(),
        test: report.is_test(),
        case_state: proto::number(case.and_then(|case| case.state)),
        case_id: wire::shown(case.map(|case| case.case_id)),
        etag: report.etag(),
        revision: report.declared_revision(),
        stage: report.stage().number(),
        entered_by: report.entered_by.as_ref().map(|it| entered_by(report, it)),
    }
}

/// Who entered a report for the person who declared.
fn entered_by(report: &Report, entered_by: &EnteredBy) -> pb::EnteredBy {
    let role = match report.channel {
        Channel::Cell => Role::Analyst,
        _ => Role::RegionalAgent,
    };
    pb::EnteredBy {
        medium: entered_by.medium.number(),
        role: role.number(),
        subject: entered_by.subject.clone(),
    }
}

/// The acknowledgement of a report.
pub(super) fn receipt(
    report: &Report,
    set_off: &Consequences,
    emergency_phone: &str,
) -> pb::Receipt {
    pb::Receipt {
        report_id: report.id.to_string(),
        reference: report.reference.to_string(),
        received_at: Some(timestamp(report.received_at)),
        consequences: Some(consequences(set_off)),
        emergency_phone: emergency_phone.to_owned(),
    }
}

/// What a report sets off, for the wire.
pub(crate) fn consequences(consequences: &Consequences) -> pb::Consequences {
    let Severity {
        serious,
        significant,
        major,
    } = consequences.severity;
    pb::Consequences {
        agency: consequences.agency.as_ref().map(agency),
        addressees: consequences
            .addressees
            .iter()
            .map(|addressee| pb::Addressee {
                party: addressee.party.to_string(),
                name: addressee.name.clone(),
                legal_basis: addressee.legal_basis.to_owned(),
            })
            .collect(),
        parallel_duties: consequences.duties.iter().map(duty).collect(),
        next_steps: consequences.next_steps.clone(),
        proposed_severity: Some(types::Severity {
            serious,
            significant,
            major,
        }),
        other_agencies: consequences.other_agencies.iter().map(agency).collect(),
        deadlines: consequences.owed.iter().flat_map(deadlines).collect(),
    }
}

fn agency(agency: &AgencyTold) -> pb::Agency {
    pb::Agency {
        region: agency.region.code().to_owned(),
        name: agency.name.to_owned(),
        mailbox: agency.mailbox.clone(),
    }
}

fn duty(duty: &Duty) -> pb::ParallelDuty {
    let Duty { kind, text, due_at } = duty;
    pb::ParallelDuty {
        code: ParallelDuty::as_str(*kind).to_owned(),
        text: text.clone(),
        legal_basis: kind.legal_basis().to_owned(),
        due_at: due_at.map(timestamp),
    }
}

fn deadlines(owed: &Owed) -> impl Iterator<Item = types::Deadline> {
    let Owed {
        pack,
        deadlines,
        at,
    } = owed;
    let deadlines = deadlines.iter();
    deadlines.map(|it| service::deadline(pack, it, it.is_overdue(*at)))
}

/// A violation of a checked draft.
pub(super) fn violation(violation: &Violation) -> pb::Violation {
    said(&violation.field, violation.reason, &violation.description)
}

/// A warning about a checked draft.
pub(super) fn warning(warning: &Warning) -> pb::Violation {
    said(warning.field, warning.reason, warning.description)
}

/// What keeps a checked draft from being declared.
pub(super) fn refused(refusal: Refusal) -> pb::Violation {
    let (field, reason, french) = refusal.told();
    said(field, reason, french)
}

fn said(field: &str, reason: &str, description: &str) -> pb::Violation {
    pb::Violation {
        field: field.to_owned(),
        reason: reason.to_owned(),
        description: description.to_owned(),
    }
}

impl From<Refusal> for Error {
    fn from(refusal: Refusal) -> Self {
        let (field, reason, french) = refusal.told();
        match refusal {
            Refusal::BackDating
            | Refusal::OnBehalfNotYours
            | Refusal::OnBehalfRequired
            | Refusal::RegionNotYours
            | Refusal::NotYoursToWithdraw => Self::permission_denied(reason, french),
            Refusal::RegionsNotYours | Refusal::CapacityNotYours => {
                Self::invalid(field, reason, french)
            }
            Refusal::AlreadyWithdrawn => Self::failed_precondition(reason, french),
            Refusal::EtagMismatch => Self::aborted(reason, french),
        }
    }
}

//! Reports and what they set off, for the wire.

use proto::{intake::v1 as pb, types::v1 as types};
use service::wire::{self, timestamp};
use vocabulary::{ParallelDuty, Severity, Word as _};

use super::draft_out;
use crate::domain::{AgencyTold, Consequences, Contacts, Duty, Report};

/// A report for the wire; without contacts for who may not see them.
pub(crate) fn report(report: &Report, contacts: Option<&Contacts>) -> pb::Report {
    let case = report.case.as_ref();
    pb::Report {
        report_id: report.id.to_string(),
        reference: report.reference.to_string(),
        draft: Some(draft_out::to_wire(&report.facts, contacts)),
        structure_name: report.structure.name.clone(),
        routing_region: report.routing_region.to_string(),
        channel: report.channel.number(),
        received_at: Some(timestamp(report.received_at)),
        declared_at: Some(timestamp(report.declared_at)),
        state: pb::ReportState::from(report.state()).into(),
        withdrawn_at: report
            .withdrawal
            .as_ref()
            .map(|withdrawal| timestamp(withdrawal.at)),
        link_verified: report.structure.link_verified,
        test: report.is_test(),
        case_state: proto::number(case.and_then(|case| case.state)),
        case_id: wire::shown(case.map(|case| case.case_id)),
        etag: report.etag(),
    }
}

/// The acknowledgement of a report.
pub(crate) fn receipt(
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

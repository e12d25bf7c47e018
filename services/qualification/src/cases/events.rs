//! Events of the log: leniently read, because a later release may have written
//! them, and written whole.

use proto::events::v1 as events;
use uuid::Uuid;
use vocabulary::{
    Impacts, Origin, OriginType, ParseError, ReportKind, StructureKind, Word as _, propose_severity,
};

use super::time::{moment, timestamp};
use crate::domain::{Action, Case, Change, Parties, Report, Sealed, Triage, Withdrawal};

/// A report as the opening of a case needs it.
#[derive(Debug)]
pub(crate) struct Submitted {
    /// The report.
    pub(crate) report: Report,
    /// What the rules propose.
    pub(crate) proposed: Triage,
    /// Who sees it.
    pub(crate) visible_to: Parties,
}

/// Reads the announcement of a report. Words of a later release are kept as
/// they came; only the report's id and date cannot be done without.
pub(crate) fn submitted(
    event: events::ReportSubmitted,
    data_key: Option<&[u8]>,
) -> Result<Submitted, ParseError> {
    let report_id = report_id(&event.report_id)?;
    let declared_at = event
        .declared_at
        .and_then(moment)
        .ok_or_else(|| ParseError::new("date of declaration", "not a moment"))?;
    let structure = event.structure.unwrap_or_default();
    let kind = ReportKind::heard(event.kind);
    let impacts = event
        .impacts
        .as_ref()
        .map(Impacts::from)
        .unwrap_or_default();
    let proposed = Triage {
        origin: Origin::heard(event.origin),
        origin_types: OriginType::all_heard(&event.origin_types).collect(),
        severity: kind
            .map(|kind| propose_severity(kind, &impacts))
            .unwrap_or_default(),
        impacts,
    };
    let sealed = data_key.filter(|_| !event.sealed_personal_data.is_empty());
    let report = Report {
        id: report_id,
        reference: event.reference,
        kind,
        structure_name: structure.name,
        structure_kind: StructureKind::heard(structure.kind),
        routing_region: structure.routing_region,
        declared_at,
        description: event.text.unwrap_or_default().description,
        assistance_requested: event.assistance_requested,
        test: event.test,
        sealed: sealed.map(|data_key| Sealed {
            personal_data: event.sealed_personal_data.to_vec(),
            data_key: data_key.to_vec(),
        }),
    };
    let visible_to = event.visible_to.into_iter().collect();
    Ok(Submitted {
        report,
        proposed,
        visible_to,
    })
}

/// Reads the announcement of a withdrawal.
pub(crate) fn withdrawn(event: events::ReportWithdrawn) -> Result<(Uuid, Withdrawal), ParseError> {
    Ok((
        report_id(&event.report_id)?,
        Withdrawal {
            reason: event.reason,
        },
    ))
}

/// Reads whose contacts were erased.
pub(crate) fn contacts_erased(event: &events::ReportContactsErased) -> Result<Uuid, ParseError> {
    report_id(&event.report_id)
}

/// Announces a change of a case: its whole public state, without contacts or
/// the names of those who act. The announced revision outranks that of every
/// change before it, in whatever history.
pub(crate) fn case_changed(case: &Case, change: &Change, revision: u64) -> events::CaseChanged {
    let triage = case.triage();
    events::CaseChanged {
        case_id: case.id.to_string(),
        report_id: case.report.id.to_string(),
        revision,
        change: change_of(change.action).into(),
        changed_at: Some(timestamp(change.at)),
        state: change.state.number(),
        severity: Some(triage.severity.into()),
        qualified: case.confirmed.is_some(),
        origin: proto::number(triage.origin),
        origin_types: proto::numbers(&triage.origin_types),
        impacts: Some((&triage.impacts).into()),
        note: change.note.clone(),
        visible_to: case.visible_to.slugs(),
        routing_region: case.report.routing_region.clone(),
        reference: case.report.reference.clone(),
        test: case.report.test,
        duplicate_of: String::new(),
    }
}

fn change_of(action: Action) -> events::CaseChange {
    match action {
        Action::Opened => events::CaseChange::Opened,
        Action::Claimed => events::CaseChange::Claimed,
        Action::Qualified => events::CaseChange::Qualified,
        Action::OutOfScope => events::CaseChange::OutOfScope,
        Action::Closed => events::CaseChange::Closed,
        Action::Withdrawn => events::CaseChange::Withdrawn,
        Action::Noted => events::CaseChange::Noted,
        Action::Later(_) => events::CaseChange::Unspecified,
    }
}

fn report_id(text: &str) -> Result<Uuid, ParseError> {
    Uuid::try_parse(text).map_err(|_| ParseError::new("id of a report", "not a UUID"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use prost::Message as _;

    use super::*;

    fn report() -> events::ReportSubmitted {
        events::ReportSubmitted {
            report_id: Uuid::from_u128(17).to_string(),
            declared_at: Some(prost_types::Timestamp {
                seconds: 1_790_000_000,
                nanos: 0,
            }),
            ..Default::default()
        }
    }

    proptest! {
        #[test]
        fn any_payload_is_read_or_refused_without_panic(bytes: Vec<u8>, key: Option<Vec<u8>>) {
            if let Ok(event) = events::ReportSubmitted::decode(bytes.as_slice()) {
                let _ = submitted(event, key.as_deref());
            }
            if let Ok(event) = events::ReportWithdrawn::decode(bytes.as_slice()) {
                let _ = withdrawn(event);
            }
        }

        #[test]
        fn numbers_of_a_later_release_never_refuse_a_report(
            kind in -9..200_i32,
            origin in -9..200_i32,
            types in proptest::collection::vec(-9..200_i32, 0..20),
        ) {
            let event = events::ReportSubmitted { kind, origin, origin_types: types, ..report() };
            prop_assert!(submitted(event, None).is_ok());
        }
    }

    #[test]
    fn a_report_is_refused_only_without_its_id_or_its_date() {
        assert!(submitted(report(), None).is_ok());
        let nameless = events::ReportSubmitted {
            report_id: String::new(),
            ..report()
        };
        assert!(submitted(nameless, None).is_err());
        let dateless = events::ReportSubmitted {
            declared_at: None,
            ..report()
        };
        assert!(submitted(dateless, None).is_err());
    }

    #[test]
    fn contacts_are_kept_only_with_their_key() {
        let event = events::ReportSubmitted {
            sealed_personal_data: b"sealed".as_slice().into(),
            ..report()
        };
        assert!(
            submitted(event.clone(), Some(b"key"))
                .unwrap()
                .report
                .sealed
                .is_some()
        );
        assert!(submitted(event, None).unwrap().report.sealed.is_none());
    }
}

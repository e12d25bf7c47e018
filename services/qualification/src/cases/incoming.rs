//! Events of intake, read into what they say about reports.

use eventlog::{ApplyError, Event};
use proto::{Payload as _, events::v1 as events};
use service::{Sealed, wire::moment};
use uuid::Uuid;
use vocabulary::{
    Channel, DeclarantLink, Impacts, Origin, OriginType, ReportKind, ReportStage, Role,
    StructureKind, Word as _, propose_severity,
};

use super::{
    Report, Resolution, Triage,
    decide::{Announced, AnnouncedBy, Withdrawal},
};
use crate::deadlines::{BreachFacts, ReportTick};

/// What an event says about a report.
pub(super) enum ReportEvent {
    Submitted(Box<Announced>),
    Amended(Box<Announced>),
    Withdrawn(Uuid, Withdrawal),
    Resolved(Uuid, Resolution),
    ContactsErased(Uuid),
}

impl ReportEvent {
    pub(super) fn parse(event: &Event) -> Result<Self, ApplyError> {
        let parsed = match event.event_type.as_str() {
            events::ReportSubmitted::TYPE => submitted(event.decode()?, event.data_key.as_deref())
                .map(|submitted| Self::Submitted(Box::new(submitted))),
            events::ReportAmended::TYPE => amended(event.decode()?, event.data_key.as_deref())
                .map(|amended| Self::Amended(Box::new(amended))),
            events::ReportLinkDecided::TYPE => {
                link_decided(event.decode()?, event.data_key.as_deref())
                    .map(|decided| Self::Amended(Box::new(decided)))
            }
            events::ReportAttached::TYPE => attached(event.decode()?, event.data_key.as_deref())
                .map(|attached| Self::Amended(Box::new(attached))),
            events::ReportResolved::TYPE => resolved(event.decode()?)
                .map(|(report_id, resolution)| Self::Resolved(report_id, resolution)),
            events::ReportContactsErased::TYPE => {
                let erased: events::ReportContactsErased = event.decode()?;
                Uuid::try_parse(&erased.report_id)
                    .ok()
                    .map(Self::ContactsErased)
            }
            _ => {
                let events::ReportWithdrawn {
                    report_id, reason, ..
                } = event.decode()?;
                let report_id = Uuid::try_parse(&report_id).ok();
                report_id.map(|report_id| Self::Withdrawn(report_id, Withdrawal { reason }))
            }
        };
        parsed.ok_or(ApplyError::Poison("unreadable_report"))
    }

    pub(super) fn report_id(&self) -> Uuid {
        match self {
            Self::Submitted(report) | Self::Amended(report) => report.report.id,
            Self::Withdrawn(report_id, _)
            | Self::Resolved(report_id, _)
            | Self::ContactsErased(report_id) => *report_id,
        }
    }

    /// The report of the same cause, where it names one.
    pub(super) fn cause(&self) -> Option<Uuid> {
        match self {
            Self::Submitted(report) | Self::Amended(report) => report.cause,
            Self::Withdrawn(..) | Self::Resolved(..) | Self::ContactsErased(_) => None,
        }
    }
}

/// Reads the announcement of a report. Words of a later release are kept as they came;
/// only the report's id and date cannot be done without.
fn submitted(event: events::ReportSubmitted, data_key: Option<&[u8]>) -> Option<Announced> {
    let report_id = Uuid::try_parse(&event.report_id).ok()?;
    let declared_at = event.declared_at.as_ref().and_then(moment)?;
    let received_at = event.received_at.as_ref().and_then(moment);
    let by_person = matches!(
        Channel::heard(event.channel),
        Some(Channel::Declarant | Channel::Agency)
    );
    let structure = event.structure.unwrap_or_default();
    // The release before says no more.
    let link = if structure.link_verified {
        DeclarantLink::Verified
    } else {
        DeclarantLink::Unverified
    };
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
    i64::try_from(event.revision).ok()?;
    let breach = BreachFacts {
        kind,
        impacts: &proposed.impacts,
        origin: proposed.origin,
        origin_types: &proposed.origin_types,
        cnil_notified: event.cnil_notified,
    };
    let aware_at = event.found_at.as_ref().and_then(moment);
    let tick = aware_at.filter(|_| !event.test).map(|aware_at| ReportTick {
        aware_at,
        received_at: received_at.unwrap_or(declared_at),
        reached: None,
        owes_cnil: breach.owe_cnil(),
    });
    let sealed = data_key.filter(|_| !event.sealed_personal_data.is_empty());
    let report = Report {
        id: report_id,
        revision: event.revision.max(1),
        reference: event.reference,
        kind,
        structure_name: structure.name,
        structure_kind: StructureKind::heard(structure.kind),
        structure_town: Some(structure.town).filter(|it| !it.is_empty()),
        structure_key: Some(structure.structure_key).filter(|it| !it.is_empty()),
        routing_region: structure.routing_region,
        declared_at,
        description: event.text.unwrap_or_default().description,
        assistance_requested: event.assistance_requested,
        test: event.test,
        cause_reference: Some(event.cause_reference).filter(|it| !it.is_empty()),
        link: DeclarantLink::heard(structure.link).or(Some(link)),
        sealed: sealed.map(|data_key| Sealed {
            sealed: event.sealed_personal_data.to_vec(),
            data_key: data_key.to_vec(),
        }),
    };
    Some(Announced {
        report,
        proposed,
        visible_to: event.visible_to.into_iter().collect(),
        changed_paths: None,
        by: AnnouncedBy::Declarant,
        sent_by_person_at: received_at.filter(|_| by_person),
        cause: Uuid::try_parse(&event.cause_report_id).ok(),
        tick,
    })
}

/// Reads the announcement of an amendment; it is nothing without its revision.
fn amended(event: events::ReportAmended, data_key: Option<&[u8]>) -> Option<Announced> {
    let amended = revised(event.report, event.revision, data_key)?;
    let amended_at = event.amended_at.as_ref().and_then(moment);
    let reached = ReportStage::heard(event.stage).zip(amended_at);
    Some(Announced {
        changed_paths: Some(event.changed_paths),
        tick: amended.tick.map(|tick| ReportTick { reached, ..tick }),
        ..amended
    })
}

/// Reads the announcement of a decision on the declarant's link.
fn link_decided(event: events::ReportLinkDecided, data_key: Option<&[u8]>) -> Option<Announced> {
    let decided = revised(event.report, event.revision, data_key)?;
    Some(Announced {
        by: AnnouncedBy::LinkDecision,
        ..decided
    })
}

/// Reads the announcement that a report is attached to its structure.
fn attached(event: events::ReportAttached, data_key: Option<&[u8]>) -> Option<Announced> {
    let attached = revised(event.report, event.revision, data_key)?;
    Some(Announced {
        by: AnnouncedBy::Attachment,
        changed_paths: Some(event.changed_paths),
        ..attached
    })
}

/// Reads a report as it stands since a revision.
fn revised(
    report: Option<events::ReportSubmitted>,
    revision: u64,
    data_key: Option<&[u8]>,
) -> Option<Announced> {
    let mut revised = submitted(report?, data_key)?;
    i64::try_from(revision).ok().filter(|&it| it > 1)?;
    revised.report.revision = revision;
    revised.changed_paths = Some(Vec::new());
    Some(revised)
}

/// Reads a declaration of resolution.
fn resolved(event: events::ReportResolved) -> Option<(Uuid, Resolution)> {
    let resolution = Resolution {
        number: event.number,
        resolved_at: event.resolved_at.as_ref().and_then(moment)?,
        declared_at: event.declared_at.as_ref().and_then(moment)?,
        declared_by: Role::heard(event.declared_by),
        on_behalf: event.on_behalf,
        sealed_how: event.sealed_how.into(),
    };
    Some((Uuid::try_parse(&event.report_id).ok()?, resolution))
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
        }

        #[test]
        fn numbers_of_a_later_release_never_refuse_a_report(
            kind in -9..200_i32,
            origin in -9..200_i32,
            types in proptest::collection::vec(-9..200_i32, 0..20),
        ) {
            let event = events::ReportSubmitted { kind, origin, origin_types: types, ..report() };
            prop_assert!(submitted(event, None).is_some());
        }
    }

    #[test]
    fn a_report_is_refused_only_without_its_id_or_its_date() {
        assert!(submitted(report(), None).is_some());
        let nameless = events::ReportSubmitted {
            report_id: String::new(),
            ..report()
        };
        assert!(submitted(nameless, None).is_none());
        let dateless = events::ReportSubmitted {
            declared_at: None,
            ..report()
        };
        assert!(submitted(dateless, None).is_none());
    }

    #[test]
    fn contacts_are_kept_only_with_their_key() {
        let event = events::ReportSubmitted {
            sealed_personal_data: b"sealed".as_slice().into(),
            ..report()
        };
        let sealed = |key| submitted(event.clone(), key).unwrap().report.sealed;
        assert!(sealed(Some(b"key")).is_some());
        assert!(sealed(None).is_none());
    }
}

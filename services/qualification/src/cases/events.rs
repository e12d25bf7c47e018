//! What reports make of cases.

use std::collections::{BTreeMap, HashMap, HashSet};

use async_trait::async_trait;
use eventlog::{ApplyError, Event, Log, NewEvent};
use platform::Result;
use proto::{Payload as _, events::v1 as events};
use service::{Feature, Sealed, revision_base, wire::moment};
use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;
use vocabulary::{
    Impacts, Origin, OriginType, ReportKind, Role, StructureKind, Word as _, propose_severity,
};

use super::{
    Case, Change, Report, Resolution, Triage,
    announce::changed,
    decide::{self, Announced, Withdrawal},
    history,
    store::{self},
    withdrawal::{self, EarlyWithdrawal},
};

/// Opens a case for every report, applies amendments, resolutions and withdrawals, and forgets
/// erased contacts.
#[derive(Debug)]
pub(crate) struct ReportEvents {
    /// Where the changes are announced.
    pub(crate) log: Log,
}

#[async_trait]
impl Feature for ReportEvents {
    async fn apply(
        &self,
        conn: &mut PgConnection,
        events: &[Event],
    ) -> Result<Vec<NewEvent>, ApplyError> {
        let parsed: Vec<_> = events
            .iter()
            .map(ReportEvent::parse)
            .collect::<Result<_, _>>()?;
        let mut batch = Batch::load(conn, &self.log, &parsed, events).await?;
        let now = platform::now();
        for (parsed, event) in parsed.into_iter().zip(events) {
            event
                .span()
                .in_scope(|| batch.apply(parsed, event.id, now))?;
        }
        batch.save(conn).await
    }
}

/// What an event says about a report.
enum ReportEvent {
    Submitted(Box<Announced>),
    Amended(Box<Announced>),
    Withdrawn(Uuid, Withdrawal),
    Resolved(Uuid, Resolution),
    ContactsErased(Uuid),
}

impl ReportEvent {
    fn parse(event: &Event) -> Result<Self, ApplyError> {
        let parsed = match event.event_type.as_str() {
            events::ReportSubmitted::TYPE => submitted(event.decode()?, event.data_key.as_deref())
                .map(|submitted| Self::Submitted(Box::new(submitted))),
            events::ReportAmended::TYPE => amended(event.decode()?, event.data_key.as_deref())
                .map(|amended| Self::Amended(Box::new(amended))),
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

    fn report_id(&self) -> Uuid {
        match self {
            Self::Submitted(report) | Self::Amended(report) => report.report.id,
            Self::Withdrawn(report_id, _)
            | Self::Resolved(report_id, _)
            | Self::ContactsErased(report_id) => *report_id,
        }
    }
}

/// Reads the announcement of a report. Words of a later release are kept as they came;
/// only the report's id and date cannot be done without.
fn submitted(event: events::ReportSubmitted, data_key: Option<&[u8]>) -> Option<Announced> {
    let report_id = Uuid::try_parse(&event.report_id).ok()?;
    let declared_at = event.declared_at.as_ref().and_then(moment)?;
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
        revision: 1,
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
            sealed: event.sealed_personal_data.to_vec(),
            data_key: data_key.to_vec(),
        }),
    };
    Some(Announced {
        report,
        proposed,
        visible_to: event.visible_to.into_iter().collect(),
        changed_paths: Vec::new(),
    })
}

/// Reads the announcement of an amendment; it is nothing without its revision.
fn amended(event: events::ReportAmended, data_key: Option<&[u8]>) -> Option<Announced> {
    let mut amended = submitted(event.report?, data_key)?;
    i64::try_from(event.revision).ok().filter(|&it| it > 1)?;
    amended.report.revision = event.revision;
    amended.changed_paths = event.changed_paths;
    Some(amended)
}

/// Reads a declaration of resolution.
fn resolved(event: events::ReportResolved) -> Option<(Uuid, Resolution)> {
    let resolution = Resolution {
        number: event.number,
        resolved_at: event.resolved_at.as_ref().and_then(moment)?,
        declared_at: event.declared_at.as_ref().and_then(moment)?,
        declared_by: Role::heard(event.declared_by),
        sealed_how: event.sealed_how.into(),
    };
    Some((Uuid::try_parse(&event.report_id).ok()?, resolution))
}

/// The cases that a batch of events is about, changed in memory and then saved in a few
/// statements.
struct Batch {
    /// What the announced revisions count on from.
    base: u64,
    /// By report; those not opened yet are absent.
    cases: BTreeMap<Uuid, Case>,
    opened: HashSet<Uuid>,
    changed: HashSet<Uuid>,
    /// Those whose report was amended.
    amended: HashSet<Uuid>,
    /// Those of which a resolution was declared, by report.
    resolved: HashSet<Uuid>,
    /// Withdrawals whose report has not come, by report.
    early: HashMap<Uuid, EarlyWithdrawal>,
    /// The reports whose contacts are to be erased.
    erased: Vec<Uuid>,
    /// Events that caused their entry before: a replay.
    applied: HashSet<Uuid>,
    changes: Vec<Change>,
    announcements: Vec<NewEvent>,
}

impl Batch {
    async fn load(
        conn: &mut PgConnection,
        log: &Log,
        parsed: &[ReportEvent],
        events: &[Event],
    ) -> Result<Self> {
        let report_ids: Vec<_> = parsed.iter().map(ReportEvent::report_id).collect();
        let event_ids: Vec<_> = events.iter().map(|event| event.id).collect();
        let cases = store::lock_cases_of(conn, &report_ids).await?;
        let case_ids: Vec<_> = cases.iter().map(|case| case.id).collect();
        let early = withdrawal::take(conn, &report_ids).await?;
        Ok(Self {
            base: revision_base(log, conn).await?,
            cases: cases
                .into_iter()
                .map(|case| (case.report.id, case))
                .collect(),
            opened: HashSet::new(),
            changed: HashSet::new(),
            amended: HashSet::new(),
            resolved: HashSet::new(),
            early: early
                .into_iter()
                .map(|early| (early.report_id, early))
                .collect(),
            erased: Vec::new(),
            applied: history::applied_events(conn, &case_ids, &event_ids).await?,
            changes: Vec::new(),
            announcements: Vec::new(),
        })
    }

    fn apply(
        &mut self,
        event: ReportEvent,
        event_id: Uuid,
        now: OffsetDateTime,
    ) -> Result<(), ApplyError> {
        let report_id = event.report_id();
        match event {
            // One case per report, however often the report comes; a snapshot tells by the
            // absence of contacts that they were erased. The greatest revision wins.
            ReportEvent::Submitted(report) | ReportEvent::Amended(report)
                if self.cases.contains_key(&report_id) =>
            {
                if report.report.sealed.is_none() {
                    self.erased.push(report_id);
                }
                self.amend(*report, event_id, now)?;
            }
            ReportEvent::Submitted(report) | ReportEvent::Amended(report) => {
                let Announced {
                    report,
                    proposed,
                    visible_to,
                    ..
                } = *report;
                let (case, change) = decide::open(report, proposed, visible_to, now);
                self.opened.insert(report_id);
                self.record(case, change, event_id);
                if let Some(early) = self.early.remove(&report_id) {
                    let withdrawal = Withdrawal {
                        reason: early.reason,
                    };
                    self.withdraw(report_id, &withdrawal, early.event_id, now)?;
                }
            }
            ReportEvent::ContactsErased(_) => self.erased.push(report_id),
            ReportEvent::Withdrawn(..) | ReportEvent::Resolved(..)
                if self.applied.contains(&event_id) => {}
            ReportEvent::Withdrawn(_, withdrawal) if self.cases.contains_key(&report_id) => {
                self.withdraw(report_id, &withdrawal, event_id, now)?;
            }
            ReportEvent::Withdrawn(_, Withdrawal { reason }) => {
                let early = EarlyWithdrawal {
                    report_id,
                    event_id,
                    reason,
                };
                self.early.insert(report_id, early);
            }
            ReportEvent::Resolved(_, resolution) => {
                // It follows its report in the log, which an operator may have skipped.
                let case = self.cases.get(&report_id);
                let case = case.ok_or(ApplyError::Poison("unknown_report"))?;
                let resolved = decide::resolve(case, resolution, now);
                let (case, change) = resolved.ok_or(ApplyError::LATER_RELEASE)?;
                self.changed.insert(report_id);
                self.resolved.insert(report_id);
                self.record(case, change, event_id);
            }
        }
        Ok(())
    }

    /// Has the case of a report follow a revision that is greater than the one it shows.
    fn amend(
        &mut self,
        amended: Announced,
        event_id: Uuid,
        now: OffsetDateTime,
    ) -> Result<(), ApplyError> {
        let report_id = amended.report.id;
        let outdated = |case: &&Case| case.report.revision < amended.report.revision;
        if let Some(case) = self.cases.get(&report_id).filter(outdated) {
            let applied = decide::amend(case, amended, now);
            let (case, change) = applied.ok_or(ApplyError::LATER_RELEASE)?;
            self.changed.insert(report_id);
            self.amended.insert(report_id);
            self.record(case, change, event_id);
        }
        Ok(())
    }

    fn withdraw(
        &mut self,
        report_id: Uuid,
        withdrawal: &Withdrawal,
        event_id: Uuid,
        now: OffsetDateTime,
    ) -> Result<(), ApplyError> {
        if let Some(case) = self.cases.get(&report_id) {
            let applied = decide::apply(case, withdrawal, now);
            let (case, change) = applied.ok_or(ApplyError::LATER_RELEASE)?;
            self.changed.insert(report_id);
            self.record(case, change, event_id);
        }
        Ok(())
    }

    fn record(&mut self, case: Case, change: Change, event_id: Uuid) {
        self.applied.insert(event_id);
        let change = Change {
            cause: Some(event_id),
            ..change
        };
        self.announcements.push(changed(&case, &change, self.base));
        self.changes.push(change);
        self.cases.insert(case.report.id, case);
    }

    async fn save(self, conn: &mut PgConnection) -> Result<Vec<NewEvent>, ApplyError> {
        let opened: Vec<_> = self.opened.iter().map(|id| &self.cases[id]).collect();
        store::insert_cases(conn, &opened).await?;
        for report_id in self.changed.difference(&self.opened) {
            store::update_case(conn, &self.cases[report_id], None).await?;
        }
        for report_id in self.amended.difference(&self.opened) {
            store::update_report(conn, &self.cases[report_id]).await?;
        }
        for report_id in &self.resolved {
            let case = &self.cases[report_id];
            if let Some(resolution) = &case.resolution {
                store::keep_resolution(conn, case.id, resolution).await?;
            }
        }
        store::erase_contacts(conn, &self.erased).await?;
        history::insert(conn, &self.changes).await?;
        for early in self.early.values() {
            withdrawal::keep(conn, early).await?;
        }
        Ok(self.announcements)
    }
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

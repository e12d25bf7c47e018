//! What reports make of cases.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    sync::Arc,
};

use async_trait::async_trait;
use eventlog::{ApplyError, Event, Log, NewEvent};
use platform::Result;
use service::{Deadlines, Feature, revision_base};
use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;
use vocabulary::{DeadlinePack, derived_after};

use super::{
    Case, Change,
    announce::changed,
    decide::{self, Announced, AnnouncedBy, Withdrawal},
    history,
    incoming::ReportEvent,
    store::{self},
    withdrawal::{self, EarlyWithdrawal},
};
use crate::{
    deadlines::{self, ReportClock, ReportTick},
    escalation::{Cause, Escalations},
    messages,
};

/// Opens a case for every report, applies amendments, resolutions and withdrawals, and forgets
/// erased contacts.
#[derive(Debug)]
pub(crate) struct ReportEvents {
    /// Where the changes are announced.
    pub(crate) log: Log,
    /// Begins the escalation of what comes outside working hours.
    pub(crate) escalations: Escalations,
    /// The rule pack of deadlines, if there is one.
    pub(crate) deadlines: Deadlines,
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
        let pack = self.deadlines.current();
        let mut batch = Batch::load(conn, &self.log, &pack, &parsed, events).await?;
        let now = platform::now();
        for (parsed, event) in parsed.into_iter().zip(events) {
            event
                .span()
                .in_scope(|| batch.apply(parsed, event.id, now))?;
        }
        batch.save(conn, &self.escalations, now).await
    }
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
    /// The reports that people sent, with when they came.
    sent_by_people: Vec<(Uuid, OffsetDateTime)>,
    /// The rule pack of deadlines under which cases are opened.
    pack: Arc<Option<DeadlinePack>>,
    /// The clocks of the reports, by case.
    clocks: HashMap<Uuid, ReportClock>,
    /// The cases whose clock was told something.
    ticked: HashSet<Uuid>,
    /// Those of which a restore brought the first declaration back.
    anew: HashSet<Uuid>,
    /// The cases whose report was attached to another structure.
    attached: Vec<Uuid>,
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
        pack: &Arc<Option<DeadlinePack>>,
        parsed: &[ReportEvent],
        events: &[Event],
    ) -> Result<Self> {
        let report_ids: Vec<_> = parsed.iter().map(ReportEvent::report_id).collect();
        // The cases of the causes too: none of them is attached to another meanwhile.
        let named = parsed.iter().filter_map(ReportEvent::cause);
        let locked: Vec<_> = report_ids.iter().copied().chain(named).collect();
        let event_ids: Vec<_> = events.iter().map(|event| event.id).collect();
        let cases = store::lock_cases_of(conn, &locked).await?;
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
            sent_by_people: Vec::new(),
            pack: Arc::clone(pack),
            clocks: deadlines::find(conn, &case_ids).await?,
            ticked: HashSet::new(),
            anew: HashSet::new(),
            attached: Vec::new(),
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
                    sent_by_person_at,
                    cause,
                    tick,
                    ..
                } = *report;
                let parent = cause.and_then(|cause| self.cases.get(&cause));
                let (case, change) = decide::open(report, proposed, visible_to, parent, now);
                self.opened.insert(report_id);
                if let Some(tick) = tick {
                    let pack = Option::clone(&self.pack);
                    self.start_clock(&case, &tick, pack);
                }
                let sent = sent_by_person_at.map(|at| (report_id, at));
                self.sent_by_people.extend(sent);
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
                let (over_at, told_at) = (resolution.resolved_at, resolution.declared_at);
                let resolved = decide::resolve(case, resolution, now);
                let (case, change) = resolved.ok_or(ApplyError::LATER_RELEASE)?;
                if let Some(clock) = self.clocks.get_mut(&case.id) {
                    *clock = clock.handled(over_at, told_at);
                    self.ticked.insert(case.id);
                }
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
        let revision = amended.report.revision;
        let outdated = self.cases.get_mut(&report_id);
        let Some(case) = outdated.filter(|case| case.report.revision < revision) else {
            return Ok(());
        };
        // After a restore of intake everything is told again; where nothing was lost, nothing
        // changes but what outranks it.
        let was_applied = self.applied.contains(&event_id);
        let same = was_applied.then(|| decide::says_the_same(case, &amended));
        let clock = self.clocks.get(&case.id);
        let knew = clock.is_some_and(|clock| clock.knows(case));
        if let Some(same) = same.flatten() {
            *case = same;
            let case_id = case.id;
            if let Some(clock) = self.clocks.get_mut(&case_id).filter(|_| knew) {
                *clock = clock.knowing(revision);
                self.ticked.insert(case_id);
            }
        } else {
            let tick = amended.tick.clone();
            let is_restored = amended.changed_paths.is_none();
            let is_attached = amended.by == AnnouncedBy::Attachment;
            let key_before = case.report.structure_key.clone();
            let applied = decide::amend(case, amended, now);
            let (case, change) = applied.ok_or(ApplyError::LATER_RELEASE)?;
            self.tick(&case, tick.as_ref(), is_restored, knew);
            let is_structure = |slug: &String| slug.starts_with("structure:");
            let is_another = key_before != case.report.structure_key;
            if is_attached && (is_another || change.lost.iter().any(is_structure)) {
                self.attached.push(case.id);
            }
            self.changed.insert(report_id);
            self.record(case, change, self.cause(event_id, revision));
        }
        self.amended.insert(report_id);
        Ok(())
    }

    /// What the entry of an amendment is caused by: its event, or, where that caused an entry
    /// before a restore of intake already, its event at this revision, so that the change is
    /// announced too.
    fn cause(&self, event_id: Uuid, revision: u64) -> Uuid {
        if !self.applied.contains(&event_id) {
            return event_id;
        }
        let parts: [&[u8]; 2] = [event_id.as_bytes(), &revision.to_be_bytes()];
        derived_after(event_id, "after_a_restore", &parts)
    }

    /// Tells the clock of a case what an amendment of its report says; `knew`: it knew of
    /// everything before.
    fn tick(&mut self, case: &Case, tick: Option<&ReportTick>, is_restored: bool, knew: bool) {
        let Some(clock) = self.clocks.get_mut(&case.id) else {
            // An earlier release opened the case: no rule pack was promised for it.
            if let Some(tick) = tick {
                self.start_clock(case, tick, None);
            }
            return;
        };
        let mut next = match tick {
            Some(tick) if is_restored => clock.restored(tick),
            Some(tick) => clock.amended(tick),
            None => clock.clone(),
        };
        if let Some(resolution) = &case.resolution {
            next = next.handled(resolution.resolved_at, resolution.declared_at);
        }
        // What it missed may have been a report; but not where another is told now.
        let is_told = tick.is_some_and(|tick| tick.reached.is_some());
        if knew || is_restored || is_told {
            next = next.knowing(case.report.revision);
        }
        *clock = next;
        self.ticked.insert(case.id);
        if is_restored {
            self.anew.insert(case.id);
        }
    }

    fn start_clock(&mut self, case: &Case, tick: &ReportTick, pack: Option<DeadlinePack>) {
        let report = &case.report;
        let clock = ReportClock::start(report.kind, report.declared_at, tick, pack);
        let mut clock = clock.knowing(report.revision);
        if let Some(resolution) = &case.resolution {
            clock = clock.handled(resolution.resolved_at, resolution.declared_at);
        }
        self.clocks.insert(case.id, clock);
        self.ticked.insert(case.id);
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

    async fn save(
        self,
        conn: &mut PgConnection,
        escalations: &Escalations,
        now: OffsetDateTime,
    ) -> Result<Vec<NewEvent>, ApplyError> {
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
        let ticked = self.ticked.iter().map(|id| (*id, &self.clocks[id]));
        let ticked: Vec<_> = ticked.collect();
        deadlines::keep(conn, &ticked).await?;
        deadlines::remind_of(conn, &ticked, &self.anew, now).await?;
        messages::forget_structures(conn, &self.attached).await?;
        store::erase_contacts(conn, &self.erased).await?;
        history::insert(conn, &self.changes).await?;
        for early in self.early.values() {
            withdrawal::keep(conn, early).await?;
        }
        let came = self.sent_by_people.iter();
        let came: Vec<_> = came
            .map(|(report_id, at)| (&self.cases[report_id], Cause::Report, *at))
            .collect();
        escalations.begin(conn, &came, now).await?;
        Ok(self.announcements)
    }
}

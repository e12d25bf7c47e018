//! What happened to reports, as it changes cases.

use std::collections::{BTreeMap, HashMap, HashSet};

use async_trait::async_trait;
use eventlog::{Apply, ApplyError, Event, Log, NewEvent};
use proto::{Payload as _, events::v1 as events};
use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;
use vocabulary::ParseError;

use crate::{
    announce::{self, History},
    convert::{self, Submitted},
    domain::{self, Case, Change, Withdrawal},
    store::{self, EarlyWithdrawal, Entry},
};

/// Opens a case for every report, takes note of withdrawals and forgets erased contacts.
#[derive(Debug)]
pub(crate) struct Reports {
    log: Log,
}

impl Reports {
    /// Announces what it changes in this log.
    pub(crate) fn new(log: Log) -> Self {
        Self { log }
    }
}

#[async_trait]
impl Apply for Reports {
    fn accepts(&self, event_type: &str) -> bool {
        matches!(
            event_type,
            events::ReportSubmitted::TYPE
                | events::ReportWithdrawn::TYPE
                | events::ReportContactsErased::TYPE
        )
    }

    async fn apply(&self, conn: &mut PgConnection, events: &[Event]) -> Result<(), ApplyError> {
        let news: Vec<_> = events.iter().map(News::parse).collect::<Result<_, _>>()?;
        let mut batch = Batch::load(conn, &self.log, &news, events).await?;
        let now = platform::now();
        for (news, event) in news.into_iter().zip(events) {
            event.span().in_scope(|| batch.take(news, event.id, now))?;
        }
        batch.save(conn, &self.log).await
    }

    fn committed(&self) {
        self.log.committed();
    }
}

/// What an event says, parsed.
enum News {
    Submitted(Box<Submitted>),
    Withdrawn(Uuid, Withdrawal),
    ContactsErased(Uuid),
}

impl News {
    fn parse(event: &Event) -> Result<Self, ApplyError> {
        let parsed = match event.event_type.as_str() {
            events::ReportSubmitted::TYPE => {
                convert::submitted(event.decode()?, event.data_key.as_deref())
                    .map(|submitted| Self::Submitted(Box::new(submitted)))
            }
            events::ReportContactsErased::TYPE => {
                convert::contacts_erased(&event.decode()?).map(Self::ContactsErased)
            }
            _ => convert::withdrawn(event.decode()?)
                .map(|(id, withdrawal)| Self::Withdrawn(id, withdrawal)),
        };
        parsed.map_err(|_: ParseError| ApplyError::Poison("unreadable_report"))
    }

    fn report_id(&self) -> Uuid {
        match self {
            Self::Submitted(submitted) => submitted.report.id,
            Self::Withdrawn(report_id, _) | Self::ContactsErased(report_id) => *report_id,
        }
    }
}

/// The cases that a batch of events is about, changed in memory and then saved
/// in a few statements.
struct Batch {
    /// The history that they are announced in.
    history: History,
    /// By report; those not opened yet are absent.
    cases: BTreeMap<Uuid, Case>,
    opened: HashSet<Uuid>,
    changed: HashSet<Uuid>,
    /// Withdrawals whose report has not come, by report.
    early: HashMap<Uuid, EarlyWithdrawal>,
    /// The reports whose contacts are to be erased.
    erased: Vec<Uuid>,
    /// Events that had left their line before: a replay.
    applied: HashSet<Uuid>,
    entries: Vec<Entry>,
    announcements: Vec<NewEvent>,
}

impl Batch {
    async fn load(
        conn: &mut PgConnection,
        log: &Log,
        news: &[News],
        events: &[Event],
    ) -> Result<Self, ApplyError> {
        let report_ids: Vec<_> = news.iter().map(News::report_id).collect();
        let event_ids: Vec<_> = events.iter().map(|event| event.id).collect();
        let case_ids = store::lock_cases_of(conn, &report_ids).await?;
        let cases = store::read_cases(conn, &case_ids).await?;
        let early = store::take_early_withdrawals(conn, &report_ids).await?;
        Ok(Self {
            history: History::of(log, conn).await?,
            cases: cases
                .into_iter()
                .map(|case| (case.report.id, case))
                .collect(),
            opened: HashSet::new(),
            changed: HashSet::new(),
            early: early
                .into_iter()
                .map(|early| (early.report_id, early))
                .collect(),
            erased: Vec::new(),
            applied: store::applied_events(conn, &event_ids).await?,
            entries: Vec::new(),
            announcements: Vec::new(),
        })
    }

    fn take(&mut self, news: News, event_id: Uuid, now: OffsetDateTime) -> Result<(), ApplyError> {
        let report_id = news.report_id();
        match news {
            // One case per report, however often the report comes; a snapshot tells by the
            // absence of contacts that they were erased.
            News::Submitted(submitted) if self.cases.contains_key(&report_id) => {
                if submitted.report.sealed.is_none() {
                    self.erased.push(report_id);
                }
            }
            News::Submitted(submitted) => {
                let Submitted {
                    report,
                    proposed,
                    visible_to,
                } = *submitted;
                let (case, change) = domain::open(report, proposed, visible_to, now);
                self.opened.insert(report_id);
                self.note(case, change, event_id);
                if let Some(EarlyWithdrawal {
                    event_id, reason, ..
                }) = self.early.remove(&report_id)
                {
                    self.withdraw(report_id, &Withdrawal { reason }, event_id, now)?;
                }
            }
            News::ContactsErased(_) => self.erased.push(report_id),
            News::Withdrawn(..) if self.applied.contains(&event_id) => {}
            News::Withdrawn(_, withdrawal) if self.cases.contains_key(&report_id) => {
                self.withdraw(report_id, &withdrawal, event_id, now)?;
            }
            News::Withdrawn(_, Withdrawal { reason }) => {
                self.early.insert(
                    report_id,
                    EarlyWithdrawal {
                        report_id,
                        event_id,
                        reason,
                    },
                );
            }
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
            let applied = domain::apply(case, withdrawal, now);
            let (case, change) = applied.ok_or(ApplyError::LATER_RELEASE)?;
            self.changed.insert(report_id);
            self.note(case, change, event_id);
        }
        Ok(())
    }

    fn note(&mut self, case: Case, change: Change, event_id: Uuid) {
        self.applied.insert(event_id);
        let entry = Entry {
            change,
            cause: Some(event_id),
        };
        self.announcements
            .push(announce::change(&case, &entry, self.history));
        self.entries.push(entry);
        self.cases.insert(case.report.id, case);
    }

    async fn save(self, conn: &mut PgConnection, log: &Log) -> Result<(), ApplyError> {
        let opened: Vec<_> = self
            .opened
            .iter()
            .map(|report_id| &self.cases[report_id])
            .collect();
        store::insert_cases(conn, &opened).await?;
        for report_id in self.changed.difference(&self.opened) {
            store::update_case(conn, &self.cases[report_id], None).await?;
        }
        store::erase_contacts(conn, &self.erased).await?;
        store::insert_entries(conn, &self.entries).await?;
        for early in self.early.values() {
            store::keep_early_withdrawal(conn, early).await?;
        }
        log.append(conn, &self.announcements).await?;
        Ok(())
    }
}

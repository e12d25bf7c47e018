//! The service's own log as a source of changed cases.

use std::{collections::HashMap, sync::Arc};

use eventlog::Log;
use platform::{Error, Result, SealingKey};
use proto::{events::v1::CaseChanged, qualification::v1 as pb};
use service::{View, revision_base};
use sqlx::PgPool;
use tokio::sync::{Mutex, Semaphore, broadcast};
use uuid::Uuid;

use super::cursor::Cursor;
use crate::cases::{self, Case, Shown};

/// How many streams read the log at once. After a cut all of them come back together: they
/// queue here, where nothing times out.
const TURNS: usize = 4;
/// How many positions of a shard are read at once: what all streams hold while they catch up
/// must fit in memory.
const PAGE: u16 = 16;

/// What the streams of a process share.
#[derive(Clone, Debug)]
pub(crate) struct CaseLog {
    log: Log,
    pool: PgPool,
    master_key: SealingKey,
    turns: Arc<Semaphore>,
    pub(super) live: broadcast::Sender<Broadcast>,
}

/// What the reader tells the watchers.
#[derive(Clone, Debug)]
pub(super) enum Broadcast {
    /// A position of the log.
    Position(Arc<Position>),
    /// The reader begins here: what came before is in the log alone.
    Unread,
    /// The log has another history now: no place in it is good any more.
    Restarted,
}

/// A position of the log, and the case that changed there; none where something else stands,
/// and where the case changed again among the positions that were read with this one.
#[derive(Debug)]
pub(super) struct Position {
    pub(super) shard: u16,
    pub(super) number: u64,
    pub(super) case: Option<Arc<ChangedCase>>,
}

/// Where the log stands, and what was read of it.
#[derive(Debug)]
pub(super) struct Read {
    pub(super) floors: Vec<u64>,
    pub(super) head: Cursor,
    pub(super) positions: Vec<Position>,
}

/// A case as it is now, or was a moment ago.
#[derive(Debug)]
pub(super) struct ChangedCase {
    pub(super) case: Case,
    /// What the announced revisions count on from.
    pub(super) base: u64,
    /// Who lost sight of it by what was read.
    pub(super) lost: Vec<String>,
    master_key: SealingKey,
    /// As it was shown already: all who see as much are shown the same.
    shown: Mutex<Vec<(View, pb::Case)>>,
}

impl CaseLog {
    /// Opens the log for streams: `buffer` positions are kept for those that pause.
    pub(crate) fn new(log: Log, pool: PgPool, master_key: SealingKey, buffer: usize) -> Self {
        let (live, _) = broadcast::channel(buffer.max(1));
        Self {
            log,
            pool,
            master_key,
            turns: Arc::new(Semaphore::new(TURNS)),
            live,
        }
    }

    /// The same, read over connections of its own: the reader never waits behind the watchers.
    pub(crate) fn over(&self, pool: PgPool) -> Self {
        Self {
            pool,
            turns: Arc::new(Semaphore::new(1)),
            ..self.clone()
        }
    }

    /// Where the log stands now.
    pub(super) async fn stands(&self) -> Result<Read> {
        self.read(None).await
    }

    /// Reads on behind these positions. Each shard keeps its order, and the changes of a case
    /// are in one. Empty only where nothing is left.
    pub(super) async fn read_on(&self, positions: &[u64]) -> Result<Read> {
        self.read(Some(positions)).await
    }

    async fn read(&self, behind: Option<&[u64]>) -> Result<Read> {
        let _turn = self.turns.acquire().await.map_err(Error::internal)?;
        let mut conn = self.pool.acquire().await?;
        let stands = self.log.describe(&mut conn).await?;
        let after: Vec<(u16, u64)> = (0_u16..)
            .zip(behind.unwrap_or_default())
            .zip(&stands.heads)
            .filter(|((_, position), head)| position < head)
            .map(|((shard, position), _)| (shard, *position))
            .collect();
        let events = if after.is_empty() {
            Vec::new()
        } else {
            self.log.pages(&mut conn, &after, PAGE).await?
        };
        let case_of = |subject: &str| subject.strip_prefix("case/")?.parse::<Uuid>().ok();
        let base = revision_base(&self.log, &mut conn).await?;
        let mut places: HashMap<Uuid, (u16, u64)> = HashMap::new();
        let mut revisions: Vec<(Uuid, u64)> = Vec::new();
        for event in &events {
            if let Some(case_id) = case_of(&event.subject) {
                places.insert(case_id, (event.shard, event.position));
                let told: Result<CaseChanged, _> = event.decode();
                let revision = told.map(|told| told.revision.saturating_sub(base));
                revisions.extend(revision.ok().map(|revision| (case_id, revision)));
            }
        }
        // Read after the log: the rows are of these changes, or of later ones.
        let case_ids: Vec<Uuid> = places.keys().copied().collect();
        let found = cases::read_cases(&mut conn, &case_ids).await?;
        let mut lost = cases::lost_sight(&mut conn, &revisions).await?;
        let mut share = |case: Case| {
            let place = places.get(&case.id).copied();
            let case_id = case.id;
            let shared = ChangedCase {
                case,
                base,
                lost: lost.remove(&case_id).unwrap_or_default(),
                master_key: self.master_key.clone(),
                shown: Mutex::default(),
            };
            place.map(|place| (place, Arc::new(shared)))
        };
        let mut changed: HashMap<_, _> = found.into_iter().filter_map(&mut share).collect();
        let positions = events.iter().map(|event| Position {
            shard: event.shard,
            number: event.position,
            case: changed.remove(&(event.shard, event.position)),
        });
        Ok(Read {
            positions: positions.collect(),
            floors: stands.floors,
            head: Cursor {
                incarnation: stands.incarnation,
                positions: stands.heads,
            },
        })
    }
}

impl ChangedCase {
    /// As a list shows it to who sees so much.
    pub(super) async fn shown(&self, view: View) -> pb::Case {
        let mut known = self.shown.lock().await;
        if let Some((_, case)) = known.iter().find(|(seen, _)| *seen == view) {
            return case.clone();
        }
        let shown = Shown {
            view,
            base: self.base,
            master_key: &self.master_key,
        };
        // Whom it waits for changes with what is said and asked too, which no stream tells.
        let case = pb::Case {
            waiting_for: Vec::new(),
            ..shown.listed(&self.case)
        };
        known.push((view, case.clone()));
        case
    }
}

//! The log as a feed: positions read in order, and what is broadcast of them.

use std::{collections::VecDeque, sync::Arc};

use eventlog::{Event, Log};
use platform::{Error, Result};
use sqlx::{PgConnection, PgPool};
use time::OffsetDateTime;
use tokio::sync::{Semaphore, broadcast};

use crate::NotificationConfig;

use super::{
    cursor::Bounds,
    item::{self, FeedItem},
};

/// What the streams of a process share.
#[derive(Clone, Debug)]
pub(crate) struct Feed {
    pub(super) log: Log,
    pub(super) pool: PgPool,
    turns: Arc<Semaphore>,
    pub(super) live: broadcast::Sender<Broadcast>,
    /// A reader further behind than that is told of a gap.
    pub(super) gap_after: u64,
}

/// What the reader tells the watchers.
#[derive(Clone, Debug)]
pub(super) enum Broadcast {
    /// A notification at its position.
    Item(Arc<FeedPosition>),
    /// The log has another history now: no cursor is good any more.
    Restarted,
}

/// Where the log stands, and what was read of it.
pub(super) type Read = (Bounds, VecDeque<FeedPosition>);

/// A position of the log and what is there; nothing that this release can read
/// where it is empty.
#[derive(Debug)]
pub(super) struct FeedPosition {
    pub(super) shard: u16,
    pub(super) position: u64,
    pub(super) item: Option<Box<FeedItem>>,
}

impl Feed {
    /// Opens the feed: `stream_buffer` notifications are kept for streams that are not read
    /// for a moment.
    pub(crate) fn new(log: Log, pool: PgPool, config: &NotificationConfig) -> Self {
        let (live, _) = broadcast::channel(config.stream_buffer.max(1));
        let turns = Arc::new(Semaphore::new(TURNS));
        Self {
            log,
            pool,
            turns,
            live,
            gap_after: config.gap_after,
        }
    }

    /// The same feed, read over connections of its own: the reader never waits
    /// behind the watchers.
    pub(crate) fn over(&self, pool: PgPool) -> Self {
        let turns = Arc::new(Semaphore::new(1));
        Self {
            pool,
            turns,
            ..self.clone()
        }
    }

    /// Where the log stands now.
    pub(super) async fn bounds(&self) -> Result<Bounds> {
        let _turn = self.turns.acquire().await.map_err(Error::internal)?;
        let mut conn = self.pool.acquire().await?;
        self.bounds_over(&mut conn).await
    }

    async fn bounds_over(&self, conn: &mut PgConnection) -> Result<Bounds> {
        let log = self.log.describe(conn).await?;
        Ok(Bounds {
            incarnation: log.incarnation,
            floors: log.floors,
            heads: log.heads,
        })
    }

    /// Reads on behind these positions, in one turn: where the log stands, and
    /// what comes next. Each shard keeps its order; where shards meet, what was
    /// raised first comes first, also across turns. Empty only where nothing is
    /// left.
    pub(super) async fn read_on(&self, positions: &[u64]) -> Result<Read> {
        let _turn = self.turns.acquire().await.map_err(Error::internal)?;
        let mut conn = self.pool.acquire().await?;
        let bounds = self.bounds_over(&mut conn).await?;
        let mut items = Vec::new();
        // What a shard with more behind its page can still come up with.
        let mut known_until = None;
        let positions_of_shards = (0_u16..).zip(positions).zip(&bounds.heads);
        let behind: Vec<(u16, u64)> = positions_of_shards
            .filter(|((_, position), head)| position < head)
            .map(|((shard, position), _)| (shard, *position))
            .collect();
        let events = self.log.pages(&mut conn, &behind, PAGE).await?;
        for events in events.chunk_by(|one, next| one.shard == next.shard) {
            // Clocks of replicas differ: within a shard time never goes back.
            let mut latest = OffsetDateTime::UNIX_EPOCH;
            for event in events {
                latest = latest.max(event.time);
                items.push((latest, FeedPosition::of(event)));
            }
            let last = &events[events.len() - 1];
            if last.position < bounds.heads[usize::from(last.shard)] {
                known_until = Some(known_until.map_or(latest, |until| latest.min(until)));
            }
        }
        if let Some(until) = known_until {
            items.retain(|(at, _)| *at <= until);
        }
        items.sort_by_key(|(at, _)| *at);
        Ok((bounds, items.into_iter().map(|(_, entry)| entry).collect()))
    }
}

impl FeedPosition {
    fn of(event: &Event) -> Self {
        let item = item::item(event)
            .inspect_err(|error| {
                tracing::error!(event.id = %event.id, %error, "a notification cannot be read");
            })
            .ok();
        Self {
            shard: event.shard,
            position: event.position,
            item: item.map(Box::new),
        }
    }
}

/// How many watchers read the log at once. After a cut all of them come back
/// together: they queue here, where nothing times out.
const TURNS: usize = 6;
/// How many notifications of a shard are read at once: what 1,000 streams hold
/// while they catch up must fit in memory.
pub(super) const PAGE: u16 = 32;

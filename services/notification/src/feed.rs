//! The feed: the service's own log, read once per process for all streams.
//!
//! A [`Watcher`] is subscribed to what the tail reads before it reads the log
//! itself, and follows each shard position by position: whatever it misses it
//! finds again in the log.

pub(crate) mod tail;
pub(crate) mod watcher;

use std::sync::Arc;

use eventlog::Log;
use platform::{Error, Result};
use sqlx::PgPool;
use tokio::sync::{Semaphore, broadcast};

use crate::{convert::feed::Told, domain::cursor::Bounds};

/// What the streams of a process share.
#[derive(Clone, Debug)]
pub(crate) struct Feed {
    log: Log,
    pool: PgPool,
    turns: Arc<Semaphore>,
    live: broadcast::Sender<Live>,
    /// A reader further behind than that is told of a gap.
    gap_after: u64,
}

/// What the tail tells the watchers.
#[derive(Clone, Debug)]
enum Live {
    /// A notification at its place.
    Told(Arc<Place>),
    /// The log has another history now: no cursor is good any more.
    Restarted,
}

/// A place of the log and what is there; nothing that this release can read
/// where it is empty.
#[derive(Debug)]
struct Place {
    shard: u16,
    position: u64,
    told: Option<Told>,
}

impl Feed {
    /// Opens the feed; `buffer` notifications are kept for streams that are
    /// not read for a moment.
    pub(crate) fn new(log: Log, pool: PgPool, buffer: usize, gap_after: u64) -> Self {
        let (live, _) = broadcast::channel(buffer.max(1));
        let turns = Arc::new(Semaphore::new(TURNS));
        Self {
            log,
            pool,
            turns,
            live,
            gap_after,
        }
    }

    /// The same feed, read over connections of its own: the tail never waits
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
    pub(crate) async fn bounds(&self) -> Result<Bounds> {
        let _turn = self.turns.acquire().await.map_err(Error::internal)?;
        let mut conn = self.pool.acquire().await?;
        let log = self.log.describe(&mut conn).await?;
        Ok(Bounds {
            incarnation: log.incarnation,
            floors: log.floors,
            heads: log.heads,
        })
    }

    /// Reads what follows a position of a shard, in order.
    async fn page(&self, shard: u16, after: u64) -> Result<Vec<Place>> {
        let _turn = self.turns.acquire().await.map_err(Error::internal)?;
        let mut conn = self.pool.acquire().await?;
        let events = self.log.page(&mut conn, shard, after, PAGE).await?;
        let places = events.iter().map(|event| Place {
            shard,
            position: event.position,
            told: crate::convert::feed::told(event)
                .inspect_err(|error| {
                    tracing::error!(event.id = %event.id, %error, "a notification cannot be read");
                })
                .ok(),
        });
        Ok(places.collect())
    }
}

/// How many watchers read the log at once. After a cut all of them come back
/// together: they queue here, where nothing times out.
const TURNS: usize = 6;
/// How many notifications are read from the log at once.
const PAGE: u16 = 256;

//! One reader of the feed: first the log, then live, and the log again whenever
//! it falls behind.

use std::{
    collections::{BTreeSet, VecDeque},
    sync::Arc,
};

use platform::{Error, Result};
use tokio::{
    sync::broadcast::{self, error::RecvError},
    task::JoinSet,
};
use uuid::Uuid;

use super::{
    cursor::{Bounds, Cursor, CursorRefusal},
    item::FeedItem,
    log::{Broadcast, Feed, FeedPosition, Read},
};

/// A reader of the feed who sees what his parties may see.
pub(crate) struct Watcher {
    feed: Feed,
    parties: BTreeSet<String>,
    live: broadcast::Receiver<Broadcast>,
    incarnation: Uuid,
    positions: Vec<u64>,
    mode: Mode,
}

/// Where a watcher begins.
pub(crate) enum Begin {
    /// With what comes next.
    Now,
    /// With the oldest that is kept.
    Oldest,
    /// Behind a cursor.
    After(Cursor),
}

/// What a watcher meets.
#[derive(Debug)]
pub(crate) enum Next {
    /// A notification it may see.
    Item(Box<FeedItem>),
    /// Everything that was kept has been read.
    CaughtUp,
    /// It was too slow: what follows the cursor was left out.
    Gap(Cursor),
}

enum Mode {
    /// Reads the log; a reader who only catches up with what he missed while he
    /// was away is never told of a gap.
    CatchingUp {
        read: VecDeque<FeedPosition>,
        /// What is being read. It goes on whether or not its reader listens: one who
        /// does not must keep no turn and no connection from the others.
        reading: JoinSet<Result<Read>>,
        pace: Lag,
    },
    /// Takes what the reader broadcasts.
    Broadcast,
}

impl Mode {
    fn catching_up(pace: Lag) -> Self {
        Self::CatchingUp {
            read: VecDeque::new(),
            reading: JoinSet::new(),
            pace,
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Lag {
    /// From where the reader began: as long as it takes.
    Unlimited,
    /// After being too slow: a long way behind becomes a gap.
    Limited,
}

impl Watcher {
    /// Begins to read; `now` judges the age of a cursor.
    pub(crate) async fn begin(
        feed: &Feed,
        parties: BTreeSet<String>,
        begin: Begin,
        now: time::OffsetDateTime,
    ) -> Result<Self> {
        // Subscribed before the log is read: nothing falls in between.
        let live = feed.live.subscribe();
        let bounds = feed.bounds().await?;
        let positions = match begin {
            Begin::Now => bounds.heads,
            Begin::Oldest => bounds.floors,
            Begin::After(cursor) => {
                cursor.check(&bounds, now).map_err(refused)?;
                cursor.positions
            }
        };
        Ok(Self {
            feed: feed.clone(),
            parties,
            live,
            incarnation: bounds.incarnation,
            positions,
            mode: Mode::catching_up(Lag::Unlimited),
        })
    }

    /// Where the reader is now.
    pub(crate) fn cursor(&self, now: time::OffsetDateTime) -> Cursor {
        Cursor {
            incarnation: self.incarnation,
            issued_at: now,
            positions: self.positions.clone(),
        }
    }

    /// What comes next; may be dropped while it waits without losing anything.
    pub(crate) async fn next(&mut self, now: impl Fn() -> time::OffsetDateTime) -> Result<Next> {
        loop {
            match &mut self.mode {
                Mode::CatchingUp {
                    read,
                    reading,
                    pace,
                } => {
                    if let Some(entry) = read.pop_front() {
                        self.positions[usize::from(entry.shard)] = entry.position;
                        match entry.item {
                            Some(item) => return Ok(Next::Item(item)),
                            None => continue,
                        }
                    }
                    if reading.is_empty() {
                        let (feed, positions) = (self.feed.clone(), self.positions.clone());
                        reading.spawn(async move { feed.read_on(&positions).await });
                    }
                    let Some(answer) = reading.join_next().await else {
                        continue;
                    };
                    let answer = answer.map_err(Error::internal)?;
                    let pace = *pace;
                    if let Some(next) = self.take(answer?, pace, now())? {
                        return Ok(next);
                    }
                }
                Mode::Broadcast => match self.live.recv().await {
                    Ok(Broadcast::Item(entry)) => {
                        if let Some(next) = self.follow(&entry) {
                            return Ok(next);
                        }
                    }
                    Ok(Broadcast::Restarted) => return Err(refused(CursorRefusal::Expired)),
                    Err(RecvError::Lagged(_)) => self.catch_up(),
                    Err(RecvError::Closed) => {
                        return Err(Error::unavailable(
                            "SHUTTING_DOWN",
                            "le service s'arrête : reconnectez-vous",
                        ));
                    }
                },
            }
        }
    }

    /// Takes what was read of the log, or finds that there is nothing more.
    fn take(
        &mut self,
        (bounds, mut read): Read,
        pace: Lag,
        now: time::OffsetDateTime,
    ) -> Result<Option<Next>> {
        let here = self.cursor(now);
        here.check(&bounds, now).map_err(refused)?;
        if pace == Lag::Limited && self.behind(&bounds) > self.feed.gap_after {
            self.positions = bounds.heads;
            self.mode = Mode::Broadcast;
            return Ok(Some(Next::Gap(here)));
        }
        if read.is_empty() {
            self.mode = Mode::Broadcast;
            return Ok((pace == Lag::Unlimited).then_some(Next::CaughtUp));
        }
        // What he may not see is not kept for him.
        for entry in &mut read {
            let item = &mut entry.item;
            item.take_if(|item| !item.is_seen_by(&self.parties));
        }
        self.mode = Mode::CatchingUp {
            read,
            reading: JoinSet::new(),
            pace,
        };
        Ok(None)
    }

    /// Takes a position that the reader broadcast, if it is the next of its shard.
    fn follow(&mut self, entry: &Arc<FeedPosition>) -> Option<Next> {
        let position = self.positions[usize::from(entry.shard)];
        if entry.position <= position {
            return None;
        }
        if entry.position > position + 1 {
            self.catch_up();
            return None;
        }
        self.positions[usize::from(entry.shard)] = entry.position;
        let item = entry.item.as_ref()?;
        let seen = item.is_seen_by(&self.parties);
        seen.then(|| Next::Item(item.clone()))
    }

    fn catch_up(&mut self) {
        self.mode = Mode::catching_up(Lag::Limited);
    }

    fn behind(&self, bounds: &Bounds) -> u64 {
        let heads = bounds.heads.iter().zip(&self.positions);
        heads
            .map(|(head, position)| head.saturating_sub(*position))
            .sum()
    }
}

/// The refusal of a cursor.
pub(crate) fn refused(refusal: CursorRefusal) -> Error {
    match refusal {
        CursorRefusal::NotOurs => {
            Error::invalid("cursor", "BAD_CURSOR", "n'est pas un curseur de ce service")
        }
        CursorRefusal::Expired => Error::out_of_range(
            "CURSOR_EXPIRED",
            "la suite de ce curseur n'est plus conservée : recommencez par WATCH_START_OLDEST",
        ),
    }
}

#[cfg(test)]
mod tests;

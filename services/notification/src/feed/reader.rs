//! The one reader of new notifications for all streams of the process.

use std::{sync::Arc, time::Duration};

use platform::Result;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::{
    cursor::Bounds,
    log::{Broadcast, Feed},
};

/// The safety net under the wake-ups: what another replica commits is seen by it.
const POLL: Duration = Duration::from_millis(200);
/// The wait while nobody watches, or the database is away.
const PAUSE: Duration = Duration::from_secs(1);

/// Reads what is new and gives it to all watchers.
pub(crate) struct FeedReader {
    feed: Feed,
    raised: Arc<Notify>,
    follows: Option<Follows>,
}

struct Follows {
    incarnation: Uuid,
    positions: Vec<u64>,
}

impl Follows {
    /// Whether the log still is the one that was read: heads never go back.
    fn is_of(&self, bounds: &Bounds) -> bool {
        let mut heads = self.positions.iter().zip(&bounds.heads);
        self.incarnation == bounds.incarnation && heads.all(|(read, head)| read <= head)
    }
}

impl From<Bounds> for Follows {
    fn from(bounds: Bounds) -> Self {
        Self {
            incarnation: bounds.incarnation,
            positions: bounds.heads,
        }
    }
}

impl FeedReader {
    /// Prepares the reader of a feed, woken by `raised`.
    pub(crate) fn new(feed: Feed, raised: Arc<Notify>) -> Self {
        Self {
            feed,
            raised,
            follows: None,
        }
    }

    /// Reads until the shutdown; never fails.
    pub(crate) async fn run(mut self, shutdown: CancellationToken) {
        let raised = Arc::clone(&self.raised);
        let work = async {
            let mut away = false;
            loop {
                let woken = raised.notified();
                tokio::pin!(woken);
                // Registered before looking: nothing is missed in between.
                woken.as_mut().enable();
                let pause = match platform::in_time(self.step()).await {
                    Ok(()) => {
                        away = false;
                        if self.feed.live.receiver_count() == 0 {
                            PAUSE
                        } else {
                            POLL
                        }
                    }
                    Err(error) => {
                        if !away {
                            tracing::warn!(%error, "the feed cannot be read; streams wait");
                        }
                        away = true;
                        PAUSE
                    }
                };
                // An elapsed time-out is the poll.
                tokio::time::timeout(pause, woken).await.unwrap_or_default();
            }
        };
        shutdown.run_until_cancelled(work).await;
    }

    /// Reads what is new, if anything.
    pub(crate) async fn step(&mut self) -> Result<()> {
        if self.follows.is_none() || self.feed.live.receiver_count() == 0 {
            let bounds = self.feed.bounds().await?;
            // Who subscribes from now on finds what is below these in the log.
            if self.follows.is_none() || self.feed.live.receiver_count() == 0 {
                self.follows = Some(bounds.into());
                return Ok(());
            }
        }
        let Some(follows) = &mut self.follows else {
            return Ok(());
        };
        // Nobody listening is no failure.
        loop {
            let (bounds, items) = self.feed.read_on(&follows.positions).await?;
            if !follows.is_of(&bounds) {
                *follows = bounds.into();
                self.feed
                    .live
                    .send(Broadcast::Restarted)
                    .unwrap_or_default();
                return Ok(());
            }
            if items.is_empty() {
                return Ok(());
            }
            for entry in items {
                follows.positions[usize::from(entry.shard)] = entry.position;
                let item = Broadcast::Item(Arc::new(entry));
                self.feed.live.send(item).unwrap_or_default();
            }
        }
    }
}

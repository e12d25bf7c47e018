//! The one reader of new notifications for all streams of the process.

use std::{sync::Arc, time::Duration};

use platform::Result;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::{Feed, Live};

/// The safety net under the wake-ups: what another replica commits is seen by it.
const POLL: Duration = Duration::from_millis(200);
/// The wait while the database is away.
const PAUSE: Duration = Duration::from_secs(1);

/// Reads what is new and gives it to all watchers.
pub(crate) struct Tail {
    feed: Feed,
    news: Arc<Notify>,
    follows: Option<Follows>,
}

struct Follows {
    incarnation: Uuid,
    positions: Vec<u64>,
}

impl Tail {
    /// Prepares the tail of a feed, woken by `news`.
    pub(crate) fn new(feed: Feed, news: Arc<Notify>) -> Self {
        Self {
            feed,
            news,
            follows: None,
        }
    }

    /// Reads until the shutdown; never fails.
    pub(crate) async fn run(mut self, shutdown: CancellationToken) {
        let news = Arc::clone(&self.news);
        let work = async {
            let mut away = false;
            loop {
                let woken = news.notified();
                tokio::pin!(woken);
                // Registered before looking: nothing is missed in between.
                woken.as_mut().enable();
                let pause = match self.step().await {
                    Ok(()) => {
                        away = false;
                        POLL
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
        let bounds = self.feed.bounds().await?;
        let same_history = |follows: &Follows| {
            follows.incarnation == bounds.incarnation
                && follows
                    .positions
                    .iter()
                    .zip(&bounds.heads)
                    .all(|(read, head)| read <= head)
        };
        let Some(follows) = self
            .follows
            .as_mut()
            .filter(|follows| same_history(follows))
        else {
            if self.follows.is_some() {
                self.tell(Live::Restarted);
            }
            self.follows = Some(Follows {
                incarnation: bounds.incarnation,
                positions: bounds.heads,
            });
            return Ok(());
        };
        for (shard, head) in (0_u16..).zip(bounds.heads) {
            let position = &mut follows.positions[usize::from(shard)];
            while *position < head {
                for place in self.feed.page(shard, *position).await? {
                    *position = place.position;
                    // Nobody listening is no failure.
                    self.feed
                        .live
                        .send(Live::Told(Arc::new(place)))
                        .unwrap_or_default();
                }
            }
        }
        Ok(())
    }

    fn tell(&self, live: Live) {
        self.feed.live.send(live).unwrap_or_default();
    }
}

//! The one reader of what changes for all streams of the process.

use std::{sync::Arc, time::Duration};

use platform::Result;
use tokio_util::sync::CancellationToken;

use super::{
    cursor::Cursor,
    log::{Broadcast, CaseLog},
};

/// How often the log is looked at while somebody watches.
const POLL: Duration = Duration::from_millis(200);
/// The wait while nobody watches, or the database is away.
const PAUSE: Duration = Duration::from_secs(1);

/// Reads what is new and gives it to all watchers.
pub(crate) struct CaseReader {
    log: CaseLog,
    follows: Option<Cursor>,
}

impl CaseReader {
    /// Prepares the reader of a log.
    pub(crate) fn new(log: CaseLog) -> Self {
        Self { log, follows: None }
    }

    /// Reads until the shutdown; never fails.
    pub(crate) async fn run(mut self, shutdown: CancellationToken) {
        let work = async {
            let mut away = false;
            loop {
                let pause = match platform::in_time(self.step()).await {
                    Ok(()) => {
                        away = false;
                        if self.log.live.receiver_count() == 0 {
                            PAUSE
                        } else {
                            POLL
                        }
                    }
                    Err(error) => {
                        if !away {
                            tracing::warn!(%error, "changes of cases cannot be read; streams wait");
                        }
                        away = true;
                        PAUSE
                    }
                };
                tokio::time::sleep(pause).await;
            }
        };
        shutdown.run_until_cancelled(work).await;
    }

    /// Reads what is new, if anything.
    pub(crate) async fn step(&mut self) -> Result<()> {
        if self.follows.is_none() || self.log.live.receiver_count() == 0 {
            let stands = self.log.stands().await?;
            self.follows = Some(stands.head);
            // For who subscribed meanwhile; nobody listening is no failure.
            self.log.live.send(Broadcast::Unread).unwrap_or_default();
            return Ok(());
        }
        let Some(follows) = &mut self.follows else {
            return Ok(());
        };
        loop {
            let read = self.log.read_on(&follows.positions).await?;
            // Heads never go back in one history.
            if !follows.is_kept(&read.floors, &read.head) {
                *follows = read.head;
                self.log.live.send(Broadcast::Restarted).unwrap_or_default();
                return Ok(());
            }
            if read.positions.is_empty() {
                return Ok(());
            }
            for position in read.positions {
                follows.positions[usize::from(position.shard)] = position.number;
                let position = Broadcast::Position(Arc::new(position));
                self.log.live.send(position).unwrap_or_default();
            }
        }
    }
}

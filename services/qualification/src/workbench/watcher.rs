//! One stream of changed cases: first the log, then live.

use std::{collections::VecDeque, sync::Arc, time::Duration};

use platform::{Error, Result};
use tokio::{
    sync::broadcast::{self, error::RecvError},
    task::JoinSet,
};

use super::{
    cursor::Cursor,
    log::{Broadcast, CaseLog, ChangedCase, Position, Read},
};

/// When a stream that was too slow has a chance again.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// A reader of changes from one place on, whoever it reads for.
pub(super) struct Watcher {
    log: CaseLog,
    live: broadcast::Receiver<Broadcast>,
    at: Cursor,
    mode: Mode,
}

/// What a watcher meets.
#[derive(Debug)]
pub(super) enum Next {
    /// What changed before here is not known: sent first, if at all.
    Gap,
    /// Everything that changed since the cursor has been read.
    CaughtUp,
    /// A case changed.
    Changed(Arc<ChangedCase>),
}

enum Mode {
    /// To tell of a gap, then to catch up.
    Gap,
    /// Reads the log.
    CatchingUp {
        read: VecDeque<Position>,
        /// What is being read. It goes on whether or not its reader listens: one who does not
        /// must keep no turn and no connection from the others.
        reading: JoinSet<Result<Read>>,
    },
    /// Takes what the reader broadcasts.
    Live,
}

impl Watcher {
    /// Begins behind a cursor or, without one, with what comes next.
    pub(super) async fn begin(log: &CaseLog, after: Option<Cursor>) -> Result<Self> {
        // Subscribed before the log is read: nothing falls in between.
        let live = log.live.subscribe();
        let stands = log.stands().await?;
        let (at, mode) = match after {
            None => (stands.head, Mode::catching_up()),
            Some(cursor) if cursor.is_kept(&stands.floors, &stands.head) => {
                (cursor, Mode::catching_up())
            }
            Some(_) => (stands.head, Mode::Gap),
        };
        Ok(Self {
            log: log.clone(),
            live,
            at,
            mode,
        })
    }

    /// Where the reader is now.
    pub(super) fn cursor(&self) -> String {
        self.at.encode()
    }

    /// What comes next; may be dropped while it waits without losing anything.
    pub(super) async fn next(&mut self) -> Result<Next> {
        loop {
            match &mut self.mode {
                Mode::Gap => {
                    self.mode = Mode::catching_up();
                    return Ok(Next::Gap);
                }
                Mode::CatchingUp { read, reading } => {
                    if let Some(position) = read.pop_front() {
                        self.at.positions[usize::from(position.shard)] = position.number;
                        match position.case {
                            Some(case) => return Ok(Next::Changed(case)),
                            None => continue,
                        }
                    }
                    if reading.is_empty() {
                        let (log, at) = (self.log.clone(), self.at.positions.clone());
                        reading.spawn(async move { log.read_on(&at).await });
                    }
                    let Some(answer) = reading.join_next().await else {
                        continue;
                    };
                    let answer = answer.map_err(Error::internal)??;
                    if !self.at.is_kept(&answer.floors, &answer.head) {
                        return Err(restarted());
                    }
                    if answer.positions.is_empty() {
                        self.mode = Mode::Live;
                        return Ok(Next::CaughtUp);
                    }
                    read.extend(answer.positions);
                }
                Mode::Live => match self.live.recv().await {
                    Ok(Broadcast::Position(position)) => {
                        let at = &mut self.at.positions[usize::from(position.shard)];
                        if position.number <= *at {
                            continue;
                        }
                        if position.number > *at + 1 {
                            self.mode = Mode::catching_up();
                            continue;
                        }
                        *at = position.number;
                        if let Some(case) = &position.case {
                            return Ok(Next::Changed(Arc::clone(case)));
                        }
                    }
                    Ok(Broadcast::Unread) => self.mode = Mode::catching_up(),
                    Ok(Broadcast::Restarted) => return Err(restarted()),
                    Err(RecvError::Lagged(_)) => {
                        return Err(Error::exhausted(
                            "TOO_SLOW",
                            "le flux n'est pas lu assez vite : reprenez au dernier curseur",
                            RETRY_AFTER,
                        ));
                    }
                    Err(RecvError::Closed) => return Err(shutting_down()),
                },
            }
        }
    }
}

impl Mode {
    fn catching_up() -> Self {
        Self::CatchingUp {
            read: VecDeque::new(),
            reading: JoinSet::new(),
        }
    }
}

/// The stream ends because the service does.
pub(super) fn shutting_down() -> Error {
    let why = "le service s'arrête : reconnectez-vous";
    Error::unavailable("SHUTTING_DOWN", why)
}

/// A cursor of the history before tells of a gap when the stream is opened again.
fn restarted() -> Error {
    let why = "l'historique a été restauré : reconnectez-vous";
    Error::unavailable("LOG_RESTARTED", why)
}

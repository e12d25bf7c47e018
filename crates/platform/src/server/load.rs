//! How many calls run at once: one more is refused at once, never queued.

use std::{sync::Arc, time::Duration};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::{Error, Result, ServerConfig, auth::Shape};

/// When a refused client may try again.
const RETRY_AFTER: Duration = Duration::from_millis(500);

/// How many calls and streams run at once.
#[derive(Debug, Clone)]
pub(super) struct Load {
    calls: Arc<Semaphore>,
    streams: Arc<Semaphore>,
    /// Streams of anybody: health watched, the contract read.
    unproven: Arc<Semaphore>,
}

/// How many streams are open at once for which nobody proves who he is.
const UNPROVEN: usize = 64;

impl Load {
    pub(super) fn new(config: &ServerConfig) -> Self {
        Self {
            calls: Arc::new(Semaphore::new(config.max_concurrent_requests)),
            streams: Arc::new(Semaphore::new(config.max_concurrent_streams)),
            unproven: Arc::new(Semaphore::new(UNPROVEN)),
        }
    }

    /// Room for one call while it is worked on, or for one stream while it is open, or a
    /// refusal.
    ///
    /// Streams that wait for news have their own room: they must not keep calls out.
    pub(super) fn admit(&self, shape: Shape) -> Result<OwnedSemaphorePermit> {
        let room = match shape {
            Shape::Unary | Shape::ClientStream => &self.calls,
            Shape::ServerStream => &self.streams,
        };
        take(room)
    }

    /// Room for a call that needs no proof of who calls: a probe must be answered by
    /// a busy server too, but nobody may pile up streams.
    pub(super) fn admit_unproven(&self, shape: Shape) -> Result<Option<OwnedSemaphorePermit>> {
        match shape {
            Shape::Unary | Shape::ClientStream => Ok(None),
            Shape::ServerStream => take(&self.unproven).map(Some),
        }
    }
}

fn take(room: &Arc<Semaphore>) -> Result<OwnedSemaphorePermit> {
    Arc::clone(room)
        .try_acquire_owned()
        .map_err(|_| Error::exhausted("SERVER_BUSY", "too many calls at once; retry", RETRY_AFTER))
}

//! Limits how many calls run at once; one more is refused, never queued.

use std::{sync::Arc, time::Duration};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::{Error, Result, ServerConfig, auth::Shape};

/// When a refused client may try again.
const RETRY_AFTER: Duration = Duration::from_millis(500);

/// Counts the calls and streams that run, and refuses those beyond the limits.
#[derive(Debug, Clone)]
pub(super) struct ConcurrencyLimit {
    calls: Arc<Semaphore>,
    streams: Arc<Semaphore>,
    /// Streams of unauthenticated callers: health and reflection.
    unproven: Arc<Semaphore>,
}

/// The most streams of unauthenticated callers that are open at once.
const UNPROVEN: usize = 64;

impl ConcurrencyLimit {
    pub(super) fn new(config: &ServerConfig) -> Self {
        Self {
            calls: Arc::new(Semaphore::new(config.max_concurrent_requests)),
            streams: Arc::new(Semaphore::new(config.max_concurrent_streams)),
            unproven: Arc::new(Semaphore::new(UNPROVEN)),
        }
    }

    /// Takes a permit for a call while it is handled, or for a stream while it is open.
    ///
    /// Streams have permits of their own, so that idle ones do not keep calls out.
    pub(super) fn admit(&self, shape: Shape) -> Result<OwnedSemaphorePermit> {
        let room = match shape {
            Shape::Unary | Shape::ClientStream => &self.calls,
            Shape::ServerStream => &self.streams,
        };
        take(room)
    }

    /// Takes a permit for an unauthenticated call: a busy server still answers probes, but
    /// limits their streams.
    pub(super) fn admit_unproven(&self, shape: Shape) -> Result<Option<OwnedSemaphorePermit>> {
        match shape {
            Shape::Unary | Shape::ClientStream => Ok(None),
            Shape::ServerStream => take(&self.unproven).map(Some),
        }
    }
}

fn take(room: &Arc<Semaphore>) -> Result<OwnedSemaphorePermit> {
    Arc::clone(room).try_acquire_owned().map_err(|_| {
        Error::exhausted(
            "SERVER_BUSY",
            "trop d'appels à la fois ; réessayez",
            RETRY_AFTER,
        )
    })
}

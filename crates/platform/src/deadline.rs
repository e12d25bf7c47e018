//! The moment after which nobody waits for an answer.

use std::time::Duration;

use tokio::time::Instant;

/// The moment after which the caller no longer waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Deadline(Instant);

impl Deadline {
    /// The deadline that is `duration` from now.
    pub fn after(duration: Duration) -> Self {
        Self(Instant::now() + duration)
    }

    /// The deadline of a request that went through the server's stack.
    pub fn of<T>(request: &tonic::Request<T>) -> Option<Self> {
        request.extensions().get().copied()
    }

    /// The moment itself.
    pub fn instant(self) -> Instant {
        self.0
    }

    /// How much time is left.
    pub fn remaining(self) -> Duration {
        self.0.saturating_duration_since(Instant::now())
    }

    /// Gives the time that is left to a call that this request makes itself.
    pub fn apply<T>(self, request: &mut tonic::Request<T>) {
        request.set_timeout(self.remaining());
    }
}

//! How long to wait for something that is away, and one warning about it.

use std::{fmt::Display, time::Duration};

use rand::Rng as _;

const SHORTEST: Duration = Duration::from_millis(50);
const LONGEST: Duration = Duration::from_secs(5);

/// A thing that may be away: warned about once, retried ever more slowly.
#[derive(Debug)]
pub(crate) struct Outage {
    what: String,
    failures: u32,
}

impl Outage {
    /// Watches over a thing, named as in "Redis".
    pub(crate) fn of(what: impl Into<String>) -> Self {
        Self {
            what: what.into(),
            failures: 0,
        }
    }

    /// Notes a failure; says how long to wait before the next try.
    pub(crate) fn failed(&mut self, cause: &dyn Display) -> Duration {
        if self.failures == 0 {
            tracing::warn!(what = self.what, cause = %cause, "a dependency of the event log is away; retrying");
        }
        self.failures = self.failures.saturating_add(1);
        backoff(self.failures)
    }

    /// Notes that it answers.
    pub(crate) fn over(&mut self) {
        if self.failures > 0 {
            tracing::info!(
                what = self.what,
                failures = self.failures,
                "a dependency of the event log is back"
            );
        }
        self.failures = 0;
    }
}

/// The wait after so many failures in a row: from 50 ms doubling to 5 s, of which
/// a random part is left out so that replicas do not march in step.
pub(crate) fn backoff(failures: u32) -> Duration {
    let longest = SHORTEST
        .saturating_mul(1 << failures.saturating_sub(1).min(10))
        .min(LONGEST);
    longest
        .mul_f64(rand::rng().random_range(0.5..=1.0))
        .max(SHORTEST)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_stay_between_50_ms_and_5_s() {
        for failures in 0..100 {
            let wait = backoff(failures);
            assert!((SHORTEST..=LONGEST).contains(&wait), "{failures}: {wait:?}");
        }
        assert!(backoff(30) >= LONGEST / 2);
    }
}

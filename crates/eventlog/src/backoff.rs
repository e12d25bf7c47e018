//! Delays between the tries of something that is away, and one warning about it.

use std::{fmt::Display, time::Duration};

use rand::Rng as _;

const SHORTEST: Duration = Duration::from_millis(50);
const LONGEST: Duration = Duration::from_secs(5);

/// Delays the retries of a dependency, and logs one warning for each of its outages.
#[derive(Debug)]
pub(crate) struct Backoff {
    what: String,
    failures: u32,
}

impl Backoff {
    /// Of a dependency, named as in "Redis".
    pub(crate) fn new(what: impl Into<String>) -> Self {
        Self {
            what: what.into(),
            failures: 0,
        }
    }

    /// Counts a failure; returns the delay before the next try.
    pub(crate) fn failed(&mut self, cause: &dyn Display) -> Duration {
        if self.failures == 0 {
            tracing::warn!(what = self.what, cause = %cause, "a dependency of the event log is away; retrying");
        }
        self.failures = self.failures.saturating_add(1);
        delay(self.failures)
    }

    /// Counts anew: the dependency answered.
    pub(crate) fn reset(&mut self) {
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

/// The delay after so many failures in a row: from 50 ms doubling to 5 s, of which
/// a random part is left out so that replicas do not march in step.
pub(crate) fn delay(failures: u32) -> Duration {
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
            let wait = delay(failures);
            assert!((SHORTEST..=LONGEST).contains(&wait), "{failures}: {wait:?}");
        }
        assert!(delay(30) >= LONGEST / 2);
    }
}

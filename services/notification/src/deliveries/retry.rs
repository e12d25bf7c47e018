//! When a delivery is tried again, and when it is given up.

use time::{Duration, OffsetDateTime};

/// How often and how far apart a delivery is tried.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RetryPolicy {
    /// The wait after the first failure; doubles with each.
    pub(crate) base: Duration,
    /// The longest wait after a refusal.
    pub(crate) longest: Duration,
    /// The longest wait while the server itself cannot be reached.
    pub(crate) longest_outage: Duration,
    /// A delivery refused, or interrupted, so often is given up.
    pub(crate) refusals: u32,
}

/// What came of an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// The receiver's server took the message.
    Accepted,
    /// The server refused this recipient or message for now.
    RefusedForNow,
    /// The server refused this recipient or message for good.
    RefusedForGood,
    /// The conversation about this message broke off or lasted too long, while the
    /// server takes other connections: it may have taken the message, so that trying
    /// for ever might send it for ever.
    Interrupted,
    /// The server cannot be reached, or refuses the suite or its sender: nothing is said
    /// of the message, and however long it lasts nothing is given up.
    ServerDown,
}

/// What becomes of the delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Next {
    /// Done.
    Sent,
    /// Due again at that moment.
    Again(OffsetDateTime),
    /// Given up; an operator may make it due again.
    Dead,
}

impl Outcome {
    /// Whether it counts towards giving up.
    pub(crate) const fn counts(self) -> bool {
        match self {
            Self::RefusedForNow | Self::RefusedForGood | Self::Interrupted => true,
            Self::Accepted | Self::ServerDown => false,
        }
    }
}

impl RetryPolicy {
    /// Decides what becomes of a delivery after an attempt.
    ///
    /// `attempts` and `refusals` include this one; `jitter` in 0..1 spreads
    /// the deliveries that failed together.
    pub(crate) fn next(
        &self,
        outcome: Outcome,
        attempts: u32,
        refusals: u32,
        now: OffsetDateTime,
        jitter: f64,
    ) -> Next {
        match outcome {
            Outcome::Accepted => Next::Sent,
            Outcome::RefusedForGood => Next::Dead,
            Outcome::RefusedForNow | Outcome::Interrupted if refusals >= self.refusals => {
                Next::Dead
            }
            Outcome::RefusedForNow | Outcome::Interrupted => {
                Next::Again(now + self.wait(refusals, self.longest, jitter))
            }
            Outcome::ServerDown => {
                Next::Again(now + self.wait(attempts, self.longest_outage, jitter))
            }
        }
    }

    /// Doubles with each failure up to `longest`, give or take a fifth.
    fn wait(&self, failures: u32, longest: Duration, jitter: f64) -> Duration {
        let doublings = failures.saturating_sub(1).min(30);
        let wait = self.base.saturating_mul(1_i32 << doublings).min(longest);
        wait * (0.8 + 0.4 * jitter)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use time::{Duration, macros::datetime};

    use super::{Next, Outcome, RetryPolicy};

    const POLICY: RetryPolicy = RetryPolicy {
        base: Duration::MINUTE,
        longest: Duration::hours(6),
        longest_outage: Duration::minutes(10),
        refusals: 12,
    };

    proptest! {
        #[test]
        fn a_wait_is_never_shorter_nor_longer_than_the_policy_says(
            attempts in 1_u32..10_000,
            refusals in 1_u32..12,
            jitter in 0.0..1.0_f64,
        ) {
            let now = datetime!(2026-11-23 08:00 UTC);
            for (outcome, longest) in [
                (Outcome::RefusedForNow, POLICY.longest),
                (Outcome::Interrupted, POLICY.longest),
                (Outcome::ServerDown, POLICY.longest_outage),
            ] {
                let Next::Again(due) = POLICY.next(outcome, attempts.max(refusals), refusals, now, jitter)
                else {
                    return Err(TestCaseError::fail("was given up"));
                };
                prop_assert!(due - now >= POLICY.base * 0.8);
                prop_assert!(due - now <= longest * 1.2);
            }
        }
    }

    #[test]
    fn the_twelfth_refusal_or_interruption_is_the_last() {
        let now = datetime!(2026-11-23 08:00 UTC);
        for outcome in [Outcome::RefusedForNow, Outcome::Interrupted] {
            assert!(matches!(
                POLICY.next(outcome, 11, 11, now, 0.5),
                Next::Again(_)
            ));
            assert_eq!(POLICY.next(outcome, 12, 12, now, 0.5), Next::Dead);
        }
    }

    #[test]
    fn an_outage_of_the_server_gives_nothing_up() {
        let now = datetime!(2026-11-23 08:00 UTC);
        assert!(matches!(
            POLICY.next(Outcome::ServerDown, 5_000, 0, now, 0.5),
            Next::Again(_)
        ));
    }

    #[test]
    fn what_is_refused_for_good_is_given_up_at_once() {
        let now = datetime!(2026-11-23 08:00 UTC);
        assert_eq!(
            POLICY.next(Outcome::RefusedForGood, 1, 1, now, 0.5),
            Next::Dead
        );
    }
}

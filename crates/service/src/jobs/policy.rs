//! When a job is tried again, and when it is given up.

use time::{Duration, OffsetDateTime};

use super::Failure;

/// How often and how far apart a job is tried.
#[derive(Clone, Copy, Debug)]
pub struct JobPolicy {
    /// The wait after the first failure; doubles with each.
    pub base: Duration,
    /// The longest wait after a refusal.
    pub longest: Duration,
    /// The longest wait while the receiver is away.
    pub longest_outage: Duration,
    /// A job refused so often is given up.
    pub refusals: u32,
    /// How long a claim holds; longer than a turn and an attempt may take.
    pub claim: Duration,
    /// How long an attempt under way may take after a shutdown was asked.
    pub grace: std::time::Duration,
}

/// What becomes of a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// Nothing: it is done.
    Done,
    /// Due again at that moment.
    Again(OffsetDateTime),
    /// Given up; an operator may make it due again.
    Dead,
}

impl JobPolicy {
    /// Decides what becomes of a job after an attempt.
    ///
    /// `attempts` and `refusals` include this one; `jitter` in 0..1 spreads the jobs that
    /// failed together.
    pub(super) fn next(
        &self,
        result: &Result<(), Failure>,
        attempts: u32,
        refusals: u32,
        now: OffsetDateTime,
        jitter: f64,
    ) -> Next {
        match result {
            Ok(()) => Next::Done,
            Err(Failure::Rejected(_) | Failure::Erased) => Next::Dead,
            Err(Failure::Refused(_)) if refusals >= self.refusals => Next::Dead,
            Err(Failure::Refused(_)) => {
                Next::Again(now + self.wait(refusals, self.longest, jitter))
            }
            Err(Failure::Away(_)) => {
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

    use super::*;

    const POLICY: JobPolicy = JobPolicy {
        base: Duration::MINUTE,
        longest: Duration::hours(6),
        longest_outage: Duration::minutes(10),
        refusals: 12,
        claim: Duration::MINUTE,
        grace: std::time::Duration::ZERO,
    };
    const NOW: OffsetDateTime = datetime!(2026-11-23 08:00 UTC);

    fn refused() -> Result<(), Failure> {
        Err(Failure::Refused(String::new()))
    }

    fn away() -> Result<(), Failure> {
        Err(Failure::Away(String::new()))
    }

    proptest! {
        #[test]
        fn a_wait_is_never_shorter_nor_longer_than_the_policy_says(
            attempts in 1_u32..10_000,
            refusals in 1_u32..12,
            jitter in 0.0..1.0_f64,
        ) {
            for (result, longest) in
                [(refused(), POLICY.longest), (away(), POLICY.longest_outage)]
            {
                let next = POLICY.next(&result, attempts.max(refusals), refusals, NOW, jitter);
                let Next::Again(due) = next else {
                    return Err(TestCaseError::fail("was given up"));
                };
                prop_assert!(due - NOW >= POLICY.base * 0.8);
                prop_assert!(due - NOW <= longest * 1.2);
            }
        }
    }

    #[test]
    fn the_twelfth_refusal_is_the_last() {
        let next = |count| POLICY.next(&refused(), count, count, NOW, 0.5);
        assert!(matches!(next(11), Next::Again(_)));
        assert_eq!(next(12), Next::Dead);
    }

    #[test]
    fn a_receiver_that_is_away_gives_nothing_up() {
        let next = POLICY.next(&away(), 5_000, 0, NOW, 0.5);
        assert!(matches!(next, Next::Again(_)));
    }

    #[test]
    fn what_is_rejected_or_erased_is_given_up_at_once() {
        for failure in [Failure::Rejected("refused_550".to_owned()), Failure::Erased] {
            assert_eq!(POLICY.next(&Err(failure), 1, 1, NOW, 0.5), Next::Dead);
        }
    }
}

//! When a job is tried again, and when it is given up.

use time::{Duration, OffsetDateTime};

use super::Failure;

/// The longest wait after a refusal.
const LONGEST: Duration = Duration::hours(6);
/// The longest wait while the receiver is away.
const LONGEST_OUTAGE: Duration = Duration::minutes(10);

/// How often and how far apart a job is tried.
#[derive(Clone, Copy, Debug)]
pub struct JobPolicy {
    /// The wait after the first failure; doubles with each, up to six hours after a refusal
    /// and ten minutes while the receiver is away.
    pub base: Duration,
    /// A job refused so often is given up.
    pub refusals: u32,
    /// How long a claim holds; longer than an attempt and its record may take.
    pub claim: Duration,
    /// How long an attempt under way may take after a shutdown was asked.
    pub grace: std::time::Duration,
}

impl JobPolicy {
    /// When a job that failed is due again; `None`: it is given up.
    ///
    /// `attempts` and `refusals` include this one; `jitter` in 0..1 spreads the jobs that
    /// failed together.
    pub(super) fn due_again(
        &self,
        failure: &Failure,
        attempts: u32,
        refusals: u32,
        now: OffsetDateTime,
        jitter: f64,
    ) -> Option<OffsetDateTime> {
        let (failures, longest) = match failure {
            Failure::Rejected(_) | Failure::Erased => return None,
            Failure::Refused(_) if refusals >= self.refusals => return None,
            Failure::Refused(_) => (refusals, LONGEST),
            Failure::Away(_) => (attempts, LONGEST_OUTAGE),
        };
        let doublings = failures.saturating_sub(1).min(30);
        let wait = self.base.saturating_mul(1_i32 << doublings).min(longest);
        // Give or take a fifth.
        Some(now + wait * (0.8 + 0.4 * jitter))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use time::{Duration, macros::datetime};

    use super::*;

    const POLICY: JobPolicy = JobPolicy {
        base: Duration::MINUTE,
        refusals: 12,
        claim: Duration::MINUTE,
        grace: std::time::Duration::ZERO,
    };
    const NOW: OffsetDateTime = datetime!(2026-11-23 08:00 UTC);

    fn refused() -> Failure {
        Failure::Refused(String::new())
    }

    fn away() -> Failure {
        Failure::Away(String::new())
    }

    proptest! {
        #[test]
        fn a_wait_is_never_shorter_nor_longer_than_the_policy_says(
            attempts in 1_u32..10_000,
            refusals in 1_u32..12,
            jitter in 0.0..1.0_f64,
        ) {
            for (failure, longest) in
                [(refused(), Duration::hours(6)), (away(), Duration::minutes(10))]
            {
                let attempts = attempts.max(refusals);
                let due = POLICY.due_again(&failure, attempts, refusals, NOW, jitter);
                let wait = due.unwrap() - NOW;
                prop_assert!(wait >= POLICY.base * 0.8);
                prop_assert!(wait <= longest * 1.2);
            }
        }
    }

    #[test]
    fn the_twelfth_refusal_is_the_last() {
        let due = |count| POLICY.due_again(&refused(), count, count, NOW, 0.5);
        assert!(due(11).is_some());
        assert_eq!(due(12), None);
    }

    #[test]
    fn a_receiver_that_is_away_gives_nothing_up() {
        assert!(POLICY.due_again(&away(), 5_000, 0, NOW, 0.5).is_some());
    }

    #[test]
    fn what_is_rejected_or_erased_is_given_up_at_once() {
        for failure in [Failure::Rejected("refused_550".to_owned()), Failure::Erased] {
            assert_eq!(POLICY.due_again(&failure, 1, 1, NOW, 0.5), None);
        }
    }
}

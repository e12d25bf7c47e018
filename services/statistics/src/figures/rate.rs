//! Percentages, computed in integers so that no figure depends on a machine.

/// A percentage in tenths of a percent, rounded half up: 186 is 18.6 %.
///
/// Half up means towards plus infinity, for falls too: -0.05 becomes 0.0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Tenths(i64);

impl Tenths {
    /// The share of `part` in `whole`; nothing when the whole is 0.
    pub(super) fn share(part: u64, whole: u64) -> Option<Self> {
        Self::ratio(i128::from(part), whole)
    }

    /// The change from `previous` to `current`; nothing when the previous is 0.
    pub(super) fn change(current: u64, previous: u64) -> Option<Self> {
        Self::ratio(i128::from(current) - i128::from(previous), previous)
    }

    fn ratio(part: i128, whole: u64) -> Option<Self> {
        if whole == 0 {
            return None;
        }
        let whole = i128::from(whole);
        // floor(x + 1/2) with x = 1000 part / whole.
        let tenths = (2000 * part + whole).div_euclid(2 * whole);
        Some(Self(i64::try_from(tenths).unwrap_or(i64::MAX)))
    }

    /// The percentage with its one decimal, as the contract carries it.
    #[expect(
        clippy::cast_precision_loss,
        reason = "exact up to 2^53 tenths, which no count reaches"
    )]
    pub(super) fn percent(self) -> f64 {
        self.0 as f64 / 10.0
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn share(part: u64, whole: u64) -> f64 {
        Tenths::share(part, whole).unwrap().percent()
    }

    fn change(current: u64, previous: u64) -> f64 {
        Tenths::change(current, previous).unwrap().percent()
    }

    /// Figures of the observatory: 2019 (354 treated of 392), 2020, 2021, 2022.
    #[test]
    #[expect(clippy::float_cmp, reason = "one decimal has one nearest number")]
    fn published_shares_are_met_to_the_tenth() {
        assert_eq!(share(66, 354), 18.6);
        assert_eq!(share(66, 392), 16.8);
        assert_eq!(share(146, 369), 39.6);
        assert_eq!(share(21, 369), 5.7);
        assert_eq!(share(60, 369), 16.3);
        assert_eq!(share(34, 369), 9.2);
        assert_eq!(share(189, 733), 25.8);
        assert_eq!(share(76, 592), 12.8);
    }

    /// Reports a year: 327 in 2018, 392 in 2019, 592, 581 and 749 from 2022 on.
    #[test]
    #[expect(clippy::float_cmp, reason = "one decimal has one nearest number")]
    fn published_changes_are_met_to_the_tenth() {
        assert_eq!(change(392, 327), 19.9);
        assert_eq!(change(749, 581), 28.9);
        assert_eq!(change(581, 592), -1.9);
        assert_eq!(change(0, 12), -100.0);
    }

    #[test]
    #[expect(clippy::float_cmp, reason = "one decimal has one nearest number")]
    fn a_half_is_rounded_up() {
        assert_eq!(share(1, 2000), 0.1);
        assert_eq!(share(1, 2001), 0.0);
        assert_eq!(share(33, 80), 41.3);
        assert_eq!(change(1999, 2000), 0.0);
        assert_eq!(change(1997, 2000), -0.1);
    }

    #[test]
    fn nothing_is_a_share_of_nothing() {
        assert_eq!(Tenths::share(0, 0), None);
        assert_eq!(Tenths::change(3, 0), None);
    }

    proptest! {
        #[test]
        fn a_share_is_within_half_a_tenth_of_the_truth(part in 0_u64..1_000_000, rest in 0_u64..1_000_000) {
            let whole = part + rest;
            prop_assume!(whole > 0);
            let Tenths(tenths) = Tenths::share(part, whole).unwrap();
            let twice_the_error = 2 * (i128::from(tenths) * i128::from(whole) - 1000 * i128::from(part));
            prop_assert!(-i128::from(whole) < twice_the_error && twice_the_error <= i128::from(whole));
        }

        #[test]
        fn no_count_makes_a_rate_panic(current: u64, previous: u64) {
            let _ = Tenths::change(current, previous).map(Tenths::percent);
            let _ = Tenths::share(current, previous).map(Tenths::percent);
        }
    }
}

//! The dated on-call chain.

mod file;

use std::iter;

use time::{Duration, OffsetDateTime};
use vocabulary::{EmailAddress, is_working_time};

pub(crate) use self::file::{export_coverage, open};

/// Who is on call, and when (tableau d'astreinte).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct OnCallChain(Vec<Duty>);

/// A turn of duty: from a moment on, up to another one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Duty {
    /// Its first moment.
    pub(crate) from: OffsetDateTime,
    /// The moment when it is over.
    pub(crate) to: OffsetDateTime,
    /// Who is reached.
    pub(crate) addresses: Vec<EmailAddress>,
}

impl OnCallChain {
    /// Takes the turns of duty.
    pub(crate) fn new(duties: Vec<Duty>) -> Self {
        Self(duties)
    }

    /// Who is on duty at a moment, in the order of the file, each once.
    pub(crate) fn on_duty(&self, at: OffsetDateTime) -> Vec<EmailAddress> {
        let mut addresses = Vec::new();
        for duty in self.0.iter().filter(|duty| duty.from <= at && at < duty.to) {
            for address in &duty.addresses {
                if !addresses.contains(address) {
                    addresses.push(address.clone());
                }
            }
        }
        addresses
    }

    /// For how long from a moment on somebody is on duty whenever the cell does not
    /// work; nobody looks farther than `ahead`.
    pub(crate) fn covers(&self, from: OffsetDateTime, ahead: Duration) -> Duration {
        // The cell opens and closes with the hour, and a turn may end at any moment.
        let hour = from.unix_timestamp().rem_euclid(3600);
        let next_hour = from.replace_nanosecond(0).unwrap_or(from) + Duration::seconds(3600 - hour);
        let hours = (0..ahead.whole_hours()).map(|hours| next_hour + Duration::hours(hours));
        let ends = self.0.iter().map(|duty| duty.to);
        let uncovered = iter::once(from).chain(hours).chain(ends).filter(|moment| {
            (from..from + ahead).contains(moment)
                && !is_working_time(*moment)
                && self.on_duty(*moment).is_empty()
        });
        uncovered.min().map_or(ahead, |moment| moment - from)
    }
}

#[cfg(test)]
mod tests {
    use time::{Duration, macros::datetime};

    use super::{Duty, OnCallChain};

    #[test]
    fn a_turn_of_duty_begins_with_its_first_moment_and_ends_before_its_last() {
        let duty = |from, to, address: &str| Duty {
            from,
            to,
            addresses: vec![address.parse().unwrap()],
        };
        let change = datetime!(2026-11-23 08:00 UTC);
        let chain = OnCallChain::new(vec![
            duty(datetime!(2026-11-16 08:00 UTC), change, "first@example.org"),
            duty(
                change,
                datetime!(2026-11-30 08:00 UTC),
                "second@example.org",
            ),
        ]);
        let on_duty = |at| -> Vec<String> {
            chain
                .on_duty(at)
                .iter()
                .map(|address| address.expose().to_owned())
                .collect()
        };
        assert_eq!(
            on_duty(change - time::Duration::SECOND),
            ["first@example.org"]
        );
        assert_eq!(on_duty(change), ["second@example.org"]);
        assert!(on_duty(datetime!(2026-11-30 08:00 UTC)).is_empty());
    }

    #[test]
    fn duty_is_covered_until_nobody_is_there_while_the_cell_does_not_work() {
        let turn = |from, to| Duty {
            from,
            to,
            addresses: vec!["night@example.org".parse().unwrap()],
        };
        let covers = |chain: &OnCallChain, from| chain.covers(from, Duration::days(14));
        // A Monday: the cell works from 8 to 17 in UTC.
        let noon = datetime!(2026-11-23 11:20:30.5 UTC);
        let evening = datetime!(2026-11-23 17:00 UTC);
        assert_eq!(covers(&OnCallChain::default(), noon), evening - noon);
        assert_eq!(covers(&OnCallChain::default(), evening), Duration::ZERO);

        // The night until the cell opens; then the next evening.
        let night = turn(evening, datetime!(2026-11-24 08:00 UTC));
        let chain = OnCallChain::new(vec![night.clone()]);
        assert_eq!(covers(&chain, noon), evening + Duration::DAY - noon);
        // A turn that ends too early.
        let early = datetime!(2026-11-24 06:30 UTC);
        let chain = OnCallChain::new(vec![turn(evening, early)]);
        assert_eq!(covers(&chain, noon), early - noon);
        // Everything that is looked at.
        let chain = OnCallChain::new(vec![turn(noon - Duration::DAY, noon + Duration::days(15))]);
        assert_eq!(covers(&chain, noon), Duration::days(14));
    }
}

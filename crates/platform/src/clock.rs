//! The one place that reads the wall clock.

use time::OffsetDateTime;

/// The present moment in UTC, truncated to the microseconds that PostgreSQL keeps.
#[expect(
    clippy::disallowed_methods,
    reason = "this is the edge that reads the clock"
)]
pub fn now() -> OffsetDateTime {
    let now = OffsetDateTime::now_utc();
    let microseconds = now.microsecond();
    now.replace_microsecond(microseconds)
        .expect("a microsecond taken from a moment is in range")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_survives_a_column_of_microseconds() {
        assert_eq!(now().nanosecond() % 1_000, 0);
    }
}

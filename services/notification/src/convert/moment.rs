//! Moments on the wire.

use prost_types::Timestamp;
use time::{Duration, OffsetDateTime};

/// Writes a moment.
pub(crate) fn to_wire(at: OffsetDateTime) -> Timestamp {
    Timestamp {
        seconds: at.unix_timestamp(),
        nanos: i32::try_from(at.nanosecond()).expect("a second has fewer than 2^31 nanoseconds"),
    }
}

/// Reads a moment; one beyond the calendar is no moment.
pub(crate) fn from_wire(at: &Timestamp) -> Option<OffsetDateTime> {
    OffsetDateTime::from_unix_timestamp(at.seconds)
        .ok()?
        .checked_add(Duration::nanoseconds(i64::from(at.nanos)))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use prost_types::Timestamp;

    use super::{from_wire, to_wire};

    proptest! {
        #[test]
        fn a_moment_survives_the_wire(seconds in -2_000_000_000_i64..20_000_000_000, nanos in 0..1_000_000_000_i32) {
            let at = from_wire(&Timestamp { seconds, nanos }).unwrap();
            prop_assert_eq!(to_wire(at), Timestamp { seconds, nanos });
        }

        #[test]
        fn no_timestamp_panics(seconds: i64, nanos: i32) {
            from_wire(&Timestamp { seconds, nanos });
        }
    }
}

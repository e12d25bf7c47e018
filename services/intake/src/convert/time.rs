//! Moments on the wire.

use prost_types::Timestamp;
use time::OffsetDateTime;

/// A moment as the wire has it.
pub(super) fn timestamp(moment: OffsetDateTime) -> Timestamp {
    Timestamp {
        seconds: moment.unix_timestamp(),
        nanos: moment.nanosecond().cast_signed(),
    }
}

/// A moment of the wire, cut to the microseconds that are kept; nothing when it
/// is none.
pub(super) fn moment(timestamp: &Timestamp) -> Option<OffsetDateTime> {
    let nanos = u32::try_from(timestamp.nanos).ok()?;
    OffsetDateTime::from_unix_timestamp(timestamp.seconds)
        .ok()?
        .replace_nanosecond(nanos / 1_000 * 1_000)
        .ok()
        .filter(|_| nanos < 1_000_000_000)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn any_timestamp_is_a_moment_or_refused(seconds: i64, nanos: i32) {
            if let Some(moment) = moment(&Timestamp { seconds, nanos }) {
                prop_assert_eq!(timestamp(moment), Timestamp { seconds, nanos: nanos / 1_000 * 1_000 });
            }
        }
    }
}

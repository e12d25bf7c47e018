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

/// The first second of the year 1: what comes before is no timestamp of the wire, and
/// some of it PostgreSQL refuses.
const FIRST: i64 = -62_135_596_800;

/// A moment of the wire, cut to the microseconds that are kept; nothing when it
/// is none.
pub(super) fn moment(timestamp: &Timestamp) -> Option<OffsetDateTime> {
    let nanos = u32::try_from(timestamp.nanos).ok()?;
    if timestamp.seconds < FIRST {
        return None;
    }
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

    #[test]
    fn a_year_before_the_first_is_no_moment() {
        let at = |seconds| moment(&Timestamp { seconds, nanos: 0 });
        assert!(at(FIRST).is_some());
        assert_eq!(at(FIRST - 1), None);
        assert_eq!(at(-300_000_000_000), None);
    }

    proptest! {
        #[test]
        fn any_timestamp_is_a_moment_or_refused(seconds: i64, nanos: i32) {
            if let Some(moment) = moment(&Timestamp { seconds, nanos }) {
                prop_assert_eq!(timestamp(moment), Timestamp { seconds, nanos: nanos / 1_000 * 1_000 });
            }
        }
    }
}

//! Moments on the wire.

use ::time::OffsetDateTime;
use prost_types::Timestamp;

/// A moment for the wire.
pub(super) fn timestamp(moment: OffsetDateTime) -> Timestamp {
    Timestamp {
        seconds: moment.unix_timestamp(),
        nanos: moment.nanosecond().cast_signed(),
    }
}

/// A moment of the wire, in the microseconds that PostgreSQL keeps; `None` when
/// it names no moment.
pub(super) fn moment(timestamp: Timestamp) -> Option<OffsetDateTime> {
    let nanos = u32::try_from(timestamp.nanos).ok()?;
    let moment = OffsetDateTime::from_unix_timestamp(timestamp.seconds).ok()?;
    let moment = moment.replace_nanosecond(nanos / 1_000 * 1_000).ok()?;
    is_moment(moment).then_some(moment)
}

/// Whether the wire can name it: the years 1 to 9999. PostgreSQL stores none
/// before 4713 BC, and would call one our fault.
pub(super) fn is_moment(moment: OffsetDateTime) -> bool {
    moment.year() >= 1
}

#[cfg(test)]
mod tests {
    use ::time::macros::datetime;

    use super::*;

    #[test]
    fn a_moment_survives_the_wire_before_and_after_the_epoch() {
        for there in [
            datetime!(2026-11-23 09:00:00.123456 UTC),
            datetime!(1969-12-31 23:59:59.5 UTC),
        ] {
            assert_eq!(moment(timestamp(there)), Some(there));
        }
    }

    #[test]
    fn what_is_no_moment_is_refused() {
        assert_eq!(
            moment(Timestamp {
                seconds: i64::MAX,
                nanos: 0
            }),
            None
        );
        assert_eq!(
            moment(Timestamp {
                seconds: 0,
                nanos: -1
            }),
            None
        );
        // The last second before the year 1.
        assert_eq!(
            moment(Timestamp {
                seconds: -62_135_596_801,
                nanos: 0
            }),
            None
        );
        assert_eq!(
            moment(Timestamp {
                seconds: 0,
                nanos: 1_000_000_000
            }),
            None
        );
    }
}

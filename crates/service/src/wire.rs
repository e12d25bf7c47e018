//! Conversions of plain values, to the wire and to rows in JSON, one for each kind.

use std::fmt::{Display, Write as _};

use ::time::{OffsetDateTime, format_description::well_known::Rfc3339};
use prost_types::Timestamp;

/// A moment for the wire.
pub fn timestamp(moment: OffsetDateTime) -> Timestamp {
    Timestamp {
        seconds: moment.unix_timestamp(),
        nanos: moment.nanosecond().cast_signed(),
    }
}

/// A moment of the wire, in the microseconds that PostgreSQL keeps; `None` when it
/// names no moment of the years 1 to 9999, which the wire can name and PostgreSQL store.
pub fn moment(timestamp: &Timestamp) -> Option<OffsetDateTime> {
    let nanos = u32::try_from(timestamp.nanos).ok()?;
    let moment = OffsetDateTime::from_unix_timestamp(timestamp.seconds).ok()?;
    let moment = moment.replace_nanosecond(nanos).ok()?;
    let moment = moment.replace_microsecond(moment.microsecond()).ok()?;
    is_moment(moment).then_some(moment)
}

/// Whether the wire can name it.
pub fn is_moment(moment: OffsetDateTime) -> bool {
    (1..=9999).contains(&moment.year())
}

/// A text that may be absent: empty on the wire.
pub fn text(text: Option<&impl AsRef<str>>) -> String {
    text.map(AsRef::as_ref).unwrap_or_default().to_owned()
}

/// Something with a text of its own that may be absent: empty on the wire.
pub fn shown(value: Option<impl Display>) -> String {
    value.map(|value| value.to_string()).unwrap_or_default()
}

/// A moment of the years 1 to 9999 in a row in JSON (`jsonb_populate_recordset`).
pub fn timestamptz(moment: OffsetDateTime) -> String {
    moment
        .format(&Rfc3339)
        .expect("a moment of the years 1 to 9999 has this form")
}

/// Bytes in a row in JSON.
pub fn bytea(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(2 + 2 * bytes.len());
    text.push_str("\\x");
    for byte in bytes {
        write!(text, "{byte:02x}").expect("a text takes any text");
    }
    text
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn any_timestamp_is_a_moment_of_whole_microseconds_or_refused(seconds: i64, nanos: i32) {
            if let Some(moment) = moment(&Timestamp { seconds, nanos }) {
                let kept = Timestamp { seconds, nanos: nanos / 1_000 * 1_000 };
                prop_assert_eq!(timestamp(moment), kept);
            }
        }

        #[test]
        fn a_moment_survives_the_wire_before_and_after_the_epoch(
            seconds in -62_135_596_800_i64..253_402_300_800, micros in 0..1_000_000_i32
        ) {
            let sent = Timestamp { seconds, nanos: micros * 1_000 };
            prop_assert_eq!(timestamp(moment(&sent).unwrap()), sent);
        }
    }

    #[test]
    fn what_is_no_moment_is_refused() {
        let at = |seconds, nanos| moment(&Timestamp { seconds, nanos });
        assert_eq!(at(i64::MAX, 0), None);
        assert_eq!(at(0, -1), None);
        assert_eq!(at(0, 1_000_000_000), None);
        // The last second before the year 1.
        assert_eq!(at(-62_135_596_801, 0), None);
    }
}

//! The present moment, and moments as people read and type them.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use time::OffsetDateTime;

use crate::exit::Failure;

/// The present moment.
#[expect(
    clippy::disallowed_methods,
    reason = "this is the edge that reads the clock"
)]
pub(crate) fn now() -> OffsetDateTime {
    OffsetDateTime::now_utc()
}

/// The time zone in which moments are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Zone {
    /// That of the structures, of their agencies and of the deadlines of the law.
    Paris,
    /// That of logs.
    Utc,
}

impl Zone {
    /// Shows a moment to the minute with its offset, so that the doubled hour in October is
    /// told apart; nothing when absent.
    pub(crate) fn show(self, moment: Option<prost_types::Timestamp>) -> String {
        let moment = moment.and_then(|at| Timestamp::new(at.seconds, 0).ok());
        let Some(moment) = moment else {
            return String::new();
        };
        match self {
            Self::Utc => moment.strftime("%Y-%m-%d %H:%MZ").to_string(),
            Self::Paris => {
                let paris = TimeZone::get("Europe/Paris").expect("the program brings its zones");
                let paris = moment.to_zoned(paris);
                paris.strftime("%Y-%m-%d %H:%M%:::z").to_string()
            }
        }
    }
}

/// Reads a moment of an option: RFC 3339, or as [`Zone::show`] writes it.
pub(crate) fn parse(flag: &str, text: &str) -> Result<prost_types::Timestamp, Failure> {
    let moment: Timestamp = text.trim().parse().map_err(|_| {
        Failure::Usage(format!(
            "{flag}: not a moment with its offset like 2026-11-02T08:00:00+01:00: {text}"
        ))
    })?;
    // Nanoseconds of a moment before 1970 count backwards in one form and forwards in the other.
    let nanos = moment.as_nanosecond();
    Ok(prost_types::Timestamp {
        seconds: i64::try_from(nanos.div_euclid(1_000_000_000)).expect("seconds of a moment fit"),
        nanos: i32::try_from(nanos.rem_euclid(1_000_000_000)).expect("below 10^9"),
    })
}

/// A moment as the wire has it.
pub(crate) fn timestamp(moment: OffsetDateTime) -> prost_types::Timestamp {
    let nanos = i32::try_from(moment.nanosecond()).expect("nanoseconds are below 10^9");
    prost_types::Timestamp {
        seconds: moment.unix_timestamp(),
        nanos,
    }
}

#[cfg(test)]
mod tests {
    use super::{Zone, parse};

    fn at(text: &str) -> prost_types::Timestamp {
        parse("--found-at", text).unwrap()
    }

    #[test]
    fn moments_are_shown_on_the_clock_of_paris_or_in_utc() {
        let cases = [
            (
                "2026-01-31T23:30:00Z",
                "2026-02-01 00:30+01",
                "2026-01-31 23:30Z",
            ),
            (
                "2026-07-14T10:05:59Z",
                "2026-07-14 12:05+02",
                "2026-07-14 10:05Z",
            ),
            // Twice three o'clock less a quarter, in summer's time and in winter's.
            (
                "2026-10-25T00:45:00Z",
                "2026-10-25 02:45+02",
                "2026-10-25 00:45Z",
            ),
            (
                "2026-10-25T01:45:00Z",
                "2026-10-25 02:45+01",
                "2026-10-25 01:45Z",
            ),
        ];
        for (moment, paris, utc) in cases {
            assert_eq!(Zone::Paris.show(Some(at(moment))), paris);
            assert_eq!(Zone::Utc.show(Some(at(moment))), utc);
        }
        assert_eq!(Zone::Paris.show(None), "");
    }

    #[test]
    fn a_moment_copied_from_a_table_can_be_typed() {
        for shown in ["2026-02-01 00:30+01", "2026-01-31 23:30Z"] {
            assert_eq!(at(shown), at("2026-01-31T23:30:00Z"), "{shown}");
        }
        assert_eq!(at("1969-12-31T23:59:59.5Z").seconds, -1);
        assert_eq!(at("1969-12-31T23:59:59.5Z").nanos, 500_000_000);
    }

    #[test]
    fn a_moment_of_no_certain_offset_is_refused() {
        for text in [
            "",
            "2026-11-02",
            "2026-11-02T08:00:00",
            "2026-11-02 08:00",
            "hier",
        ] {
            let refused = parse("--found-at", text).unwrap_err();
            assert!(refused.to_string().contains("--found-at"), "{text}");
        }
    }
}

//! Months as the observatory counts them: those of Europe/Paris.

use std::{fmt, str::FromStr, sync::LazyLock};

use jiff::tz::TimeZone;
use time::{Date, OffsetDateTime};
use vocabulary::ParseError;

/// The longest period, in months: ten years.
pub(crate) const LONGEST_PERIOD: u16 = 120;

static PARIS: LazyLock<TimeZone> =
    LazyLock::new(|| TimeZone::get("Europe/Paris").expect("the time zones are compiled in"));

/// A calendar month from the year 2000 on, in Europe/Paris.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Month {
    // Months since January of year 0: comparing and subtracting is arithmetic.
    number: u16,
}

impl Month {
    /// The month of a moment, on the clocks of Paris; nothing outside the years
    /// 2000 to 2999.
    pub(crate) fn of(moment: OffsetDateTime) -> Option<Self> {
        let moment = jiff::Timestamp::from_second(moment.unix_timestamp()).ok()?;
        let date = moment.to_zoned(PARIS.clone()).date();
        Self::new(date.year().into(), date.month().try_into().ok()?)
    }

    /// The month that a date lies in; nothing outside the years 2000 to 2999.
    pub(crate) fn of_date(date: Date) -> Option<Self> {
        Self::new(date.year(), date.month().into())
    }

    fn new(year: i32, month: u8) -> Option<Self> {
        if !(2000..3000).contains(&year) || !(1..=12).contains(&month) {
            return None;
        }
        let number = year * 12 + i32::from(month) - 1;
        u16::try_from(number).ok().map(|number| Self { number })
    }

    /// The first day, as the month is stored.
    pub(crate) fn first_day(self) -> Date {
        let month = time::Month::try_from(self.month()).expect("1 to 12");
        Date::from_calendar_date(i32::from(self.year()), month, 1).expect("every month has a first")
    }

    fn year(self) -> u16 {
        self.number / 12
    }

    fn month(self) -> u8 {
        u8::try_from(self.number % 12 + 1).expect("1 to 12")
    }

    fn minus(self, months: u16) -> Self {
        Self {
            number: self.number.saturating_sub(months),
        }
    }
}

impl fmt::Display for Month {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}", self.year(), self.month())
    }
}

impl FromStr for Month {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        let refused = || ParseError::new("month", "expected \"2026-01\", from the year 2000 on");
        let (year, month) = text.split_once('-').ok_or_else(refused)?;
        let digits = |part: &str| part.bytes().all(|b| b.is_ascii_digit());
        if year.len() != 4 || month.len() != 2 || !digits(year) || !digits(month) {
            return Err(refused());
        }
        let year = year.parse().map_err(|_| refused())?;
        let month = month.parse().map_err(|_| refused())?;
        Self::new(year, month).ok_or_else(refused)
    }
}

/// Whole months in a row, the last one included: one to 120 of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Period {
    from: Month,
    to: Month,
}

impl Period {
    /// The period of the months from `from` to `to`.
    pub(crate) fn new(from: Month, to: Month) -> Result<Self, ParseError> {
        if to < from {
            return Err(ParseError::new(
                "period",
                "its last month is before its first",
            ));
        }
        let period = Self { from, to };
        if period.length() > LONGEST_PERIOD {
            return Err(ParseError::new("period", "more than 120 months"));
        }
        Ok(period)
    }

    /// Its first month.
    pub(crate) fn from(self) -> Month {
        self.from
    }

    /// Its last month.
    pub(crate) fn to(self) -> Month {
        self.to
    }

    /// The period of the same length right before it.
    pub(crate) fn previous(self) -> Self {
        let length = self.length();
        Self {
            from: self.from.minus(length),
            to: self.to.minus(length),
        }
    }

    /// Whether it is not over at `now`, so that its figures will grow.
    pub(crate) fn is_partial(self, now: OffsetDateTime) -> bool {
        Month::of(now).is_none_or(|present| present <= self.to)
    }

    fn length(self) -> u16 {
        self.to.number - self.from.number + 1
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use time::macros::{date, datetime};

    use super::*;

    fn month(text: &str) -> Month {
        text.parse().unwrap()
    }

    fn period(from: &str, to: &str) -> Period {
        Period::new(month(from), month(to)).unwrap()
    }

    #[test]
    fn a_month_begins_at_midnight_in_paris_in_winter_and_in_summer() {
        assert_eq!(
            Month::of(datetime!(2025-12-31 22:59:59 UTC)),
            Some(month("2025-12"))
        );
        assert_eq!(
            Month::of(datetime!(2025-12-31 23:00 UTC)),
            Some(month("2026-01"))
        );
        assert_eq!(
            Month::of(datetime!(2026-06-30 21:59:59 UTC)),
            Some(month("2026-06"))
        );
        assert_eq!(
            Month::of(datetime!(2026-06-30 22:00 UTC)),
            Some(month("2026-07"))
        );
    }

    #[test]
    fn a_moment_may_be_told_in_any_offset() {
        assert_eq!(
            Month::of(datetime!(2026-01-01 00:30 +2)),
            Some(month("2025-12"))
        );
    }

    #[test]
    fn the_previous_period_has_the_same_length_and_ends_right_before() {
        assert_eq!(
            period("2026-01", "2026-12").previous(),
            period("2025-01", "2025-12")
        );
        assert_eq!(
            period("2026-01", "2026-01").previous(),
            period("2025-12", "2025-12")
        );
        assert_eq!(
            period("2026-02", "2026-04").previous(),
            period("2025-11", "2026-01")
        );
    }

    #[test]
    fn a_period_is_partial_until_its_last_month_is_over() {
        let period = period("2026-10", "2026-11");
        assert!(period.is_partial(datetime!(2026-11-23 08:00 UTC)));
        assert!(period.is_partial(datetime!(2026-11-30 22:59:59 UTC)));
        assert!(!period.is_partial(datetime!(2026-11-30 23:00 UTC)));
    }

    #[test]
    fn a_period_has_one_to_120_months() {
        assert!(Period::new(month("2026-02"), month("2026-01")).is_err());
        assert!(Period::new(month("2016-12"), month("2026-11")).is_ok());
        assert!(Period::new(month("2016-11"), month("2026-11")).is_err());
    }

    #[test]
    fn what_is_no_month_is_refused() {
        for text in [
            "",
            "2026",
            "2026-13",
            "2026-00",
            "1999-12",
            "26-01",
            "2026-1",
            "+026-01",
            "2026-01-01",
        ] {
            assert!(text.parse::<Month>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_month_is_stored_as_its_first_day() {
        assert_eq!(month("2026-11").first_day(), date!(2026 - 11 - 01));
        assert_eq!(
            Month::of_date(date!(2026 - 11 - 30)),
            Some(month("2026-11"))
        );
    }

    proptest! {
        #[test]
        fn a_month_reads_back_as_itself(year in 2000..3000, number in 1_u8..=12) {
            let month = Month::new(year, number).unwrap();
            prop_assert_eq!(month.to_string().parse::<Month>(), Ok(month));
            prop_assert_eq!(Month::of_date(month.first_day()), Some(month));
        }

        #[test]
        fn no_text_makes_the_parser_panic(text in "\\PC{0,12}") {
            let _ = text.parse::<Month>().map(Month::first_day);
        }

        #[test]
        fn no_moment_makes_the_month_panic(seconds in -377_705_116_800_i64..=253_402_300_799) {
            let moment = OffsetDateTime::from_unix_timestamp(seconds).unwrap();
            // Paris is at most two hours ahead, so that only new year's eve differs.
            let later = moment.saturating_add(time::Duration::hours(2));
            let may_be: Vec<_> = [moment, later].map(|m| Month::of_date(m.date())).into();
            prop_assert!(may_be.contains(&Month::of(moment)));
        }
    }
}

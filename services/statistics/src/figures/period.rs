//! Periods as the observatory counts them: whole months of Europe/Paris.

use std::{fmt, ops::RangeInclusive, str::FromStr};

use time::{Date, OffsetDateTime};
use vocabulary::ParseError;

use crate::facts::day_in_paris;

/// The longest period, in months: ten years.
const LONGEST_PERIOD: u16 = 120;

/// A calendar month from the year 2000 on, in Europe/Paris.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Month {
    // Months since January of year 0: comparing and subtracting is arithmetic.
    number: u16,
}

impl Month {
    /// The month that a day lies in; nothing outside the years 2000 to 2999.
    fn of_date(date: Date) -> Option<Self> {
        Self::new(date.year(), date.month().into())
    }

    fn new(year: i32, month: u8) -> Option<Self> {
        if !(2000..3000).contains(&year) || !(1..=12).contains(&month) {
            return None;
        }
        let number = year * 12 + i32::from(month) - 1;
        u16::try_from(number).ok().map(|number| Self { number })
    }

    fn first_day(self) -> Date {
        self.day(1)
    }

    fn last_day(self) -> Date {
        self.day(u8::MAX)
    }

    /// This day of the month, or its last one where it has fewer.
    fn day(self, day: u8) -> Date {
        let year = i32::from(self.year());
        let month = time::Month::try_from(self.month()).expect("1 to 12");
        let day = day.clamp(1, month.length(year));
        Date::from_calendar_date(year, month, day).expect("the month has that day")
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
pub(super) struct Period {
    from: Month,
    to: Month,
}

impl Period {
    /// The period of the months from `from` to `to`.
    pub(super) fn new(from: Month, to: Month) -> Result<Self, ParseError> {
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
    pub(super) fn from(self) -> Month {
        self.from
    }

    /// Its last month.
    pub(super) fn to(self) -> Month {
        self.to
    }

    /// All its days.
    pub(super) fn days(self) -> RangeInclusive<Date> {
        self.from.first_day()..=self.to.last_day()
    }

    fn length(self) -> u16 {
        self.to.number - self.from.number + 1
    }

    fn earlier(self, months: u16) -> Self {
        Self {
            from: self.from.minus(months),
            to: self.to.minus(months),
        }
    }
}

/// The days of a period that are counted: all of them, or those up to a day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Span {
    period: Period,
    to_day: Option<Date>,
}

impl Span {
    /// The days of a period that have begun at `now`: a period that is not over is counted
    /// up to this day.
    pub(super) fn until(now: OffsetDateTime, period: Period) -> Self {
        let present = day_in_paris(now);
        let to_day = present.filter(|day| *day <= period.to.last_day());
        Self { period, to_day }
    }

    /// The same days of the period of the same length right before.
    pub(super) fn previous(self) -> Self {
        self.earlier(self.period.length())
    }

    /// The same days of the period a year before.
    pub(super) fn year_before(self) -> Self {
        self.earlier(12)
    }

    /// The period that they are of.
    pub(super) fn period(self) -> Period {
        self.period
    }

    /// The last day that is counted, where the period is counted in part.
    pub(super) fn to_day(self) -> Option<Date> {
        self.to_day
    }

    /// The days that are counted.
    pub(super) fn days(self) -> RangeInclusive<Date> {
        let last = self.to_day.unwrap_or_else(|| self.period.to.last_day());
        self.period.from.first_day()..=last
    }

    /// Whether the period is not over, so that its figures will grow.
    pub(super) fn is_partial(self) -> bool {
        self.to_day.is_some()
    }

    fn earlier(self, months: u16) -> Self {
        let day = |to_day: Date| {
            let month = Month::of_date(to_day)?.minus(months);
            Some(month.day(to_day.day()))
        };
        Self {
            period: self.period.earlier(months),
            to_day: self.to_day.and_then(day),
        }
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

    /// The first and last days that are counted of a period at a moment, of the one before
    /// and of the one a year before.
    fn compared(from: &str, to: &str, now: OffsetDateTime) -> [(Date, Date); 3] {
        let span = Span::until(now, period(from, to));
        [span, span.previous(), span.year_before()].map(|span| span.days().into_inner())
    }

    #[test]
    fn a_period_is_compared_with_the_one_right_before_and_the_one_a_year_before() {
        let later = datetime!(2027-03-01 12:00 UTC);
        assert_eq!(
            compared("2026-02", "2026-04", later),
            [
                (date!(2026 - 02 - 01), date!(2026 - 04 - 30)),
                (date!(2025 - 11 - 01), date!(2026 - 01 - 31)),
                (date!(2025 - 02 - 01), date!(2025 - 04 - 30)),
            ]
        );
        assert_eq!(
            compared("2025-01", "2025-12", later)[1..],
            [(date!(2024 - 01 - 01), date!(2024 - 12 - 31)); 2]
        );
    }

    #[test]
    fn a_period_that_is_not_over_is_compared_with_the_same_days_of_the_others() {
        assert_eq!(
            compared("2026-10", "2026-11", datetime!(2026-11-23 08:00 UTC)),
            [
                (date!(2026 - 10 - 01), date!(2026 - 11 - 23)),
                (date!(2026 - 08 - 01), date!(2026 - 09 - 23)),
                (date!(2025 - 10 - 01), date!(2025 - 11 - 23)),
            ]
        );
        // February has no 31st, and its 29th no counterpart in most years.
        assert_eq!(
            compared("2026-03", "2026-03", datetime!(2026-03-31 08:00 UTC))[1],
            (date!(2026 - 02 - 01), date!(2026 - 02 - 28))
        );
        assert_eq!(
            compared("2024-02", "2024-02", datetime!(2024-02-29 08:00 UTC))[2],
            (date!(2023 - 02 - 01), date!(2023 - 02 - 28))
        );
    }

    #[test]
    fn a_period_is_partial_until_its_last_month_is_over_in_paris() {
        let at = |now| Span::until(now, period("2026-10", "2026-11"));
        assert!(at(datetime!(2026-11-23 08:00 UTC)).is_partial());
        assert!(at(datetime!(2026-11-30 22:59:59 UTC)).is_partial());
        assert!(!at(datetime!(2026-11-30 23:00 UTC)).is_partial());
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
    }
}

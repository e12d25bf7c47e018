//! The working hours of the cell.

use jiff::{Span, Timestamp, civil, tz::TimeZone};
use time::{Date, Month, OffsetDateTime};

use crate::french_public_holidays;

const OPENS: i8 = 9;
const CLOSES: i8 = 18;

/// Whether the cell works at a moment: Monday to Friday, 9h to 18h in
/// Europe/Paris, public holidays left out (leaflet of the ACSS cell; structures
/// overseas keep the metropolitan clock). Outside, the one on call is told.
pub fn is_working_time(moment: OffsetDateTime) -> bool {
    let local = in_paris(moment);
    is_working_day(local.date()) && (OPENS..CLOSES).contains(&local.hour())
}

/// The first working moment at or after a moment.
pub fn next_working_time(moment: OffsetDateTime) -> OffsetDateTime {
    if is_working_time(moment) {
        return moment;
    }
    let local = in_paris(moment);
    let mut day = local.date();
    if local.hour() >= OPENS {
        day = day.tomorrow().expect("the calendar goes on");
    }
    while !is_working_day(day) {
        day = day.tomorrow().expect("the calendar goes on");
    }
    let opening = day
        .at(OPENS, 0, 0, 0)
        .to_zoned(paris())
        .expect("9h exists every day in Paris");
    OffsetDateTime::from_unix_timestamp(opening.timestamp().as_second())
        .expect("a moment of the calendar fits")
}

/// The day of a moment in Europe/Paris, by which the suite counts years and days.
pub fn paris_date(moment: OffsetDateTime) -> Date {
    date(in_paris(moment).date()).expect("a day of one calendar is a day of the other")
}

/// A moment as people write it in Europe/Paris, "23/11/2026 10:00 (UTC+01:00)": the offset
/// tells the two hours apart that October has twice.
pub fn paris_time(moment: OffsetDateTime) -> String {
    let local = in_paris(moment);
    local.strftime("%d/%m/%Y %H:%M (UTC%:z)").to_string()
}

/// The same time of the day so many months later in Europe/Paris, on the same day or, where
/// the month has no such day, on its last; `None` beyond the calendar.
pub(crate) fn months_after(moment: OffsetDateTime, months: u32) -> Option<OffsetDateTime> {
    let later = in_paris(moment)
        .checked_add(Span::new().try_months(months).ok()?)
        .ok()?;
    let later = OffsetDateTime::from_unix_timestamp(later.timestamp().as_second()).ok()?;
    later.replace_nanosecond(moment.nanosecond()).ok()
}

fn is_working_day(day: civil::Date) -> bool {
    use civil::Weekday::{Saturday, Sunday};

    let holiday = date(day).is_some_and(|date| french_public_holidays(date.year()).contains(&date));
    !matches!(day.weekday(), Saturday | Sunday) && !holiday
}

fn date(day: civil::Date) -> Option<Date> {
    let month = Month::try_from(u8::try_from(day.month()).ok()?).ok()?;
    let number = u8::try_from(day.day()).ok()?;
    Date::from_calendar_date(i32::from(day.year()), month, number).ok()
}

fn in_paris(moment: OffsetDateTime) -> jiff::Zoned {
    let timestamp =
        Timestamp::from_second(moment.unix_timestamp()).expect("a moment of the calendar fits");
    timestamp.to_zoned(paris())
}

fn paris() -> TimeZone {
    TimeZone::get("Europe/Paris").expect("the time zones are compiled in")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;
    use time::macros::{date, datetime};

    use super::*;

    #[rstest]
    #[case::monday_morning(datetime!(2026-11-23 08:00 UTC), true)]
    #[case::monday_before_opening(datetime!(2026-11-23 07:59:59 UTC), false)]
    #[case::monday_last_second(datetime!(2026-11-23 16:59:59 UTC), true)]
    #[case::monday_closing(datetime!(2026-11-23 17:00 UTC), false)]
    #[case::summer_opening(datetime!(2026-07-15 07:00 UTC), true)]
    #[case::summer_closing(datetime!(2026-07-15 16:00 UTC), false)]
    #[case::last_friday_of_winter(datetime!(2026-03-27 08:00 UTC), true)]
    #[case::first_monday_of_summer(datetime!(2026-03-30 07:00 UTC), true)]
    #[case::first_monday_of_winter(datetime!(2026-10-26 07:30 UTC), false)]
    #[case::saturday(datetime!(2026-11-21 10:00 UTC), false)]
    #[case::labour_day(datetime!(2026-05-01 10:00 UTC), false)]
    #[case::easter_monday(datetime!(2026-04-06 10:00 UTC), false)]
    #[case::ascension(datetime!(2026-05-14 10:00 UTC), false)]
    #[case::whit_monday(datetime!(2026-05-25 10:00 UTC), false)]
    #[case::christmas(datetime!(2026-12-25 10:00 UTC), false)]
    #[case::new_year_in_paris_alone(datetime!(2025-12-31 23:30 UTC), false)]
    fn the_cell_keeps_the_published_hours(#[case] moment: OffsetDateTime, #[case] working: bool) {
        assert_eq!(is_working_time(moment), working);
    }

    #[rstest]
    #[case::winter(datetime!(2026-12-31 22:59:59 UTC), date!(2026-12-31))]
    #[case::new_year(datetime!(2026-12-31 23:00 UTC), date!(2027-01-01))]
    #[case::summer(datetime!(2026-07-14 22:00 UTC), date!(2026-07-15))]
    fn a_day_begins_when_it_does_in_paris(#[case] moment: OffsetDateTime, #[case] day: Date) {
        assert_eq!(paris_date(moment), day);
    }

    #[rstest]
    #[case::winter(datetime!(2026-11-23 09:00 UTC), "23/11/2026 10:00 (UTC+01:00)")]
    #[case::doubled_hour_first(datetime!(2026-10-25 00:30 UTC), "25/10/2026 02:30 (UTC+02:00)")]
    #[case::doubled_hour_again(datetime!(2026-10-25 01:30 UTC), "25/10/2026 02:30 (UTC+01:00)")]
    fn a_moment_is_written_with_its_offset(#[case] moment: OffsetDateTime, #[case] text: &str) {
        assert_eq!(paris_time(moment), text);
    }

    #[rstest]
    #[case::tonight(datetime!(2026-11-23 20:00 UTC), datetime!(2026-11-24 08:00 UTC))]
    #[case::over_the_weekend(datetime!(2026-11-20 20:00 UTC), datetime!(2026-11-23 08:00 UTC))]
    #[case::over_christmas(datetime!(2026-12-24 20:00 UTC), datetime!(2026-12-28 08:00 UTC))]
    #[case::into_summer_time(datetime!(2026-03-28 12:00 UTC), datetime!(2026-03-30 07:00 UTC))]
    #[case::early(datetime!(2026-11-23 03:00 UTC), datetime!(2026-11-23 08:00 UTC))]
    fn work_begins_again_at_nine_of_the_next_working_day(
        #[case] moment: OffsetDateTime,
        #[case] opening: OffsetDateTime,
    ) {
        assert_eq!(next_working_time(moment), opening);
    }

    proptest! {
        #[test]
        fn the_next_working_time_is_one_and_not_before(seconds in 1_000_000_000_i64..4_000_000_000) {
            let moment = OffsetDateTime::from_unix_timestamp(seconds).unwrap();
            let next = next_working_time(moment);
            prop_assert!(next >= moment);
            prop_assert!(is_working_time(next));
        }
    }
}

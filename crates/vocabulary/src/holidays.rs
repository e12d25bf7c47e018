//! French public holidays.

use time::{Date, Duration, Month};

/// The eleven public holidays of France in a year (art. L.3133-1 of the labour
/// code). Alsace-Moselle and overseas have more; the cell keeps these.
pub fn french_public_holidays(year: i32) -> [Date; 11] {
    let fixed = |month, day| {
        Date::from_calendar_date(year, month, day).expect("these days are in every year")
    };
    let easter = easter_sunday(year);
    [
        fixed(Month::January, 1),
        easter + Duration::days(1),
        fixed(Month::May, 1),
        fixed(Month::May, 8),
        easter + Duration::days(39),
        easter + Duration::days(50),
        fixed(Month::July, 14),
        fixed(Month::August, 15),
        fixed(Month::November, 1),
        fixed(Month::November, 11),
        fixed(Month::December, 25),
    ]
}

/// Easter Sunday of the Gregorian calendar, by the anonymous computus (Meeus).
#[expect(
    clippy::many_single_char_names,
    reason = "the names of the published algorithm"
)]
fn easter_sunday(year: i32) -> Date {
    let a = year % 19;
    let (b, c) = (year / 100, year % 100);
    let (d, e) = (b / 4, b % 4);
    let f = (b + 8) / 25;
    let g = (b - f + 1) / 3;
    let h = (19 * a + b - d - g + 15) % 30;
    let (i, k) = (c / 4, c % 4);
    let l = (32 + 2 * e + 2 * i - h - k) % 7;
    let m = (a + 11 * h + 22 * l) / 451;
    let n = h + l - 7 * m + 114;
    let month = if n / 31 == 3 {
        Month::March
    } else {
        Month::April
    };
    let day = u8::try_from(n % 31 + 1).expect("a day of the month");
    Date::from_calendar_date(year, month, day).expect("Easter is a day of March or April")
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use time::macros::date;

    use super::*;

    #[rstest]
    #[case(date!(2019 - 04 - 21))]
    #[case(date!(2024 - 03 - 31))]
    #[case(date!(2025 - 04 - 20))]
    #[case(date!(2026 - 04 - 05))]
    #[case(date!(2038 - 04 - 25))]
    fn easter_falls_on_its_day(#[case] easter: Date) {
        assert_eq!(easter_sunday(easter.year()), easter);
    }

    #[test]
    fn the_holidays_of_2026_are_those_of_the_calendar() {
        assert_eq!(
            french_public_holidays(2026),
            [
                date!(2026 - 01 - 01),
                date!(2026 - 04 - 06),
                date!(2026 - 05 - 01),
                date!(2026 - 05 - 08),
                date!(2026 - 05 - 14),
                date!(2026 - 05 - 25),
                date!(2026 - 07 - 14),
                date!(2026 - 08 - 15),
                date!(2026 - 11 - 01),
                date!(2026 - 11 - 11),
                date!(2026 - 12 - 25),
            ]
        );
    }
}

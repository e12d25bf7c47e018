//! Numbers as pages and office programs hand them over: cleaned first, then judged.

use uuid::Uuid;

use crate::{
    ParseError,
    character::{is_blank, is_dash, is_ignorable},
};

/// The most zeros that a number begins with and a spreadsheet takes away.
const MAX_LEADING_ZEROS: usize = 2;

/// Leaves out blanks, hyphens, marks of direction and zero-width characters of any
/// kind, and takes full-width characters for what they stand for.
pub(crate) fn compact(text: &str) -> String {
    text.chars()
        .filter(|&c| !is_blank(c) && !is_dash(c) && !is_ignorable(c))
        .map(narrow)
        .collect()
}

/// The ASCII character that a full-width one stands for, or the character itself.
pub(crate) fn narrow(c: char) -> char {
    const TO_ASCII: u32 = 0xfee0;
    match c {
        '\u{ff01}'..='\u{ff5e}' => char::from_u32(u32::from(c) - TO_ASCII).unwrap_or(c),
        c => c,
    }
}

/// A number alone, in capitals: without the punctuation that stands around it, such as
/// the full stop of a sentence or the apostrophe of a spreadsheet.
pub(crate) fn number(text: &str) -> String {
    let compact = compact(text);
    let number = compact.trim_matches(|c: char| !c.is_alphanumeric());
    number.to_ascii_uppercase()
}

/// Parses a pasted number. One that does not fit because of a spreadsheet is refused
/// with that cause, `SPREADSHEET_NOTATION` or `LOST_LEADING_ZERO`; `sound` says whether
/// a number that fits again with its zeros is likely meant.
pub(crate) fn parse<T>(
    text: &str,
    fit: fn(&str) -> Result<T, ParseError>,
    sound: fn(&T) -> bool,
) -> Result<T, ParseError> {
    let number = number(text);
    fit(&number).map_err(|refused| {
        let completed = |zeros| fit(&["0".repeat(zeros), number.clone()].concat());
        if is_spreadsheet_number(&number) {
            spreadsheet_notation(refused)
        } else if starts_without_zero(&number)
            && (1..=MAX_LEADING_ZEROS).any(|zeros| completed(zeros).is_ok_and(|n| sound(&n)))
        {
            lost_leading_zero(refused)
        } else {
            refused
        }
    })
}

/// Parses a pasted UUID.
pub fn parse_uuid(text: &str) -> Result<Uuid, ParseError> {
    Uuid::try_parse(&number(text)).map_err(|_| {
        ParseError::new("UUID", "not 32 hexadecimal digits")
            .because("BAD_FORMAT", "un UUID est attendu")
    })
}

/// Refuses a number whose zeros a spreadsheet took away.
pub(crate) fn lost_leading_zero(refused: ParseError) -> ParseError {
    refused.because(
        "LOST_LEADING_ZERO",
        "ce numéro a perdu son zéro initial, sans doute dans un tableur",
    )
}

/// Refuses a number that a spreadsheet rounded.
pub(crate) fn spreadsheet_notation(refused: ParseError) -> ParseError {
    refused.because(
        "SPREADSHEET_NOTATION",
        "un tableur a écrit ce numéro comme une quantité : mettre la colonne au format texte",
    )
}

/// Whether a compact number is written as a quantity: "2,60100E+13" or "26010004500012.0".
pub(crate) fn is_spreadsheet_number(number: &str) -> bool {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if let Some((mantissa, exponent)) = number.split_once(['E', 'e']) {
        let exponent = exponent.trim_start_matches('+');
        let (whole, fraction) = mantissa.split_once(['.', ',']).unwrap_or((mantissa, "0"));
        return digits(whole) && digits(fraction) && digits(exponent) && exponent.len() <= 2;
    }
    number
        .split_once(['.', ','])
        .is_some_and(|(whole, fraction)| digits(whole) && matches!(fraction, "0" | "00"))
}

fn starts_without_zero(number: &str) -> bool {
    number.bytes().all(|byte| byte.is_ascii_digit()) && !number.starts_with('0')
}

#[cfg(test)]
pub(crate) mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    /// What pages and office programs put into numbers.
    const IGNORED: &[char] = &[
        ' ', '\t', '\n', '\r', '\u{a0}', '\u{2007}', '\u{2009}', '\u{202f}', '\u{3000}',
        '\u{2800}', '-', '\u{2010}', '\u{2011}', '\u{2012}', '\u{2013}', '\u{2014}', '\u{2015}',
        '\u{2212}', '\u{fe63}', '\u{ff0d}', '\u{200b}', '\u{200c}', '\u{200d}', '\u{200e}',
        '\u{200f}', '\u{202a}', '\u{202c}', '\u{202e}', '\u{2060}', '\u{2066}', '\u{2069}',
        '\u{61c}', '\u{ad}', '\u{feff}',
    ];

    /// A number with such characters anywhere in it.
    pub(crate) fn sprinkled(number: String) -> impl Strategy<Value = String> {
        let after = prop::collection::vec(prop::sample::select(IGNORED), 0..3);
        prop::collection::vec(after, number.chars().count() + 1).prop_map(move |ignored| {
            let mut characters = number.chars();
            ignored
                .into_iter()
                .flat_map(|ignored| ignored.into_iter().chain(characters.next()))
                .collect::<String>()
        })
    }

    #[rstest]
    #[case("2,60100E+13", true)]
    #[case("2.601e13", true)]
    #[case("1E+07", true)]
    #[case("26010004500012.0", true)]
    #[case("26010004500012,00", true)]
    #[case("26010004500012", false)]
    #[case("1E345", false)]
    #[case("E+13", false)]
    #[case("1.2.3", false)]
    #[case("1E", false)]
    #[case("", false)]
    fn quantities_of_a_spreadsheet_are_known(#[case] number: &str, #[case] expected: bool) {
        assert_eq!(is_spreadsheet_number(number), expected);
    }

    #[test]
    fn what_a_spreadsheet_puts_around_a_text_goes() {
        assert_eq!(number("=\"010000024\""), "010000024");
        assert_eq!(number("'010000024"), "010000024");
        assert_eq!(number("（０１０ ０００ ０２４）．"), "010000024");
    }

    proptest! {
        #[test]
        fn a_clean_number_is_left_as_it_is(text in any::<String>()) {
            let clean = number(&text);
            prop_assert_eq!(number(&clean), clean);
        }
    }

    proptest! {
        #[test]
        fn a_uuid_is_read_whatever_is_sprinkled_over_it(
            (uuid, text) in any::<u128>().prop_flat_map(|number| {
                let uuid = Uuid::from_u128(number);
                (Just(uuid), sprinkled(uuid.to_string()))
            }),
        ) {
            prop_assert_eq!(parse_uuid(&text), Ok(uuid));
        }
    }
}

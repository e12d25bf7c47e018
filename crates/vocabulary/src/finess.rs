//! The number of the national directory of health structures.

use std::fmt;
use std::str::FromStr;

use crate::{Department, ParseError, as_text::serde_as_text, luhn, pasted};

const WHAT: &str = "FINESS number";

/// A FINESS number, of a site (ET) or of a legal entity (EJ): nine characters,
/// two of department, the last one a Luhn key in which A counts 1 and B counts 2
/// (verified on the 6,147 numbers of the DREES SAE 2022 file).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Finess([u8; Finess::LENGTH]);

impl Finess {
    /// How many characters it has.
    pub const LENGTH: usize = 9;

    /// The number as text.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).expect("a FINESS number is ASCII")
    }

    /// The department that its prefix names, where it names one. The directory
    /// has the last word: a prefix stays when a structure moves.
    pub fn department(&self) -> Option<Department> {
        let text = self.as_str();
        match &text[..2] {
            // Overseas: 97 and the two last digits of the department's rank; Mayotte is 98.
            "97" => format!("97{}", &text[3..4])
                .parse()
                .ok()
                .filter(|_| &text[2..3] == "0"),
            "98" => "976".parse().ok(),
            prefix => prefix.parse().ok(),
        }
    }
}

fn digit(byte: u8) -> u8 {
    match byte {
        b'A' => 1,
        b'B' => 2,
        digit => digit - b'0',
    }
}

/// Reads a number that stands alone.
fn fit(text: &str) -> Result<Finess, ParseError> {
    let refused = |why| {
        ParseError::new(WHAT, why).because("BAD_FORMAT", "un numéro FINESS compte 9 caractères")
    };
    let bytes: [u8; Finess::LENGTH] = text
        .as_bytes()
        .try_into()
        .map_err(|_| refused("must have 9 characters"))?;
    let corsican = bytes[0] == b'2' && matches!(bytes[1], b'A' | b'B');
    let digits_from = if corsican { 2 } else { 0 };
    if !bytes[digits_from..].iter().all(u8::is_ascii_digit) {
        return Err(refused("must be digits, or begin with 2A or 2B"));
    }
    if luhn::remainder(bytes.iter().copied().map(digit)) != 0 {
        return Err(ParseError::new(WHAT, "its key is wrong")
            .because("BAD_KEY", "la clé de ce numéro FINESS est fausse"));
    }
    Ok(Finess(bytes))
}

impl FromStr for Finess {
    type Err = ParseError;

    /// Reads a number as it was pasted. Fails with the reason `BAD_FORMAT`, `BAD_KEY`,
    /// `LOST_LEADING_ZERO` or `SPREADSHEET_NOTATION`.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        pasted::parse(text, fit, |_| true)
    }
}

impl fmt::Display for Finess {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl fmt::Debug for Finess {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

serde_as_text!(Finess);

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::pasted::tests::sprinkled;

    /// The number whose body is `body`, its key computed by trying all ten.
    fn with_key(body: &str) -> Finess {
        (0..10)
            .find_map(|key| format!("{body}{key}").parse().ok())
            .expect("one key of ten fits")
    }

    #[test]
    fn real_numbers_are_read_and_the_published_bad_one_is_refused() {
        for number in [
            "010000024",
            "010780054",
            "340782085",
            "2A0000014",
            "2B0000012",
        ] {
            assert_eq!(number.parse::<Finess>().unwrap().to_string(), number);
        }
        assert!("080000111".parse::<Finess>().is_err());
    }

    #[test]
    fn a_number_tells_its_department() {
        let department = |number: &str| with_key(number).department().map(|d| d.to_string());
        assert_eq!(department("01000002"), Some("01".to_owned()));
        assert_eq!(department("2A000001"), Some("2A".to_owned()));
        assert_eq!(department("97040001"), Some("974".to_owned()));
        assert_eq!(department("98050001"), Some("976".to_owned()));
        assert_eq!(department("99000001"), None);
    }

    #[test]
    fn the_cause_of_a_wrong_number_is_named() {
        let reason = |number: &str| number.parse::<Finess>().unwrap_err().reason;
        assert_eq!(reason("10000024"), "LOST_LEADING_ZERO");
        assert_eq!(reason("1,0000E+07"), "SPREADSHEET_NOTATION");
        assert_eq!(reason("10000024.0"), "SPREADSHEET_NOTATION");
        assert_eq!(reason("10000025"), "BAD_FORMAT");
        assert_eq!(reason("010000025"), "BAD_KEY");
        assert_eq!(reason("2C0000014"), "BAD_FORMAT");
    }

    #[test]
    fn lower_case_letters_are_taken_for_capitals() {
        assert_eq!(
            "2a0000014".parse::<Finess>().unwrap().to_string(),
            "2A0000014"
        );
    }

    proptest! {
        #[test]
        fn one_key_of_ten_fits_and_any_changed_digit_is_found(
            body in "[0-9]{8}|2[AB][0-9]{6}", place in 2_usize..9, other in 0_u8..10,
        ) {
            let number = with_key(&body);
            let mut changed = number.to_string().into_bytes();
            prop_assume!(changed[place] != b'0' + other);
            changed[place] = b'0' + other;
            prop_assert!(std::str::from_utf8(&changed).unwrap().parse::<Finess>().is_err());
        }

        #[test]
        fn a_number_is_read_whatever_is_sprinkled_over_it(
            (number, text) in "[0-9]{8}|2[AB][0-9]{6}"
                .prop_map(|body| with_key(&body).to_string())
                .prop_flat_map(|number| (Just(number.clone()), sprinkled(number)))
        ) {
            prop_assert_eq!(text.parse::<Finess>().unwrap().to_string(), number);
        }

        #[test]
        fn no_text_makes_it_panic(text in any::<String>()) {
            if let Ok(number) = text.parse::<Finess>() {
                prop_assert_eq!(number.as_str().parse::<Finess>().unwrap(), number);
            }
        }
    }
}

//! The number of an establishment in the national register of companies.

use std::fmt;
use std::str::FromStr;

use crate::{ParseError, as_text::serde_as_text, luhn, pasted};

const WHAT: &str = "SIRET number";

/// The SIREN of La Poste, whose establishments follow a key of their own.
const LA_POSTE: &[u8] = b"356000000";

/// A SIRET: 14 characters, SIREN and rank of the establishment. Those of Monaco
/// may hold letters.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Siret([u8; Siret::LENGTH]);

impl Siret {
    /// How many characters it has.
    pub const LENGTH: usize = 14;

    /// The number as text.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).expect("a SIRET number is ASCII")
    }

    /// Whether its key is right. One real number of 3,948 has a wrong one (DREES
    /// SAE 2022), so a wrong key is a warning, never a refusal.
    pub fn has_valid_key(&self) -> bool {
        if !self.0.iter().all(u8::is_ascii_digit) {
            return true;
        }
        let digits = self.0.iter().map(|byte| byte - b'0');
        if self.0.starts_with(LA_POSTE) && luhn::remainder(digits.clone()) != 0 {
            return digits.map(u32::from).sum::<u32>() % 5 == 0;
        }
        luhn::remainder(digits) == 0
    }
}

/// Reads a number that stands alone.
fn fit(text: &str) -> Result<Siret, ParseError> {
    let refused =
        |why| ParseError::new(WHAT, why).because("BAD_FORMAT", "un SIRET compte 14 chiffres");
    let bytes: [u8; Siret::LENGTH] = text
        .as_bytes()
        .try_into()
        .map_err(|_| refused("must have 14 characters"))?;
    let monegasque = bytes.starts_with(b"MONACO") && bytes.iter().all(u8::is_ascii_alphanumeric);
    if !monegasque && !bytes.iter().all(u8::is_ascii_digit) {
        return Err(refused("must be digits"));
    }
    Ok(Siret(bytes))
}

impl FromStr for Siret {
    type Err = ParseError;

    /// Reads a number as it was pasted. Fails with the reason `BAD_FORMAT`,
    /// `LOST_LEADING_ZERO` or `SPREADSHEET_NOTATION`.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        pasted::parse(text, fit, Self::has_valid_key)
    }
}

/// Whether a text is a SIREN: the nine digits of a company as a whole.
pub fn is_siren(text: &str) -> bool {
    let number = pasted::number(text);
    number.len() == 9 && number.bytes().all(|byte| byte.is_ascii_digit())
}

impl fmt::Display for Siret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl fmt::Debug for Siret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

serde_as_text!(Siret);

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;
    use crate::pasted::tests::sprinkled;

    #[rstest]
    #[case::hospital("26010004500012", true)]
    #[case::wrong_key("26010004500013", false)]
    #[case::head_office_of_la_poste("35600000000048", true)]
    #[case::post_office_by_sum_of_five("35600000000051", true)]
    #[case::post_office_by_neither_sum("35600000000005", false)]
    #[case::monaco("MONACOCONFO001", true)]
    fn the_key_is_checked_as_the_register_does(#[case] number: &str, #[case] valid: bool) {
        assert_eq!(number.parse::<Siret>().unwrap().has_valid_key(), valid);
    }

    #[rstest]
    #[case("2601000450001")]
    #[case("260100045000123")]
    #[case("2601000450001X")]
    #[case("")]
    fn another_form_is_refused(#[case] number: &str) {
        assert!(number.parse::<Siret>().is_err());
    }

    #[rstest]
    #[case::the_format_of_a_register("356 000 000 09075", "35600000009075")]
    #[case::no_break_spaces("356\u{a0}000\u{202f}000\u{2007}09075\u{a0}", "35600000009075")]
    #[case::monaco("Monaco confo 001", "MONACOCONFO001")]
    fn a_number_is_read_as_it_is_pasted(#[case] text: &str, #[case] number: &str) {
        assert_eq!(text.parse::<Siret>().unwrap().as_str(), number);
    }

    #[rstest]
    #[case("2,60100E+13", "SPREADSHEET_NOTATION")]
    #[case("26010004500012.0", "SPREADSHEET_NOTATION")]
    #[case("2601000450001", "BAD_FORMAT")]
    // 005520135 00038: the SIREN begins with two zeros.
    #[case("552013500038", "LOST_LEADING_ZERO")]
    fn the_cause_of_a_wrong_number_is_named(#[case] number: &str, #[case] reason: &str) {
        assert_eq!(number.parse::<Siret>().unwrap_err().reason, reason);
    }

    proptest! {
        #[test]
        fn a_number_is_read_whatever_is_sprinkled_over_it(
            (number, text) in "[0-9]{14}|MONACO[0-9A-Z]{8}"
                .prop_flat_map(|number| (Just(number.clone()), sprinkled(number)))
        ) {
            prop_assert_eq!(text.parse::<Siret>().unwrap().to_string(), number);
        }

        #[test]
        fn no_text_makes_it_panic(text in any::<String>()) {
            let _: Result<Siret, _> = text.parse();
        }
    }
}

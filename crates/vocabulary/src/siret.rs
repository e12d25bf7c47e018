//! The number of an establishment in the national register of companies.

use std::fmt;
use std::str::FromStr;

use crate::{ParseError, as_text::serde_as_text, luhn};

const WHAT: &str = "SIRET number";

/// The SIREN of La Poste, whose establishments follow a key of their own.
const LA_POSTE: &[u8] = b"356000000";

/// A SIRET: 14 characters, SIREN and rank of the establishment. Those of Monaco
/// may hold letters.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Siret([u8; 14]);

impl Siret {
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

impl FromStr for Siret {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut bytes: [u8; 14] = text
            .as_bytes()
            .try_into()
            .map_err(|_| ParseError::new(WHAT, "must have 14 characters"))?;
        bytes.make_ascii_uppercase();
        let monegasque =
            bytes.starts_with(b"MONACO") && bytes.iter().all(u8::is_ascii_alphanumeric);
        if !monegasque && !bytes.iter().all(u8::is_ascii_digit) {
            return Err(ParseError::new(WHAT, "must be digits"));
        }
        Ok(Self(bytes))
    }
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
    use rstest::rstest;

    use super::*;

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
}

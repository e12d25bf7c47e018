//! The number of a health professional in the shared national register.

use std::fmt;
use std::str::FromStr;

use crate::{ParseError, as_text::serde_as_text, luhn, pasted};

const WHAT: &str = "RPPS number";

/// An RPPS: 11 digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Rpps([u8; Rpps::LENGTH]);

impl Rpps {
    /// How many digits it has.
    pub const LENGTH: usize = 11;

    /// The number as text.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).expect("an RPPS number is ASCII")
    }

    /// Whether its Luhn key is right. The key is probable, not published, so a
    /// wrong one is a warning, never a refusal.
    pub fn has_valid_key(&self) -> bool {
        luhn::remainder(self.0.iter().map(|byte| byte - b'0')) == 0
    }
}

/// Reads a number that stands alone.
fn fit(text: &str) -> Result<Rpps, ParseError> {
    let bytes: Option<[u8; Rpps::LENGTH]> = text.as_bytes().try_into().ok();
    bytes
        .filter(|bytes| bytes.iter().all(u8::is_ascii_digit))
        .map(Rpps)
        .ok_or_else(|| {
            ParseError::new(WHAT, "must have 11 digits")
                .because("BAD_FORMAT", "un numéro RPPS compte 11 chiffres")
        })
}

impl FromStr for Rpps {
    type Err = ParseError;

    /// Reads a number as it was pasted. Fails with the reason `BAD_FORMAT` or
    /// `SPREADSHEET_NOTATION`; no number begins with a zero.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        pasted::parse(text, fit, |_| false)
    }
}

impl fmt::Display for Rpps {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl fmt::Debug for Rpps {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

serde_as_text!(Rpps);

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::pasted::tests::sprinkled;

    #[test]
    fn the_form_is_hard_and_the_key_is_soft() {
        assert!("1010120123".parse::<Rpps>().is_err());
        assert!("1010120123X".parse::<Rpps>().is_err());
        assert!(!"10000000100".parse::<Rpps>().unwrap().has_valid_key());
        let right = (0..10).filter(|key| {
            format!("1010120123{key}")
                .parse::<Rpps>()
                .unwrap()
                .has_valid_key()
        });
        assert_eq!(right.count(), 1);
    }

    proptest! {
        #[test]
        fn a_number_is_read_whatever_is_sprinkled_over_it(
            (number, text) in "[0-9]{11}"
                .prop_flat_map(|number| (Just(number.clone()), sprinkled(number)))
        ) {
            prop_assert_eq!(text.parse::<Rpps>().unwrap().to_string(), number);
        }

        #[test]
        fn no_text_makes_it_panic(text in any::<String>()) {
            let _: Result<Rpps, _> = text.parse();
        }
    }
}

//! Free text within bounds.

use std::fmt;

use crate::ParseError;

/// A text of `MIN` to `MAX` characters, trimmed, without control characters but
/// line breaks and tabulations.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Text<const MIN: usize, const MAX: usize>(String);

impl<const MIN: usize, const MAX: usize> Text<MIN, MAX> {
    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Gives the text away.
    pub fn into_string(self) -> String {
        self.0
    }
}

/// Why a text is refused.
const TOO_SHORT: &str = "too short";
const TOO_LONG: &str = "too long";
const CONTROL: &str = "has control characters";

impl<const MIN: usize, const MAX: usize> TryFrom<String> for Text<MIN, MAX> {
    type Error = ParseError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let trimmed = text.trim();
        let length = trimmed.chars().count();
        let refused = |why| Err(ParseError::new("text", why));
        if length < MIN {
            return refused(TOO_SHORT);
        }
        if length > MAX {
            return refused(TOO_LONG);
        }
        if trimmed
            .chars()
            .any(|c| c.is_control() && !matches!(c, '\n' | '\t' | '\r'))
        {
            return refused(CONTROL);
        }
        Ok(Self(if trimmed.len() == text.len() {
            text
        } else {
            trimmed.to_owned()
        }))
    }
}

impl<const MIN: usize, const MAX: usize> TryFrom<&str> for Text<MIN, MAX> {
    type Error = ParseError;

    fn try_from(text: &str) -> Result<Self, Self::Error> {
        Self::try_from(text.to_owned())
    }
}

impl<const MIN: usize, const MAX: usize> serde::Serialize for Text<MIN, MAX> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de, const MIN: usize, const MAX: usize> serde::Deserialize<'de> for Text<MIN, MAX> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <String as serde::Deserialize>::deserialize(deserializer)?;
        text.try_into().map_err(serde::de::Error::custom)
    }
}

impl<const MIN: usize, const MAX: usize> fmt::Debug for Text<MIN, MAX> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // What people write may be personal: only its size is told.
        write!(f, "Text({} bytes)", self.0.len())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    type Short = Text<2, 5>;

    #[test]
    fn bounds_count_characters_and_not_bytes() {
        assert_eq!(Short::try_from("  éèàçù ").unwrap().as_str(), "éèàçù");
        assert_eq!(Short::try_from("é").unwrap_err().why, TOO_SHORT);
        assert_eq!(Short::try_from("éèàçùê").unwrap_err().why, TOO_LONG);
        assert_eq!(Short::try_from("a\u{0}b").unwrap_err().why, CONTROL);
        assert!(Short::try_from("a\nb").is_ok());
    }

    #[test]
    fn a_debug_print_does_not_show_what_was_written() {
        assert!(!format!("{:?}", Short::try_from("abc").unwrap()).contains("abc"));
    }

    proptest! {
        #[test]
        fn what_is_accepted_is_accepted_again_unchanged(text in any::<String>()) {
            if let Ok(once) = Text::<0, 40>::try_from(text) {
                prop_assert_eq!(Text::try_from(once.as_str()).unwrap(), once);
            }
        }
    }
}

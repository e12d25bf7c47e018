//! Texts that people write, normalised once: composed characters (NFC), line feeds,
//! no invisible filler. They are compared and counted after that.

use std::{borrow::Cow, fmt};

use icu_normalizer::ComposingNormalizerBorrowed;

use crate::{
    ParseError,
    character::{is_bidi_control, is_blank, is_ignorable, is_joiner, is_line_break, is_visible},
};

/// A text of `MIN` to `MAX` characters, of any number of lines.
///
/// It holds no control character but line feeds. Controls of direction may stay: whoever
/// pastes the path or the name of a file brings them unseen, and a name that reads
/// backwards is evidence; `display_text` makes them visible.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Text<const MIN: usize, const MAX: usize>(String);

/// A text of `MIN` to `MAX` characters on one line, such as a name.
///
/// It holds no control character, line break, tabulation or control of direction, all
/// of which would change what is written around it; its blanks are plain spaces.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Line<const MIN: usize, const MAX: usize>(String);

/// Whether a text has nothing that can be seen.
pub fn is_empty_text(text: &str) -> bool {
    !text.chars().any(is_visible)
}

/// Composes characters and leaves out what is invisible and joins nothing. What is
/// left out goes first, as it may stand between a letter and its accent.
fn compose(text: &str) -> Cow<'_, str> {
    let kept = |c: char| !is_ignorable(c) || is_bidi_control(c) || is_joiner(c);
    let nfc = ComposingNormalizerBorrowed::new_nfc();
    if text.chars().all(kept) {
        return nfc.normalize(text);
    }
    let text: String = text.chars().filter(|&c| kept(c)).collect();
    Cow::Owned(nfc.normalize(&text).into_owned())
}

fn normalise_text(text: &str) -> String {
    if is_empty_text(text) {
        return String::new();
    }
    let text = compose(text).replace("\r\n", "\n");
    let text = text.trim().chars().map(|c| match c {
        '\t' => ' ',
        c if is_line_break(c) => '\n',
        c => c,
    });
    text.collect()
}

fn normalise_line(text: &str) -> String {
    if is_empty_text(text) {
        return String::new();
    }
    let composed = compose(text);
    let line = composed.trim_matches(is_blank).chars().map(|c| {
        if is_blank(c) && !breaks_a_line(c) {
            ' '
        } else {
            c
        }
    });
    line.collect()
}

/// Whether a character has no place in a text of several lines.
fn breaks_a_text(c: char) -> bool {
    c.is_control() && c != '\n'
}

/// Whether a character has no place on a line.
fn breaks_a_line(c: char) -> bool {
    c.is_control() || is_line_break(c) || is_bidi_control(c)
}

/// Checks a normalised text against its bounds, which count characters.
fn check(
    text: String,
    bounds: (usize, usize),
    breaks: fn(char) -> bool,
    bad_character: &'static str,
) -> Result<String, ParseError> {
    let (least, most) = bounds;
    let refused =
        |why, reason, description| Err(ParseError::new("text", why).because(reason, description));
    let length = text.chars().count();
    if text.is_empty() && least > 0 {
        return refused("is empty", "REQUIRED", "ce champ est obligatoire".into());
    }
    if length < least {
        let description = Cow::from(format!("au moins {least} caractères"));
        return refused("too short", "TOO_SHORT", description);
    }
    if length > most {
        let description = Cow::from(format!("au plus {most} caractères"));
        return refused("too long", "TOO_LONG", description);
    }
    if text.chars().any(breaks) {
        return refused("has a bad character", "BAD_CHARACTER", bad_character.into());
    }
    Ok(text)
}

/// Mends a normalised text that an earlier release took by other rules.
fn mend(text: &str, bounds: (usize, usize), breaks: fn(char) -> bool) -> String {
    let (least, most) = bounds;
    let replaced = |c| match c {
        c if !breaks(c) => c,
        c if is_blank(c) => ' ',
        _ => char::REPLACEMENT_CHARACTER,
    };
    let mended: String = text.chars().map(replaced).take(most).collect();
    let mended = mended.trim();
    let missing = least.saturating_sub(mended.chars().count());
    let filler = std::iter::repeat_n(char::REPLACEMENT_CHARACTER, missing);
    mended.chars().chain(filler).collect()
}

macro_rules! text_type {
    ($name:ident, $normalise:ident, $breaks:ident, $bad_character:literal) => {
        impl<const MIN: usize, const MAX: usize> $name<MIN, MAX> {
            /// How many characters it has at the least.
            pub const MIN_LENGTH: usize = MIN;
            /// How many characters it has at the most.
            pub const MAX_LENGTH: usize = MAX;

            /// The text.
            pub fn as_str(&self) -> &str {
                &self.0
            }

            /// Gives the text away.
            pub fn into_string(self) -> String {
                self.0
            }

            /// Reads what was stored. An earlier release may have taken what this one
            /// would refuse: that is mended, as a report with it must stay readable.
            pub fn from_db(text: &str) -> Self {
                Self::try_from(text)
                    .unwrap_or_else(|_| Self(mend(&$normalise(text), (MIN, MAX), $breaks)))
            }
        }

        impl<const MIN: usize, const MAX: usize> AsRef<str> for $name<MIN, MAX> {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }

        impl<const MIN: usize, const MAX: usize> TryFrom<&str> for $name<MIN, MAX> {
            type Error = ParseError;

            /// Fails with the reason `REQUIRED`, `TOO_SHORT`, `TOO_LONG` or
            /// `BAD_CHARACTER`.
            fn try_from(text: &str) -> Result<Self, Self::Error> {
                check($normalise(text), (MIN, MAX), $breaks, $bad_character).map(Self)
            }
        }

        impl<const MIN: usize, const MAX: usize> TryFrom<String> for $name<MIN, MAX> {
            type Error = ParseError;

            fn try_from(text: String) -> Result<Self, Self::Error> {
                Self::try_from(text.as_str())
            }
        }

        impl<const MIN: usize, const MAX: usize> serde::Serialize for $name<MIN, MAX> {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(&self.0)
            }
        }

        impl<'de, const MIN: usize, const MAX: usize> serde::Deserialize<'de> for $name<MIN, MAX> {
            /// Reads what was stored, as `from_db` does.
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = <Cow<'de, str> as serde::Deserialize>::deserialize(deserializer)?;
                Ok(Self::from_db(&text))
            }
        }

        impl<const MIN: usize, const MAX: usize> fmt::Debug for $name<MIN, MAX> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                // What people write may be personal: only its size is told.
                write!(f, "{}({} bytes)", stringify!($name), self.0.len())
            }
        }
    };
}

text_type!(
    Text,
    normalise_text,
    breaks_a_text,
    "ce texte contient des caractères de contrôle"
);
text_type!(
    Line,
    normalise_line,
    breaks_a_line,
    "ce texte tient sur une ligne, sans tabulation ni caractère de contrôle"
);

#[cfg(test)]
mod tests;

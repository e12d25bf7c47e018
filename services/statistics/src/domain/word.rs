//! Words of the vocabulary, also those of a newer release.

use std::{fmt, str::FromStr};

/// A word as an event or a row carries it: one this release knows, or one that
/// a newer release added.
///
/// A newer word is counted as it is written, never dropped: a report with it
/// said something.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Word<T> {
    Known(T),
    Newer(String),
}

impl<T: FromStr> Word<T> {
    /// Reads a stored word.
    pub(crate) fn read(text: &str) -> Self {
        text.parse()
            .map_or_else(|_| Self::Newer(text.to_owned()), Self::Known)
    }
}

impl<T> Word<T> {
    /// The word behind a number that this release does not know.
    pub(crate) fn of_number(number: i32) -> Self {
        Self::Newer(format!("number_{number}"))
    }
}

impl<T: PartialEq> Word<T> {
    /// Whether this is the given word.
    pub(crate) fn is(&self, word: &T) -> bool {
        matches!(self, Self::Known(known) if known == word)
    }
}

impl<T: fmt::Display> fmt::Display for Word<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Known(word) => word.fmt(f),
            Self::Newer(text) => f.write_str(text),
        }
    }
}

#[cfg(test)]
mod tests {
    use vocabulary::Origin;

    use super::*;

    #[test]
    fn a_word_of_a_newer_release_is_kept_by_its_number() {
        let newer = Word::<Origin>::of_number(17);
        assert_eq!(newer.to_string(), "number_17");
        assert_eq!(Word::read("number_17"), newer);
    }

    #[test]
    fn a_row_that_a_newer_release_wrote_reads_back_as_it_was_written() {
        let newer = Word::<Origin>::read("a_word_of_tomorrow");
        assert_eq!(newer.to_string(), "a_word_of_tomorrow");
        assert!(!newer.is(&Origin::Unknown));
    }

    #[test]
    fn a_known_word_reads_back_as_itself() {
        for origin in Origin::ALL {
            assert!(Word::<Origin>::read(origin.as_str()).is(origin));
        }
    }
}

//! Reading back the words that are stored as text.

use std::str::FromStr;

use platform::{Error, Result};
use vocabulary::{ParseError, Word};

/// Reads a stored word; one that cannot be read is our fault, not the caller's.
pub(super) fn word<T: FromStr<Err = ParseError>>(text: &str) -> Result<T> {
    text.parse().map_err(Error::internal)
}

/// Reads a stored word that may be absent.
pub(super) fn optional<T: FromStr<Err = ParseError>>(text: Option<&str>) -> Result<Option<T>> {
    text.map(word).transpose()
}

/// Reads a stored word of a list, which a later release may have lengthened.
pub(super) fn listed<W: Word>(slug: Option<&str>) -> Option<W> {
    slug.map(W::stored)
}

//! How a text file was written.

use std::borrow::Cow;

use crate::domain::Encoding;

/// Which of comma and semicolon divides the columns of a header.
pub(crate) fn delimiter(header: &[u8]) -> u8 {
    let columns = |by: u8| header.split(|&byte| byte == by).count();
    if columns(b';') > columns(b',') {
        b';'
    } else {
        b','
    }
}

/// Tells whether bytes that come in pieces are UTF-8.
#[derive(Debug, Default)]
pub(crate) struct Utf8Check {
    /// The beginning of a character whose end has not come yet.
    unfinished: Vec<u8>,
    broken: bool,
}

impl Utf8Check {
    /// Looks at the next piece.
    pub(crate) fn push(&mut self, piece: &[u8]) {
        if self.broken {
            return;
        }
        self.unfinished.extend_from_slice(piece);
        match std::str::from_utf8(&self.unfinished) {
            Ok(_) => self.unfinished.clear(),
            Err(error) if error.error_len().is_none() => {
                self.unfinished.drain(..error.valid_up_to());
            }
            Err(_) => self.broken = true,
        }
    }

    /// How the whole was written.
    pub(crate) fn encoding(&self) -> Encoding {
        if self.broken || !self.unfinished.is_empty() {
            Encoding::Windows1252
        } else {
            Encoding::Utf8
        }
    }
}

/// Bytes as text; what is no character becomes the replacement character.
pub(super) fn decode(bytes: &[u8], encoding: Encoding) -> Cow<'_, str> {
    match encoding {
        Encoding::Utf8 => String::from_utf8_lossy(bytes),
        Encoding::Windows1252 => {
            encoding_rs::WINDOWS_1252
                .decode_without_bom_handling(bytes)
                .0
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_header_tells_the_delimiter() {
        assert_eq!(delimiter(b"finess_et;name"), b';');
        assert_eq!(delimiter(b"finess_et,name"), b',');
        assert_eq!(delimiter(b"name"), b',');
    }

    proptest! {
        #[test]
        fn text_is_utf8_however_it_is_cut(text: String, cut in 1usize..7) {
            let mut check = Utf8Check::default();
            text.as_bytes().chunks(cut).for_each(|piece| check.push(piece));
            prop_assert_eq!(check.encoding(), Encoding::Utf8);
        }

        #[test]
        fn bytes_that_are_no_utf8_are_seen_however_they_are_cut(bytes: Vec<u8>, cut in 1usize..7) {
            let mut check = Utf8Check::default();
            bytes.chunks(cut).for_each(|piece| check.push(piece));
            prop_assert_eq!(check.encoding() == Encoding::Utf8, std::str::from_utf8(&bytes).is_ok());
        }
    }
}

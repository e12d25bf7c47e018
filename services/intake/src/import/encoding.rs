//! How a text file was written.

use std::borrow::Cow;

use encoding_rs::WINDOWS_1252;
use platform::{Error, Result};

use super::Encoding;

/// What stands before the header of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Opening {
    /// What divides the columns.
    pub(super) delimiter: u8,
    /// Where the header begins: after a line that names the delimiter.
    pub(super) header_at: u64,
    /// The number of the line of the header.
    pub(super) header_line: u64,
}

const BOM: &[u8] = "\u{feff}".as_bytes();

impl Opening {
    /// Looks at the beginning of a file, or tells why it is no CSV.
    pub(super) fn of(start: &[u8]) -> Result<Self> {
        let refused = |reason, why| Err(Error::invalid("chunk", reason, why));
        if start.starts_with(b"PK\x03\x04") {
            let why = "ce fichier est un classeur de tableur : l'enregistrer au format CSV UTF-8";
            return refused("NOT_CSV", why);
        }
        let text = start.strip_prefix(BOM).unwrap_or(start);
        let first = first_line(text);
        let utf_16_mark = start.starts_with(&[0xff, 0xfe]) || start.starts_with(&[0xfe, 0xff]);
        if utf_16_mark || first.contains(&0) {
            let why = "ce fichier est en UTF-16 : l'enregistrer au format CSV UTF-8";
            return refused("UTF_16", why);
        }
        Ok(match named_delimiter(first) {
            Some(delimiter) => Self {
                delimiter,
                header_at: (start.len() - text.len() + first.len()) as u64,
                header_line: 2,
            },
            None => Self {
                delimiter: most_frequent_delimiter(first),
                header_at: 0,
                header_line: 1,
            },
        })
    }
}

/// The first line with its end.
fn first_line(text: &[u8]) -> &[u8] {
    let end = text.iter().position(|&byte| matches!(byte, b'\n' | b'\r'));
    let length = end.map_or(text.len(), |end| {
        let both = text[end..].starts_with(b"\r\n");
        end + if both { 2 } else { 1 }
    });
    &text[..length]
}

/// The delimiter that a spreadsheet is told by a line "sep=;".
fn named_delimiter(line: &[u8]) -> Option<u8> {
    let line = line.trim_ascii_end();
    let line = line.strip_prefix(b"\"").unwrap_or(line);
    let (name, rest) = line.split_at_checked(4)?;
    if !name.eq_ignore_ascii_case(b"sep=") {
        return None;
    }
    match rest {
        // The trim took a tabulation.
        [] => Some(b'\t'),
        [delimiter] | [delimiter, b'"'] => Some(*delimiter),
        _ => None,
    }
}

/// Which of comma, semicolon and tabulation divides the columns of a header.
fn most_frequent_delimiter(header: &[u8]) -> u8 {
    let columns = |by: u8| header.split(|&byte| byte == by).count();
    let mut best = b',';
    for other in [b';', b'\t'] {
        if columns(other) > columns(best) {
            best = other;
        }
    }
    best
}

/// Counts the lines of a file, which comes in pieces, that are UTF-8 and those that are
/// not. A few stray bytes do not change how the rest was written.
#[derive(Debug, Default)]
pub(super) struct LineEncodings {
    /// Lines with characters beyond ASCII, as UTF-8 writes them.
    utf8: u64,
    /// Lines that are no UTF-8.
    other: u64,
    line: LineState,
    /// The first bytes, where a byte order mark would stand.
    start: Vec<u8>,
}

/// What is known of a line whose end has not come yet.
#[derive(Debug, Default)]
struct LineState {
    /// The beginning of a character whose end has not come yet.
    unfinished: Vec<u8>,
    broken: bool,
    beyond_ascii: bool,
}

impl LineEncodings {
    /// Looks at the next piece.
    pub(super) fn push(&mut self, piece: &[u8]) {
        let missing = BOM.len().saturating_sub(self.start.len());
        self.start.extend(piece.iter().take(missing));
        let ends = |byte: &u8| matches!(byte, b'\n' | b'\r');
        for part in piece.split_inclusive(ends) {
            self.line.push(part);
            if part.last().is_some_and(ends) {
                self.end_line();
            }
        }
    }

    /// How most lines were written.
    pub(super) fn encoding(mut self) -> Encoding {
        self.end_line();
        if self.other > self.utf8 && self.start != BOM {
            Encoding::Windows1252
        } else {
            Encoding::Utf8
        }
    }

    fn end_line(&mut self) {
        let line = std::mem::take(&mut self.line);
        if line.broken || !line.unfinished.is_empty() {
            self.other += 1;
        } else if line.beyond_ascii {
            self.utf8 += 1;
        }
    }
}

impl LineState {
    fn push(&mut self, part: &[u8]) {
        if self.broken || (self.unfinished.is_empty() && part.is_ascii()) {
            return;
        }
        self.beyond_ascii = true;
        self.unfinished.extend_from_slice(part);
        match std::str::from_utf8(&self.unfinished) {
            Ok(_) => self.unfinished.clear(),
            Err(error) if error.error_len().is_none() => {
                self.unfinished.drain(..error.valid_up_to());
            }
            Err(_) => self.broken = true,
        }
    }
}

/// Bytes as text; nothing when they are not in this encoding.
pub(super) fn decode(bytes: &[u8], encoding: Encoding) -> Option<Cow<'_, str>> {
    let utf8 = std::str::from_utf8(bytes).ok();
    match encoding {
        Encoding::Utf8 => utf8.map(Cow::Borrowed),
        Encoding::Windows1252 if utf8.is_some_and(has_french_letters) => None,
        Encoding::Windows1252 => Some(WINDOWS_1252.decode_without_bom_handling(bytes).0),
    }
}

/// Whether a text has letters or marks beyond ASCII, and only such as French writes: by
/// chance, bytes of Windows-1252 make others.
fn has_french_letters(text: &str) -> bool {
    !text.is_ascii()
        && text.chars().all(|c| {
            matches!(c, '\0'..='\u{7f}' | '\u{a0}'..='\u{ff}' | 'Œ' | 'œ' | '‘'..='”' | '…' | '€')
        })
}

/// Bytes as text; what is no character becomes the replacement character.
pub(super) fn decode_lossy(bytes: &[u8], encoding: Encoding) -> Cow<'_, str> {
    decode(bytes, encoding).unwrap_or_else(|| String::from_utf8_lossy(bytes))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn encoding(bytes: &[u8], cut: usize) -> Encoding {
        let mut lines = LineEncodings::default();
        bytes.chunks(cut).for_each(|piece| lines.push(piece));
        lines.encoding()
    }

    fn reason(start: &[u8]) -> &'static str {
        match Opening::of(start) {
            Err(Error::Invalid(violations)) => violations.iter().next().unwrap().reason,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_first_line_tells_the_delimiter() {
        let opening = |start: &[u8]| {
            let Opening {
                delimiter,
                header_at,
                header_line,
            } = Opening::of(start).unwrap();
            (delimiter, header_at, header_line)
        };
        assert_eq!(opening(b"finess_et;name\n1,2,3"), (b';', 0, 1));
        assert_eq!(opening(b"finess_et,name"), (b',', 0, 1));
        assert_eq!(opening(b"finess_et\tname\r1"), (b'\t', 0, 1));
        assert_eq!(opening(b"name"), (b',', 0, 1));
        assert_eq!(opening(b"sep=;\r\nfiness_et;name"), (b';', 7, 2));
        assert_eq!(
            opening(b"\xef\xbb\xbf\"SEP=|\"\nfiness_et|name"),
            (b'|', 11, 2)
        );
        assert_eq!(opening(b"sep=\t\nfiness_et\tname"), (b'\t', 6, 2));
    }

    #[test]
    fn what_is_no_csv_is_named() {
        let utf_16: Vec<u8> = "finess_et;name\n"
            .encode_utf16()
            .flat_map(u16::to_le_bytes)
            .collect();
        assert_eq!(reason(&utf_16), "UTF_16");
        assert_eq!(reason(&[&[0xff, 0xfe], &utf_16[..]].concat()), "UTF_16");
        assert_eq!(reason(b"PK\x03\x04\x14\x00"), "NOT_CSV");
    }

    #[test]
    fn a_stray_byte_does_not_change_the_encoding_of_the_other_lines() {
        let mut bytes = "Hôpital\nCafé\n".to_owned().into_bytes();
        bytes.extend_from_slice(b"A\xa0B\n");
        assert_eq!(encoding(&bytes, 1_000), Encoding::Utf8);
        assert_eq!(
            encoding(b"H\xf4pital\nCaf\xe9\nCaf\xc3\xa9\n", 1_000),
            Encoding::Windows1252
        );
        assert_eq!(encoding(b"A\xa0B\n", 1_000), Encoding::Windows1252);
        let marked = "\u{feff}finess_et\n".as_bytes();
        let marked = [marked, b"Caf\xe9\nH\xf4pital\n"].concat();
        assert_eq!(encoding(&marked, 2), Encoding::Utf8);
    }

    #[test]
    fn a_cell_in_another_encoding_than_the_file_is_not_read() {
        assert_eq!(decode(b"A\xa0B", Encoding::Utf8), None);
        let windows = |bytes| decode(bytes, Encoding::Windows1252);
        assert_eq!(windows(b"H\xf4pital").as_deref(), Some("Hôpital"));
        assert_eq!(windows(b"SANT\xc9\xa0").as_deref(), Some("SANTÉ\u{a0}"));
        assert_eq!(windows("Hôpital de l’Œuvre".as_bytes()), None);
    }

    proptest! {
        #[test]
        fn text_is_utf8_however_it_is_cut(text: String, cut in 1usize..7) {
            prop_assert_eq!(encoding(text.as_bytes(), cut), Encoding::Utf8);
        }

        #[test]
        fn how_a_file_is_cut_changes_nothing(bytes: Vec<u8>, cut in 1usize..7) {
            prop_assert_eq!(encoding(&bytes, cut), encoding(&bytes, bytes.len().max(1)));
        }
    }
}

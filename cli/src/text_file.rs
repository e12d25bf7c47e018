//! Text files as editors save them.

use std::fs;
use std::io::{self, Read as _};
use std::path::Path;

use anyhow::Context as _;

use crate::exit::Failure;
use crate::language::Language;

/// Reads a file, or standard input for "-", as UTF-8; a byte order mark is left out.
///
/// A file in UTF-16, as Windows programs write it, is refused by that name.
pub fn read(file: &Path) -> Result<String, Failure> {
    let mut bytes = Vec::new();
    if file.as_os_str() == "-" {
        io::stdin().read_to_end(&mut bytes)?;
    } else {
        bytes = fs::read(file).with_context(|| format!("reading {}", file.display()))?;
    }
    decode(&bytes, Language::of_locale())
        .map_err(|why| Failure::Usage(format!("{}: {why}", file.display())))
}

fn decode(bytes: &[u8], language: Language) -> Result<String, String> {
    let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
    // Without a mark, every second byte of plain text is zero.
    let marked = bytes.starts_with(b"\xFF\xFE") || bytes.starts_with(b"\xFE\xFF");
    if marked || bytes.iter().take(2).any(|byte| *byte == 0) {
        let utf_16 = language.pick(
            "le fichier est en UTF-16 : enregistrez-le en UTF-8",
            "the file is in UTF-16: save it as UTF-8",
        );
        return Err(utf_16.to_owned());
    }
    str::from_utf8(bytes).map(str::to_owned).map_err(|error| {
        let before = &bytes[..error.valid_up_to()];
        let line = before.split(|byte| *byte == b'\n').count();
        let other = language.pick(
            "n'est pas en UTF-8 : enregistrez le fichier en UTF-8",
            "is not in UTF-8: save the file as UTF-8",
        );
        format!("{} {line} {other}", language.pick("la ligne", "line"))
    })
}

#[cfg(test)]
mod tests {
    use super::{Language, decode};

    const ENGLISH: Language = Language::English;

    #[test]
    fn a_byte_order_mark_is_no_part_of_the_text() {
        assert_eq!(
            decode("\u{feff}{\"a\": \"é\"}".as_bytes(), ENGLISH).unwrap(),
            "{\"a\": \"é\"}"
        );
        assert_eq!(decode(b"", ENGLISH).unwrap(), "");
        // In the middle it is a character like others.
        assert_eq!(
            decode("a\u{feff}".as_bytes(), ENGLISH).unwrap(),
            "a\u{feff}"
        );
    }

    #[test]
    fn an_encoding_other_than_utf_8_is_named() {
        let little: Vec<u8> = "{}".encode_utf16().flat_map(u16::to_le_bytes).collect();
        let big: Vec<u8> = "{}".encode_utf16().flat_map(u16::to_be_bytes).collect();
        let marked = |mark: &[u8], text: &[u8]| [mark, text].concat();
        for text in [
            marked(b"\xFF\xFE", &little),
            marked(b"\xFE\xFF", &big),
            little,
            big,
        ] {
            let why = decode(&text, ENGLISH).unwrap_err();
            assert!(why.contains("UTF-16"), "{text:?}: {why}");
        }
        let windows_1252 = b"{\n\"name\": \"h\xF4pital\"}";
        let why = decode(windows_1252, ENGLISH).unwrap_err();
        assert!(why.starts_with("line 2 is not in UTF-8"), "{why}");
    }
}

//! Text files as editors save them.

use std::fs;
use std::io::{self, Read as _};
use std::path::Path;

use anyhow::{Context as _, bail};

/// Reads a file, or standard input for "-", as UTF-8; a byte order mark is left out.
///
/// A file in UTF-16, as Windows programs write it, is refused by that name.
pub fn read(file: &Path) -> anyhow::Result<String> {
    let mut bytes = Vec::new();
    if file.as_os_str() == "-" {
        io::stdin().read_to_end(&mut bytes)?;
    } else {
        bytes = fs::read(file).with_context(|| format!("reading {}", file.display()))?;
    }
    decode(&bytes).with_context(|| file.display().to_string())
}

fn decode(bytes: &[u8]) -> anyhow::Result<String> {
    let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
    // Without a mark, every second byte of plain text is zero.
    let marked = bytes.starts_with(b"\xFF\xFE") || bytes.starts_with(b"\xFE\xFF");
    if marked || bytes.iter().take(2).any(|byte| *byte == 0) {
        bail!("the file is in UTF-16: save it as UTF-8");
    }
    match str::from_utf8(bytes) {
        Ok(text) => Ok(text.to_owned()),
        Err(error) => {
            let before = &bytes[..error.valid_up_to()];
            let line = before.iter().filter(|byte| **byte == b'\n').count() + 1;
            bail!("line {line} is not in UTF-8: save the file as UTF-8")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::decode;

    #[test]
    fn a_byte_order_mark_is_no_part_of_the_text() {
        assert_eq!(
            decode("\u{feff}{\"a\": \"é\"}".as_bytes()).unwrap(),
            "{\"a\": \"é\"}"
        );
        assert_eq!(decode(b"").unwrap(), "");
        // In the middle it is a character like others.
        assert_eq!(decode("a\u{feff}".as_bytes()).unwrap(), "a\u{feff}");
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
            let why = decode(&text).unwrap_err().to_string();
            assert!(why.contains("UTF-16"), "{text:?}: {why}");
        }
        let windows_1252 = b"{\n\"name\": \"h\xF4pital\"}";
        let why = decode(windows_1252).unwrap_err().to_string();
        assert!(why.starts_with("line 2 is not in UTF-8"), "{why}");
    }
}

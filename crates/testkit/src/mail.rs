//! A mail as the server received it.

use base64::{Engine, engine::general_purpose::STANDARD};

/// A mail as the server received it: its envelope and its text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mail {
    /// The sender of the envelope, empty for a bounce.
    pub from: String,
    /// The recipients of the envelope.
    pub to: Vec<String>,
    /// The headers and the body as they were sent, with plain line ends.
    pub source: String,
}

impl Mail {
    /// The value of a header, unfolded and with encoded words read.
    pub fn header(&self, name: &str) -> Option<String> {
        header(head(&self.source), name)
    }

    /// The identifier under which the receiver can tell a duplicate.
    pub fn message_id(&self) -> Option<String> {
        self.header("Message-ID")
    }

    /// The subject, readable.
    pub fn subject(&self) -> String {
        self.header("Subject").unwrap_or_default()
    }

    /// The readable text of the first part that is plain text.
    pub fn text(&self) -> String {
        plain_text(&self.source).unwrap_or_default()
    }
}

fn head(source: &str) -> &str {
    source.split_once("\n\n").map_or(source, |(head, _)| head)
}

fn header(head: &str, name: &str) -> Option<String> {
    let mut lines = head.lines();
    let first = lines.find_map(|line| {
        let (found, value) = line.split_once(':')?;
        found.eq_ignore_ascii_case(name).then_some(value.trim())
    })?;
    let folded = lines.take_while(|line| line.starts_with([' ', '\t']));
    let whole = folded.fold(first.to_owned(), |value, line| {
        format!("{value} {}", line.trim())
    });
    Some(read_encoded_words(&whole))
}

/// Finds the first plain text, however deeply the parts are nested.
fn plain_text(source: &str) -> Option<String> {
    let (head, body) = source.split_once("\n\n").unwrap_or((source, ""));
    let kind = header(head, "Content-Type").unwrap_or_else(|| "text/plain".to_owned());
    if let Some((_, boundary)) = kind.split_once("boundary=") {
        let boundary = boundary.split(';').next()?.trim_matches('"');
        return body
            .split(&format!("--{boundary}"))
            .skip(1)
            .take_while(|part| !part.starts_with("--"))
            .find_map(|part| plain_text(part.trim_start_matches('\n')));
    }
    if !kind.starts_with("text/plain") {
        return None;
    }
    let encoding = header(head, "Content-Transfer-Encoding").unwrap_or_default();
    Some(match encoding.to_ascii_lowercase().as_str() {
        "quoted-printable" => text_of(quoted_printable(&body.replace("=\n", ""))),
        "base64" => text_of(STANDARD.decode(body.replace('\n', "")).ok()?),
        _ => body.to_owned(),
    })
}

/// Reads the words that RFC 2047 encodes; the space between two of them is none.
fn read_encoded_words(value: &str) -> String {
    let mut read = String::new();
    let mut after_encoded = false;
    for word in value.split(' ') {
        let decoded = encoded_word(word);
        let joined = read.is_empty() || (after_encoded && decoded.is_some());
        if !joined {
            read.push(' ');
        }
        after_encoded = decoded.is_some();
        read.push_str(decoded.as_deref().unwrap_or(word));
    }
    read
}

fn encoded_word(word: &str) -> Option<String> {
    let inner = word.strip_prefix("=?")?.strip_suffix("?=")?;
    let mut fields = inner.splitn(3, '?').skip(1);
    let (encoding, text) = (fields.next()?, fields.next()?);
    let bytes = match encoding {
        "B" | "b" => STANDARD.decode(text).ok()?,
        "Q" | "q" => quoted_printable(&text.replace('_', " ")),
        _ => return None,
    };
    Some(text_of(bytes))
}

fn quoted_printable(text: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut rest = text;
    while let Some((plain, after)) = rest.split_once('=') {
        bytes.extend_from_slice(plain.as_bytes());
        let code = after
            .get(..2)
            .and_then(|hex| u8::from_str_radix(hex, 16).ok());
        bytes.push(code.unwrap_or(b'='));
        rest = if code.is_some() { &after[2..] } else { after };
    }
    bytes.extend_from_slice(rest.as_bytes());
    bytes
}

fn text_of(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes)
        .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mail(source: &str) -> Mail {
        Mail {
            from: String::new(),
            to: Vec::new(),
            source: source.to_owned(),
        }
    }

    #[test]
    fn a_folded_header_is_one_line() {
        let mail = mail("X: 1\nSubject: a long\n one\nY: 2\n\nbody");
        assert_eq!(mail.subject(), "a long one");
        assert_eq!(mail.header("y").as_deref(), Some("2"));
        assert_eq!(mail.header("body"), None);
    }

    #[test]
    fn encoded_words_join_without_the_space_between_them() {
        let mail = mail("Subject: =?utf-8?B?w6l0w6k=?=\n =?utf-8?Q?_=C3=A0?= Lyon\n\n");
        assert_eq!(mail.subject(), "été à Lyon");
    }

    #[test]
    fn a_quoted_body_reads_as_it_was_written() {
        let mail =
            mail("Content-Transfer-Encoding: quoted-printable\n\nc=C3=B4t=C3=A9 =\ncour, 1=3D1");
        assert_eq!(mail.text(), "côté cour, 1=1");
    }

    #[test]
    fn the_plain_part_is_found_among_others() {
        let mail = mail(
            "Content-Type: multipart/mixed; boundary=\"m\"\n\n--m\nContent-Type: multipart/alternative; boundary=\"a\"\n\n\
             --a\nContent-Type: text/html\n\n<p>no</p>\n--a\nContent-Type: text/plain; charset=utf-8\n\
             Content-Transfer-Encoding: base64\n\nb3Vp\n--a--\n--m--\n",
        );
        assert_eq!(mail.text(), "oui");
    }
}

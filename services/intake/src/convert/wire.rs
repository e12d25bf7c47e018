//! What may be absent, as the wire has it: an empty text.

use std::fmt::Display;

/// A text.
pub(super) fn text(text: Option<&impl AsRef<str>>) -> String {
    text.map(AsRef::as_ref).unwrap_or_default().to_owned()
}

/// Something with a text of its own.
pub(super) fn shown(value: Option<impl Display>) -> String {
    value.map(|value| value.to_string()).unwrap_or_default()
}

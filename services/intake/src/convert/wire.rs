//! What may be absent, as the wire has it: an empty text.

use std::fmt::Display;

use vocabulary::Text;

/// A text.
pub(super) fn text<const MIN: usize, const MAX: usize>(text: Option<&Text<MIN, MAX>>) -> String {
    text.map(Text::as_str).unwrap_or_default().to_owned()
}

/// Something with a text of its own.
pub(super) fn shown(value: Option<impl Display>) -> String {
    value.map(|value| value.to_string()).unwrap_or_default()
}

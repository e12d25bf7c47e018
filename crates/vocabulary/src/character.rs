//! The kinds of characters, by their properties in Unicode.

use icu_properties::{
    CodePointMapData, CodePointSetData,
    props::{
        BidiControl, Dash, DefaultIgnorableCodePoint, GeneralCategory, JoinControl,
        VariationSelector,
    },
};

/// A pattern without dots, which Unicode counts among the symbols.
const BRAILLE_BLANK: char = '\u{2800}';

/// Changes the direction of what follows, without being seen itself.
pub(crate) fn is_bidi_control(c: char) -> bool {
    !c.is_ascii() && CodePointSetData::new::<BidiControl>().contains(c)
}

/// Is not drawn where a program does not know it: zero-width spaces, soft hyphens,
/// byte order marks, fillers; bidi controls and joiners among them.
pub(crate) fn is_ignorable(c: char) -> bool {
    // No ASCII character is, and texts are full of them.
    !c.is_ascii() && CodePointSetData::new::<DefaultIgnorableCodePoint>().contains(c)
}

/// Chooses the form of its neighbours, as emoji and several scripts need.
pub(crate) fn is_joiner(c: char) -> bool {
    CodePointSetData::new::<JoinControl>().contains(c)
        || CodePointSetData::new::<VariationSelector>().contains(c)
}

/// Is a space of any width, a tabulation or a line break.
pub(crate) fn is_blank(c: char) -> bool {
    c.is_whitespace() || c == BRAILLE_BLANK
}

/// Ends a line, in any of the ways in which programs write it.
pub(crate) fn is_line_break(c: char) -> bool {
    matches!(
        c,
        '\n' | '\r' | '\u{b}' | '\u{c}' | '\u{85}' | '\u{2028}' | '\u{2029}'
    )
}

/// Is a hyphen, a dash or a minus sign.
pub(crate) fn is_dash(c: char) -> bool {
    CodePointSetData::new::<Dash>().contains(c)
}

/// Leaves a trace of its own on paper; a combining mark does not.
pub(crate) fn is_visible(c: char) -> bool {
    let category = CodePointMapData::<GeneralCategory>::new().get(c);
    !is_blank(c)
        && !is_ignorable(c)
        && !matches!(
            category,
            GeneralCategory::Control
                | GeneralCategory::Format
                | GeneralCategory::NonspacingMark
                | GeneralCategory::SpacingMark
                | GeneralCategory::EnclosingMark
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_ascii_character_is_ignorable_or_changes_the_direction() {
        for c in '\0'..='\u{7f}' {
            assert!(!CodePointSetData::new::<DefaultIgnorableCodePoint>().contains(c));
            assert!(!CodePointSetData::new::<BidiControl>().contains(c));
        }
    }
}

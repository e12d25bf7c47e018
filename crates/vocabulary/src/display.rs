//! What others wrote, made fit to be shown among words of our own.

use unicode_width::UnicodeWidthChar as _;

use crate::character::{is_bidi_control, is_blank, is_ignorable, is_line_break};

/// More marks above each other than any script needs would reach into other lines.
const MAX_MARKS: usize = 4;

/// One line of at most `max_width` columns: a subject, a headline, a cell of a table.
///
/// Whatever the text holds, nothing around it is changed: line breaks and runs of blanks
/// become one space, control characters and controls of direction become `�`, zero-width
/// characters go. What is clipped ends with `…`.
pub fn display_line(text: &str, max_width: usize) -> String {
    let mut line = String::with_capacity(text.len());
    for c in tame(text) {
        if !is_blank(c) {
            line.push(c);
        } else if !line.is_empty() && !line.ends_with(' ') {
            line.push(' ');
        }
    }
    line.truncate(line.trim_end().len());
    clip(line, max_width)
}

/// A text of several lines, with its line breaks and blanks; for the rest as
/// `display_line`, without a clip.
pub fn display_text(text: &str) -> String {
    let text = text.replace("\r\n", "\n");
    tame(&text).collect()
}

/// The characters of a text that do nothing but stand there; every line break is a line
/// feed, every tabulation a space.
fn tame(text: &str) -> impl Iterator<Item = char> {
    // A mark after no letter would join what stands before: the text, or a blank that goes.
    let mut marks = MAX_MARKS;
    text.chars()
        .filter_map(|c| match c {
            c if is_line_break(c) => Some('\n'),
            '\t' => Some(' '),
            c if c.is_control() || is_bidi_control(c) => Some(char::REPLACEMENT_CHARACTER),
            c if is_ignorable(c) => None,
            c => Some(c),
        })
        .filter(move |&c| {
            marks = match c {
                c if c.width() == Some(0) => marks + 1,
                c if is_blank(c) => MAX_MARKS,
                _ => 0,
            };
            marks <= MAX_MARKS
        })
}

/// A line cut to so many columns.
fn clip(mut line: String, max_width: usize) -> String {
    let (mut width, mut cut) = (0, 0);
    for (start, c) in line.char_indices() {
        let after = width + c.width().unwrap_or(0);
        if after > max_width {
            line.truncate(cut);
            line.truncate(line.trim_end().len());
            if max_width > 0 {
                line.push('…');
            }
            return line;
        }
        // Up to here there is room for the mark of the cut.
        if after < max_width {
            cut = start + c.len_utf8();
        }
        width = after;
    }
    line
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use unicode_width::UnicodeWidthStr as _;

    use super::*;

    #[test]
    fn a_line_cannot_change_what_stands_around_it() {
        let shown = |text| display_line(text, 80);
        assert_eq!(shown("Cabinet du Lac\u{202e}"), "Cabinet du Lac\u{fffd}");
        assert_eq!(
            shown("Cabinet\n\nURGENT : ouvrez https://…"),
            "Cabinet URGENT : ouvrez https://…"
        );
        assert_eq!(shown("CH A\rCH B  \t C\u{2028}"), "CH A CH B C");
        assert_eq!(shown("\u{1b}[31mrouge\u{200b}"), "\u{fffd}[31mrouge");
        assert_eq!(shown("\u{301}\u{302}Cabinet"), "Cabinet");
        assert_eq!(
            shown("\u{a0}\u{ac7}Cabinet \u{301}du Lac"),
            "Cabinet du Lac"
        );
    }

    #[test]
    fn a_line_is_clipped_to_its_width() {
        assert_eq!(display_line("Hôpital", 7), "Hôpital");
        assert_eq!(display_line("Hôpital", 6), "Hôpit…");
        assert_eq!(display_line("CH de Lisieux", 6), "CH de…");
        assert_eq!(display_line("病院病院", 5), "病院…");
        assert_eq!(display_line("x", 0), "");
    }

    #[test]
    fn a_text_keeps_its_lines_and_shows_what_would_reverse_it() {
        assert_eq!(
            display_text("a\r\nb\u{7}\rfacture\u{202e}fdp.exe"),
            "a\nb\u{fffd}\nfacture\u{fffd}fdp.exe"
        );
    }

    #[test]
    fn marks_do_not_pile_up() {
        let piled = format!("a{}b", "\u{301}".repeat(40));
        assert_eq!(
            display_line(&piled, 80),
            format!("a{}b", "\u{301}".repeat(4))
        );
    }

    proptest! {
        #[test]
        fn any_text_becomes_one_line_of_the_width(text in any::<String>(), max in 0_usize..40) {
            let line = display_line(&text, max);
            prop_assert!(line.width() <= max, "{line:?}");
            prop_assert!(!line.chars().any(|c| c.is_control() || is_bidi_control(c)
                || is_line_break(c) || is_ignorable(c)));
            prop_assert_eq!(display_line(&line, max), line);
        }
    }
}

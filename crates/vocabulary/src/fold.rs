//! Texts made comparable.

use deunicode::deunicode_char;

/// A text in lower case, without accents, its punctuation as single spaces,
/// trimmed: two spellings of one name fold to the same text.
pub fn fold(text: &str) -> String {
    let mut folded = String::with_capacity(text.len());
    let mut pending_space = false;
    for character in text.chars() {
        let plain = deunicode_char(character).unwrap_or(" ");
        for letter in plain.chars().flat_map(char::to_lowercase) {
            if letter.is_alphanumeric() {
                if pending_space && !folded.is_empty() {
                    folded.push(' ');
                }
                pending_space = false;
                folded.push(letter);
            } else {
                pending_space = true;
            }
        }
    }
    folded
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn accents_case_and_punctuation_do_not_matter() {
        assert_eq!(
            fold("  L'Hôpital NORD-Ouest (Villefranche) "),
            "l hopital nord ouest villefranche"
        );
        assert_eq!(fold("CŒUR"), "coeur");
        assert_eq!(fold("«»"), "");
    }

    proptest! {
        #[test]
        fn folding_twice_is_folding_once(text in "\\PC{0,60}") {
            prop_assert_eq!(fold(&fold(&text)), fold(&text));
        }
    }
}

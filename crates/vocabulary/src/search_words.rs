//! What a person looks for.

use crate::{Finess, ParseError, Text, fold};

/// The words of a search, folded: each at least two characters, and few enough for a search
/// to be cheap.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SearchWords(Vec<String>);

impl SearchWords {
    const MAX_WORDS: usize = 8;

    /// Parses what a person typed.
    ///
    /// An elided article (« l' », « d' ») is no word of its own; a FINESS is one word,
    /// whatever was pasted between its digits.
    pub fn parse(text: &str) -> Result<Self, ParseError> {
        let text = Text::<2, 200>::try_from(text)?;
        if let Ok(finess) = text.as_str().parse::<Finess>() {
            return Ok(Self(vec![fold(finess.as_str())]));
        }
        let text = text.as_str();
        let refused = |reason, why| Err(ParseError::new("search", reason).because(reason, why));
        let mut words: Vec<String> = Vec::new();
        for piece in text.split_inclusive(['\'', '\u{2019}', '\u{2bc}']) {
            let folded = fold(piece);
            let elides = piece.ends_with(['\'', '\u{2019}', '\u{2bc}']);
            let mut found: Vec<&str> = folded.split(' ').filter(|word| !word.is_empty()).collect();
            found.pop_if(|word| elides && is_letter(word));
            for word in found {
                if !words.iter().any(|known| known == word) {
                    words.push(word.to_owned());
                }
            }
        }
        if words.is_empty() {
            return refused("BAD_FORMAT", "aucun mot à chercher");
        }
        if words.iter().any(|word| is_letter(word)) {
            let description = "chaque mot compte au moins 2 lettres ou chiffres";
            return refused("TOO_SHORT", description);
        }
        if words.len() > Self::MAX_WORDS {
            return refused("TOO_MANY", "au plus 8 mots");
        }
        Ok(Self(words))
    }

    /// The words, each once, in the order in which they were typed.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }
}

fn is_letter(word: &str) -> bool {
    word.chars().count() == 1
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn words(text: &str) -> Result<Vec<String>, &'static str> {
        let parsed = SearchWords::parse(text).map_err(|refused| refused.reason)?;
        Ok(parsed.iter().map(str::to_owned).collect())
    }

    #[test]
    fn a_search_has_few_words_of_two_letters_at_least() {
        for (text, expected) in [
            ("Hôpital  NORD", Ok(vec!["hopital", "nord"])),
            ("CH D'AJACCIO", Ok(vec!["ch", "ajaccio"])),
            ("l\u{2019}hôpital", Ok(vec!["hopital"])),
            ("2A00", Ok(vec!["2a00"])),
            ("nord Nord NORD", Ok(vec!["nord"])),
            (
                "un deux trois quatre cinq six sept huit",
                Ok("un deux trois quatre cinq six sept huit"
                    .split(' ')
                    .collect()),
            ),
            ("", Err("REQUIRED")),
            ("  ", Err("REQUIRED")),
            ("x", Err("TOO_SHORT")),
            ("l'", Err("BAD_FORMAT")),
            ("bâtiment B", Err("TOO_SHORT")),
            (
                "a b c d e f g h i j k l m n o p q r s t u v w x y z 0 1 2 3 4 5 6 7 8 9",
                Err("TOO_SHORT"),
            ),
            (
                "un deux trois quatre cinq six sept huit neuf",
                Err("TOO_MANY"),
            ),
            ("«»", Err("BAD_FORMAT")),
        ] {
            let expected = expected.map(|words| words.into_iter().map(str::to_owned).collect());
            assert_eq!(words(text), expected, "{text}");
        }
        assert_eq!(words(&"x".repeat(201)), Err("TOO_LONG"));
    }

    proptest! {
        #[test]
        fn any_search_is_refused_or_has_words_that_need_no_escaping(text in "\\PC{0,60}") {
            if let Ok(found) = words(&text) {
                prop_assert!((1..=8).contains(&found.len()));
                for word in found {
                    prop_assert!(word.chars().count() >= 2);
                    prop_assert!(word.chars().all(char::is_alphanumeric));
                }
            }
        }
    }
}

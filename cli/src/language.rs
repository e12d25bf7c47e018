//! The language in which the command speaks to people.

/// French or English.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Language {
    /// Under a French locale.
    French,
    /// Under any other.
    English,
}

impl Language {
    /// French where the locale says so, English otherwise (POSIX order of precedence).
    pub fn of_locale() -> Self {
        let locale = ["LC_ALL", "LC_MESSAGES", "LANG"]
            .into_iter()
            .find_map(variable);
        Self::of(locale.as_deref().unwrap_or_default())
    }

    fn of(locale: &str) -> Self {
        if locale.to_lowercase().starts_with("fr") {
            Self::French
        } else {
            Self::English
        }
    }

    /// Picks the text of the language.
    pub fn pick<'a>(self, french: &'a str, english: &'a str) -> &'a str {
        match self {
            Self::French => french,
            Self::English => english,
        }
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "the locale is read once, at the edge"
)]
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

#[cfg(test)]
mod tests {
    use super::Language;

    #[test]
    fn a_french_locale_speaks_french_and_any_other_english() {
        for locale in ["fr_FR.UTF-8", "fr", "FR_ca"] {
            assert_eq!(Language::of(locale), Language::French, "{locale}");
        }
        for locale in ["", "C", "C.UTF-8", "en_GB", "de_DE"] {
            assert_eq!(Language::of(locale), Language::English, "{locale}");
        }
    }
}

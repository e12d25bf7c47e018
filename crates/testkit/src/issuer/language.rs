//! The language in which the pages of the issuer are shown.

use axum::http::{HeaderMap, header};
use serde::Serialize;

use super::{identity::Bilingual, parameters::Parameters};

/// A language of the pages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub(super) enum Language {
    #[serde(rename = "fr")]
    French,
    #[serde(rename = "en")]
    English,
}

impl Language {
    /// The language that the client asks for, else the one that the browser prefers,
    /// else French.
    pub(super) fn of_request(parameters: &Parameters, headers: &HeaderMap) -> Self {
        let asked = parameters.one("ui_locales").and_then(|locales| {
            let mut locales = locales.split_ascii_whitespace();
            locales.find_map(Self::of_tag)
        });
        let accepted = headers.get(header::ACCEPT_LANGUAGE);
        let preferred = || Self::of_accept_language(accepted?.to_str().ok()?);
        asked.or_else(preferred).unwrap_or(Self::French)
    }

    pub(super) fn other(self) -> Self {
        match self {
            Self::French => Self::English,
            Self::English => Self::French,
        }
    }

    pub(super) fn tag(self) -> &'static str {
        match self {
            Self::French => "fr",
            Self::English => "en",
        }
    }

    pub(super) fn pick(self, text: &Bilingual) -> &str {
        match self {
            Self::French => &text.french,
            Self::English => &text.english,
        }
    }

    /// The language of a tag such as `fr-CA`.
    fn of_tag(tag: &str) -> Option<Self> {
        let primary = tag.split('-').next()?.trim().to_ascii_lowercase();
        match &*primary {
            "fr" => Some(Self::French),
            "en" => Some(Self::English),
            _ => None,
        }
    }

    /// The known language of the greatest weight; of several, the first.
    fn of_accept_language(value: &str) -> Option<Self> {
        let mut best: Option<(f32, Self)> = None;
        for range in value.split(',') {
            let (tag, weight) = range.split_once(';').unwrap_or((range, "q=1"));
            let weight = weight.trim().strip_prefix("q=");
            let weight: f32 = weight.and_then(|it| it.parse().ok()).unwrap_or(0.0);
            let Some(language) = Self::of_tag(tag) else {
                continue;
            };
            if weight > best.map_or(0.0, |(greatest, _)| greatest) {
                best = Some((weight, language));
            }
        }
        best.map(|(_, language)| language)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn language(ui_locales: &str, accepted: &str) -> Language {
        let parameters = Parameters::of_query(Some(&format!("ui_locales={ui_locales}")));
        let accepted = (header::ACCEPT_LANGUAGE, accepted.parse().unwrap());
        Language::of_request(&parameters, &HeaderMap::from_iter([accepted]))
    }

    #[test]
    fn the_client_is_obeyed_before_the_browser_and_french_is_the_default() {
        for (ui_locales, accepted, expected) in [
            ("", "", Language::French),
            ("", "de", Language::French),
            ("", "de, en-GB;q=0.7, fr;q=0.3", Language::English),
            ("", "en;q=0.2, fr-CA;q=0.9", Language::French),
            ("", "en;q=0", Language::French),
            ("", "EN", Language::English),
            ("de+en", "fr", Language::English),
            ("fr-FR+en", "en", Language::French),
            ("de", "en", Language::English),
        ] {
            let found = language(ui_locales, accepted);
            assert_eq!(found, expected, "{ui_locales:?}, {accepted:?}");
        }
    }
}

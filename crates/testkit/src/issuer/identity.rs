//! Who may log in without a password, and how that is said to people.

use serde::Serialize;

use super::token::TokenSpec;

/// A text in the two languages of the suite.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Bilingual {
    /// In French.
    pub french: String,
    /// In English.
    pub english: String,
}

impl Bilingual {
    /// A text from both of its versions.
    pub fn new(french: impl Into<String>, english: impl Into<String>) -> Self {
        Self {
            french: french.into(),
            english: english.into(),
        }
    }

    /// A text that is the same in both languages.
    pub fn same(text: impl Into<String>) -> Self {
        let text = text.into();
        Self::new(text.clone(), text)
    }
}

/// Somebody who may log in by name alone.
#[derive(Debug, Clone)]
pub struct Identity {
    /// What the tokens say.
    pub token: TokenSpec,
    /// The heading under which the log-in page lists it.
    pub group: Bilingual,
    /// What the person is called, as in the claim `name`.
    pub name: Bilingual,
    /// What the person says to log in, such as « Je suis l'agent de l'ARS Corse ».
    pub statement: Bilingual,
    /// What the person may do.
    pub rights: Bilingual,
}

impl From<TokenSpec> for Identity {
    /// An identity that is called like the subject of its tokens.
    fn from(token: TokenSpec) -> Self {
        let name = Bilingual::same(&token.subject);
        Self {
            group: Bilingual::same(""),
            statement: name.clone(),
            rights: Bilingual::same(token.roles.join(", ")),
            name,
            token,
        }
    }
}

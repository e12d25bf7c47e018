//! The form of a declaration and the words of the contract, as data.
//!
//! Its limits are those of the types and constants by which a request is read; a test
//! compares all of it with what is accepted.

mod decide;
mod response;
mod rpc;
#[cfg(test)]
mod tests;
mod texts;
mod words;

use time::{Duration, OffsetDateTime};

pub(crate) use self::rpc::FormRpc;

/// The language of labels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Language {
    French,
    English,
}

/// A part of a form.
#[derive(Clone, Debug)]
struct Section {
    name: &'static str,
    /// It may be left out as a whole.
    optional: bool,
    fields: Vec<Field>,
    groups: Vec<Group>,
}

/// A field of a form.
#[derive(Clone, Debug)]
struct Field {
    /// Its path in a draft.
    path: String,
    input: Input,
    required: bool,
    /// It is required where all of these hold, and there are some.
    required_if: Vec<Condition>,
    /// It is of use where all of these hold.
    shown_if: Vec<Condition>,
    /// The text of law that asks for it.
    legal_basis: &'static str,
}

/// What a field takes.
#[derive(Clone, Debug)]
enum Input {
    /// A text on one line.
    Line {
        min: usize,
        max: usize,
    },
    /// A text of several lines.
    Text {
        min: usize,
        max: usize,
    },
    /// A number of a directory, or a reference.
    Identifier {
        length: usize,
    },
    Email {
        max: usize,
    },
    Phone,
    Department,
    /// Regions, each once.
    Regions {
        max_count: usize,
    },
    /// A value of the enumeration of this name.
    Word(&'static str),
    /// Values of the enumeration of this name, each once.
    Words {
        name: &'static str,
        max_count: usize,
    },
    Boolean,
    Count,
    Moment {
        earliest: OffsetDateTime,
        ahead: Duration,
        /// The path of the moment that it must not follow.
        not_after: &'static str,
    },
}

/// Something that holds of one of several fields.
#[derive(Clone, Debug)]
struct Condition {
    paths: Vec<&'static str>,
    test: Test,
}

/// What holds of a field.
#[derive(Clone, Debug)]
enum Test {
    Given,
    Absent,
    /// By the names of the contract.
    OneOf(Vec<&'static str>),
    NoneOf(Vec<&'static str>),
}

/// Fields of which one must be filled in.
#[derive(Clone, Debug)]
struct Group {
    paths: Vec<String>,
    /// And no other.
    exclusive: bool,
    /// Where it is told that none of them is.
    violation_path: String,
}

/// What people call a field of a draft, or a contact as a whole.
pub(crate) fn label(path: &str, language: Language) -> &'static str {
    match path {
        "declarant" | "alternate_contact" => texts::of_section(path, language),
        path => {
            let [french, english] = texts::of_field(path).label;
            language.pick(french, english)
        }
    }
}

impl Language {
    /// French where the locale says so or nothing, English otherwise.
    pub(crate) fn of(locale: &str) -> Self {
        let locale = locale.trim().to_lowercase();
        let language = locale.split(['-', '_', '.']).next().unwrap_or_default();
        match language {
            "" | "fr" => Self::French,
            _ => Self::English,
        }
    }

    /// Its tag.
    pub(crate) fn tag(self) -> &'static str {
        self.pick("fr", "en")
    }

    /// Picks the text of the language.
    pub(crate) fn pick<'a>(self, french: &'a str, english: &'a str) -> &'a str {
        match self {
            Self::French => french,
            Self::English => english,
        }
    }
}

impl Field {
    fn required(self) -> Self {
        Self {
            required: true,
            ..self
        }
    }

    fn required_if(self, required_if: Vec<Condition>) -> Self {
        Self {
            required_if,
            ..self
        }
    }

    fn shown_if(self, condition: Condition) -> Self {
        Self {
            shown_if: vec![condition],
            ..self
        }
    }
}

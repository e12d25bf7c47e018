//! Reads the fields of a request and collects every violation on the way.

use std::{collections::BTreeSet, str::FromStr};

use platform::Violations;
use prost_types::Timestamp;
use time::OffsetDateTime;
use uuid::Uuid;
use vocabulary::{ParseError, Word, is_empty_text, parse_uuid};

use crate::wire;

/// Reads the fields of one message and collects what is wrong with them.
///
/// A field that is absent or wrong is read as nothing: whoever assembles the whole
/// looks at the violations first. The reasons are the same in every service:
/// `REQUIRED`, `BAD_FORMAT`, `BAD_CHARACTER`, `TOO_SHORT`, `TOO_LONG`, `TOO_MANY`,
/// `UNKNOWN_VALUE`, `DUPLICATE`, `CONFLICT`, `OUT_OF_RANGE`.
#[derive(Debug)]
pub struct Fields<'v> {
    path: String,
    violations: &'v mut Violations,
}

impl<'v> Fields<'v> {
    /// Reads the fields below `path`; of the request itself when it is empty.
    pub fn new(path: impl Into<String>, violations: &'v mut Violations) -> Self {
        Self {
            path: path.into(),
            violations,
        }
    }

    /// Reads the fields of a message within this one.
    pub fn within(&mut self, field: &str) -> Fields<'_> {
        Fields {
            path: self.path_of(field),
            violations: self.violations,
        }
    }

    /// How many violations were found so far.
    pub fn violations(&self) -> usize {
        self.violations.iter().count()
    }

    /// Refuses a field; an empty name stands for the message itself.
    pub fn refuse(&mut self, field: &str, reason: &'static str, description: impl Into<String>) {
        self.violations
            .add(self.path_of(field), reason, description);
    }

    /// Refuses a field that is absent.
    pub fn missing(&mut self, field: &str) {
        self.refuse(field, "REQUIRED", "Ce champ est obligatoire.");
    }

    /// A UUID that must be there.
    pub fn uuid(&mut self, field: &str, text: &str) -> Option<Uuid> {
        if is_empty_text(text) {
            self.missing(field);
            return None;
        }
        self.accepted(field, parse_uuid(text))
    }

    /// A text; nothing when it has no visible character.
    pub fn text<T>(&mut self, field: &str, text: String) -> Option<T>
    where
        T: TryFrom<String, Error = ParseError>,
    {
        if is_empty_text(&text) {
            return None;
        }
        self.accepted(field, text.try_into())
    }

    /// A text that must be there.
    pub fn required_text<T>(&mut self, field: &str, text: String) -> Option<T>
    where
        T: TryFrom<String, Error = ParseError>,
    {
        if is_empty_text(&text) {
            self.missing(field);
        }
        self.text(field, text)
    }

    /// An identifier; nothing when it has no visible character.
    pub fn identifier<T>(&mut self, field: &str, text: &str) -> Option<T>
    where
        T: FromStr<Err = ParseError>,
    {
        if is_empty_text(text) {
            return None;
        }
        self.accepted(field, text.parse())
    }

    /// An identifier that must be there.
    pub fn required_identifier<T>(&mut self, field: &str, text: &str) -> Option<T>
    where
        T: FromStr<Err = ParseError>,
    {
        if is_empty_text(text) {
            self.missing(field);
        }
        self.identifier(field, text)
    }

    /// What was parsed, or a violation that says why it could not be.
    fn accepted<T>(&mut self, field: &str, parsed: Result<T, ParseError>) -> Option<T> {
        parsed
            .map_err(|refused| self.refuse(field, refused.reason, refused.description))
            .ok()
    }

    /// What a text in a fixed form says; nothing when it is empty. The reason and the
    /// description tell what is wrong with another.
    pub fn formed<T>(
        &mut self,
        field: &str,
        text: &str,
        parse: impl FnOnce(&str) -> Result<T, (&'static str, &'static str)>,
    ) -> Option<T> {
        if text.is_empty() {
            return None;
        }
        match parse(text) {
            Ok(read) => Some(read),
            Err((reason, description)) => {
                self.refuse(field, reason, description);
                None
            }
        }
    }

    /// A word of the vocabulary; nothing when it is not said.
    pub fn word<W: Word>(&mut self, field: &str, number: i32) -> Option<W> {
        if number == 0 {
            return None;
        }
        let word = W::known(number);
        if word.is_none() {
            self.refuse(field, "UNKNOWN_VALUE", "Cette valeur n'est pas connue.");
        }
        word
    }

    /// A word of the vocabulary that must be said.
    pub fn required_word<W: Word>(&mut self, field: &str, number: i32) -> Option<W> {
        if number == 0 {
            self.missing(field);
        }
        self.word(field, number)
    }

    /// Words of the vocabulary, each at most once, and no more than there are: 32.
    pub fn words<W: Word + Ord>(&mut self, field: &str, numbers: &[i32]) -> BTreeSet<W> {
        const MOST: usize = 32;
        let mut words = BTreeSet::new();
        if numbers.len() > MOST {
            self.refuse(field, "TOO_MANY", "Au plus 32 valeurs.");
            return words;
        }
        for (index, &number) in numbers.iter().enumerate() {
            let item = format!("{field}[{index}]");
            match W::known(number) {
                None => self.refuse(&item, "UNKNOWN_VALUE", "Cette valeur n'est pas connue."),
                Some(word) => {
                    if !words.insert(word) {
                        self.refuse(&item, "DUPLICATE", "Cette valeur est déjà dans la liste.");
                    }
                }
            }
        }
        words
    }

    /// A moment; nothing when it is absent.
    pub fn moment(&mut self, field: &str, timestamp: Option<&Timestamp>) -> Option<OffsetDateTime> {
        let timestamp = timestamp?;
        let read = wire::moment(timestamp);
        if read.is_none() {
            self.refuse(field, "BAD_FORMAT", "Cette date n'existe pas.");
        }
        read
    }

    fn path_of(&self, field: &str) -> String {
        match (self.path.is_empty(), field.is_empty()) {
            (true, _) => field.to_owned(),
            (false, true) => self.path.clone(),
            (false, false) => format!("{}.{field}", self.path),
        }
    }
}

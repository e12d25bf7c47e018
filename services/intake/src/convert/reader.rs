//! Reads fields and collects every violation on the way.

use std::{collections::BTreeSet, str::FromStr};

use platform::Violations;
use prost_types::Timestamp;
use time::OffsetDateTime;
use vocabulary::{ParseError, Word, is_empty_text};

use super::time::moment;

/// Reads the fields of one message and collects what is wrong with them.
///
/// A field that is absent or wrong is read as nothing: whoever assembles the
/// whole looks at the violations first.
pub(super) struct Reader<'v> {
    path: String,
    violations: &'v mut Violations,
}

impl<'v> Reader<'v> {
    /// Reads the fields below `path`.
    pub(super) fn new(path: impl Into<String>, violations: &'v mut Violations) -> Self {
        Self {
            path: path.into(),
            violations,
        }
    }

    /// Reads the fields of a message within this one.
    pub(super) fn within(&mut self, field: &str) -> Reader<'_> {
        Reader {
            path: self.path_of(field),
            violations: self.violations,
        }
    }

    /// Refuses a field; an empty name stands for the message itself.
    pub(super) fn refuse(
        &mut self,
        field: &str,
        reason: &'static str,
        description: impl Into<String>,
    ) {
        self.violations
            .add(self.path_of(field), reason, description);
    }

    /// Refuses a field that is absent.
    pub(super) fn missing(&mut self, field: &str) {
        self.refuse(field, "REQUIRED", "ce champ est obligatoire");
    }

    /// A text; nothing when nothing of it can be seen.
    pub(super) fn text<T>(&mut self, field: &str, text: String) -> Option<T>
    where
        T: TryFrom<String, Error = ParseError>,
    {
        if is_empty_text(&text) {
            return None;
        }
        self.accepted(field, text.try_into())
    }

    /// A text that must be there.
    pub(super) fn required_text<T>(&mut self, field: &str, text: String) -> Option<T>
    where
        T: TryFrom<String, Error = ParseError>,
    {
        if is_empty_text(&text) {
            self.missing(field);
        }
        self.text(field, text)
    }

    /// An identifier; nothing when nothing of it can be seen.
    pub(super) fn identifier<T>(&mut self, field: &str, text: &str) -> Option<T>
    where
        T: FromStr<Err = ParseError>,
    {
        if is_empty_text(text) {
            return None;
        }
        self.accepted(field, text.parse())
    }

    /// An identifier that must be there.
    pub(super) fn required_identifier<T>(&mut self, field: &str, text: &str) -> Option<T>
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

    /// What a text in a fixed form says; nothing when it is empty. The reason
    /// and the description tell what is wrong with another.
    pub(super) fn formed<T>(
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
    pub(super) fn word<W: Word>(&mut self, field: &str, number: i32) -> Option<W> {
        if number == 0 {
            return None;
        }
        let word = W::known(number);
        if word.is_none() {
            self.refuse(field, "UNKNOWN_VALUE", "cette valeur n'existe pas");
        }
        word
    }

    /// A word of the vocabulary that must be said.
    pub(super) fn required_word<W: Word>(&mut self, field: &str, number: i32) -> Option<W> {
        if number == 0 {
            self.missing(field);
        }
        self.word(field, number)
    }

    /// Words of the vocabulary, each at most once.
    pub(super) fn words<W: Word + Ord>(&mut self, field: &str, numbers: &[i32]) -> BTreeSet<W> {
        let mut words = BTreeSet::new();
        for (index, &number) in numbers.iter().enumerate() {
            let item = format!("{field}[{index}]");
            if number == 0 {
                self.refuse(&item, "UNKNOWN_VALUE", "cette valeur n'existe pas");
            } else if numbers[..index].contains(&number) {
                self.refuse(&item, "DUPLICATE", "cette valeur est répétée");
            } else {
                words.extend(self.word::<W>(&item, number));
            }
        }
        words
    }

    /// A moment; nothing when it is absent.
    pub(super) fn moment(
        &mut self,
        field: &str,
        timestamp: Option<&Timestamp>,
    ) -> Option<OffsetDateTime> {
        let timestamp = timestamp?;
        let read = moment(timestamp);
        if read.is_none() {
            self.refuse(field, "BAD_FORMAT", "cette date n'existe pas");
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

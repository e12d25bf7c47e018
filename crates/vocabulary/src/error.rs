//! The refusal of a text or a number.

use std::borrow::Cow;

/// A text or a number that is not what it should be.
///
/// It never repeats what was sent, so that it may be logged and shown.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{what}: {why}")]
pub struct ParseError {
    /// What was expected, such as "FINESS number".
    pub what: &'static str,
    /// Why it is refused, in one short clause.
    pub why: Cow<'static, str>,
    /// Machine-readable reason of the field violation, such as "BAD_KEY".
    pub reason: &'static str,
    /// Why it is refused, for people, in French.
    pub description: Cow<'static, str>,
}

impl ParseError {
    /// Refuses `what` because of `why`, which must not repeat what was sent.
    pub fn new(what: &'static str, why: impl Into<Cow<'static, str>>) -> Self {
        Self {
            what,
            why: why.into(),
            reason: "BAD_FORMAT",
            description: "cette valeur n'est pas valable".into(),
        }
    }

    /// Gives the reason and the French description of the field violation.
    pub fn because(self, reason: &'static str, description: impl Into<Cow<'static, str>>) -> Self {
        Self {
            reason,
            description: description.into(),
            ..self
        }
    }
}

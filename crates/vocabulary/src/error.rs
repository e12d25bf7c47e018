//! What a text that means nothing here is answered with.

/// A text or a number that is not what it should be.
///
/// It never repeats what was sent, so that it may be logged and shown.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{what}: {why}")]
pub struct ParseError {
    /// What was expected, such as "FINESS number".
    pub what: &'static str,
    /// Why it is refused, in one short clause.
    pub why: String,
}

impl ParseError {
    /// Refuses `what` because of `why`, which must not repeat what was sent.
    pub fn new(what: &'static str, why: impl Into<String>) -> Self {
        Self {
            what,
            why: why.into(),
        }
    }
}

//! What is wrong with the fields of a request.

use std::fmt;

use crate::{Error, Result};

/// As many violations as are told at once: an answer's headers hold no more.
const MOST: usize = 25;

/// What is wrong with the fields of a request, all at once; of very many, the
/// first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Violations(Vec<Violation>);

/// What is wrong with one field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// The path of the field, as in `report.contact.email`.
    pub field: String,
    /// The stable code for programs.
    pub reason: &'static str,
    /// The sentence for people; it never repeats the value.
    pub description: String,
}

impl Violations {
    /// Notes one more violation, while there are few.
    pub fn add(
        &mut self,
        field: impl Into<String>,
        reason: &'static str,
        description: impl Into<String>,
    ) {
        if self.0.len() < MOST {
            self.0.push(Violation {
                field: field.into(),
                reason,
                description: description.into(),
            });
        }
    }

    /// Whether the request is clean so far.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The violations in the order in which they were noted.
    pub fn iter(&self) -> impl Iterator<Item = &Violation> {
        self.0.iter()
    }

    /// `Ok` when nothing was noted.
    pub fn into_result(self) -> Result<()> {
        if self.is_empty() {
            Ok(())
        } else {
            Err(Error::Invalid(self))
        }
    }
}

impl fmt::Display for Violations {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, violation) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_str("; ")?;
            }
            write!(f, "{}: {}", violation.field, violation.description)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_that_is_all_wrong_has_an_answer_that_fits() {
        let mut violations = Violations::default();
        for index in 0..100_000 {
            violations.add(format!("states[{index}]"), "UNKNOWN_VALUE", "is not known");
        }
        assert_eq!(violations.iter().count(), MOST);
        assert_eq!(violations.iter().next().unwrap().field, "states[0]");
    }

    #[test]
    fn a_clean_request_passes_and_all_violations_are_told_together() {
        assert!(Violations::default().into_result().is_ok());

        let mut violations = Violations::default();
        violations.add("title", "REQUIRED", "is required");
        violations.add("occurred_at", "IN_FUTURE", "lies in the future");
        let error = violations.into_result().unwrap_err();
        assert_eq!(
            error.to_string(),
            "invalid request: title: is required; occurred_at: lies in the future"
        );
    }
}

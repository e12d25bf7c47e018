//! The parameters of a request, from its query or its form.

use std::collections::BTreeSet;

use url::form_urlencoded;

/// The parameters of a request, in their order.
#[derive(Debug)]
pub(super) struct Parameters(Vec<(String, String)>);

impl Parameters {
    pub(super) fn of_query(query: Option<&str>) -> Self {
        let pairs = form_urlencoded::parse(query.unwrap_or_default().as_bytes());
        Self(pairs.into_owned().collect())
    }

    pub(super) fn of_form(pairs: Vec<(String, String)>) -> Self {
        Self(pairs)
    }

    /// The value of a parameter that is there once. Without a value it counts as
    /// absent (RFC 6749, section 3.1).
    pub(super) fn one(&self, name: &str) -> Option<&str> {
        let mut values = self.0.iter().filter(|(known, _)| known == name);
        let (_, value) = values.next()?;
        (!value.is_empty() && values.next().is_none()).then_some(value)
    }

    /// Whether a parameter is there twice, which RFC 6749 (section 3.1) forbids.
    pub(super) fn are_repeated(&self) -> bool {
        let mut seen = BTreeSet::new();
        !self.0.iter().all(|(name, _)| seen.insert(name))
    }

    pub(super) fn to_query(&self) -> String {
        form_urlencoded::Serializer::new(String::new())
            .extend_pairs(&self.0)
            .finish()
    }

    /// These parameters, one of them with another value.
    pub(super) fn with(&self, name: &str, value: &str) -> Self {
        let others = self.0.iter().filter(|(known, _)| known != name).cloned();
        let changed = (name.to_owned(), value.to_owned());
        Self(others.chain([changed]).collect())
    }
}

//! The set of parties that may see something, as a routing rule wrote it.

use std::collections::BTreeSet;

use vocabulary::{Party, Region};

/// The parties that may see a report, by their slugs.
///
/// Slugs that this release does not know are kept: they match a caller who
/// carries the same slug and nobody else.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Audience(BTreeSet<String>);

impl Audience {
    /// Takes the slugs of a stored `visible_to`.
    pub(crate) fn new(slugs: impl IntoIterator<Item = String>) -> Self {
        Self(slugs.into_iter().collect())
    }

    /// Whether a party belongs to it.
    pub(crate) fn includes(&self, party: &Party) -> bool {
        self.0.contains(&party.to_string())
    }

    /// The regions whose ARS belong to it.
    pub(crate) fn regions(&self) -> impl Iterator<Item = Region> {
        self.0.iter().filter_map(|slug| match slug.parse() {
            Ok(Party::Region(region)) => Some(region),
            _ => None,
        })
    }

    /// Whether one of a caller's parties belongs to it.
    pub(crate) fn meets(&self, parties: &BTreeSet<String>) -> bool {
        !self.0.is_disjoint(parties)
    }

    /// The slugs, in order.
    pub(crate) fn slugs(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::Audience;

    proptest! {
        #[test]
        fn a_caller_sees_exactly_what_shares_a_party_with_him(
            audience in proptest::collection::btree_set("[a-z]{1,2}", 0..6),
            caller in proptest::collection::btree_set("[a-z]{1,2}", 0..6),
        ) {
            let shared: BTreeSet<_> = audience.intersection(&caller).collect();
            prop_assert_eq!(Audience::new(audience.clone()).meets(&caller), !shared.is_empty());
        }
    }

    #[test]
    fn nobody_sees_what_is_for_nobody() {
        assert!(!Audience::default().meets(&BTreeSet::from(["cell".to_owned()])));
    }
}

//! Who sees a case, and how much of it.

use std::collections::BTreeSet;

use vocabulary::{Party, Role};

/// The parties that see a case, by their slugs.
///
/// Slugs, not [`Party`]: a party that a later release writes must survive
/// being read and stored by this one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Parties(BTreeSet<String>);

impl Parties {
    /// Lets one more party see the case; nobody ever loses sight of it.
    pub(crate) fn add(&mut self, party: &Party) {
        self.0.insert(party.to_string());
    }

    /// Whether a party sees the case.
    pub(crate) fn contains(&self, party: &Party) -> bool {
        self.0.contains(&party.to_string())
    }

    /// The slugs, in order.
    pub(crate) fn slugs(&self) -> Vec<String> {
        self.0.iter().cloned().collect()
    }
}

impl FromIterator<String> for Parties {
    fn from_iter<I: IntoIterator<Item = String>>(slugs: I) -> Self {
        Self(slugs.into_iter().collect())
    }
}

/// How much of a case a caller sees, by the parties through which he sees it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct View {
    /// The declarant's contact data, by the rule of [`Party::sees_contacts`].
    pub(crate) contacts: bool,
    /// The subjects of those who act on the case: for the cell and the FSSI.
    pub(crate) people: bool,
}

impl View {
    /// What these parties of a caller with these roles see of a case seen by
    /// `parties`; `None` when the case does not exist for them.
    pub(crate) fn of(parties: &Parties, caller: &[String], roles: &BTreeSet<Role>) -> Option<Self> {
        let matched = caller.iter().filter(|slug| parties.0.contains(*slug));
        matched.fold(None, |seen, slug| {
            let seen = seen.unwrap_or(Self::default());
            let party = Party::stored(slug);
            Some(Self {
                contacts: seen.contacts || party.sees_contacts(roles),
                people: seen.people || matches!(party, Party::Cell | Party::SecurityOfficer),
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen_by(caller: &[&str], roles: &[Role]) -> Option<View> {
        let parties = [
            "cell",
            "fssi",
            "ars:76",
            "dgs",
            "subject:d1",
            "structure:finess:010000024",
        ];
        let parties = parties.map(str::to_owned).into_iter().collect();
        let caller: Vec<_> = caller.iter().map(|&slug| slug.to_owned()).collect();
        View::of(&parties, &caller, &roles.iter().copied().collect())
    }

    const CONTACTS: View = View {
        contacts: true,
        people: false,
    };
    const ALL: View = View {
        contacts: true,
        people: true,
    };
    const NEITHER: View = View {
        contacts: false,
        people: false,
    };

    #[test]
    fn each_party_sees_what_its_office_needs_and_no_more() {
        for (party, role, view) in [
            ("cell", Role::Analyst, ALL),
            ("fssi", Role::SecurityOfficer, ALL),
            ("ars:76", Role::RegionalAgent, CONTACTS),
            ("ars:76", Role::Integration, NEITHER),
            ("subject:d1", Role::Declarant, CONTACTS),
            ("structure:finess:010000024", Role::Declarant, CONTACTS),
            ("dgs", Role::HealthAuthority, NEITHER),
        ] {
            assert_eq!(seen_by(&[party], &[role]), Some(view), "{role} as {party}");
        }
    }

    #[test]
    fn a_case_does_not_exist_for_those_outside_its_parties() {
        assert_eq!(seen_by(&["ars:75"], &[Role::RegionalAgent]), None);
        let declarant = [Role::Declarant, Role::Prober];
        assert_eq!(seen_by(&["subject:d2", "probe"], &declarant), None);
        assert_eq!(seen_by(&[], &[]), None);
    }

    #[test]
    fn several_parties_add_up_in_any_order() {
        let roles = [Role::Analyst, Role::HealthAuthority, Role::RegionalAgent];
        assert_eq!(seen_by(&["dgs", "cell"], &roles), Some(ALL));
        assert_eq!(seen_by(&["cell", "dgs", "ars:75"], &roles), Some(ALL));
        assert_eq!(seen_by(&["dgs", "ars:76"], &roles), Some(CONTACTS));
    }

    #[test]
    fn a_party_of_a_later_release_is_kept() {
        let mut parties: Parties = ["regulator:eu".to_owned()].into_iter().collect();
        parties.add(&Party::HealthAuthority);
        assert_eq!(parties.slugs(), ["dgs", "regulator:eu"]);
    }
}

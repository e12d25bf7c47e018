//! Who sees what rests about a report, and how much of it.

use std::collections::BTreeSet;

use platform::Caller;
use vocabulary::{Party, Role};

/// The parties that see something, by their slugs.
///
/// Slugs, not [`Party`]: a party that a later release writes must survive being read
/// and stored by this one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Parties(BTreeSet<String>);

impl Parties {
    /// Adds a party.
    pub fn add(&mut self, party: &Party) {
        self.0.insert(party.to_string());
    }

    /// Whether a party sees it.
    pub fn contains(&self, party: &Party) -> bool {
        self.0.contains(&party.to_string())
    }

    /// The slugs, in order.
    pub fn slugs(&self) -> Vec<String> {
        self.0.iter().cloned().collect()
    }
}

impl FromIterator<String> for Parties {
    fn from_iter<I: IntoIterator<Item = String>>(slugs: I) -> Self {
        Self(slugs.into_iter().collect())
    }
}

/// How much a caller sees, by the parties through which it sees.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct View {
    /// The declarant's contact data, by the rule of [`Party::sees_contacts`].
    pub contacts: bool,
    /// The subjects of those who act: for the cell and the FSSI.
    pub people: bool,
    /// What the agencies say among themselves: for the cell, the FSSI and the agent of
    /// the region.
    pub agencies: bool,
}

impl View {
    /// What a caller sees of something seen by `parties`; `None` when it does not exist
    /// for this caller.
    pub fn of(parties: &Parties, caller: &Caller) -> Option<Self> {
        let own = caller.parties();
        let matched = own.iter().filter(|slug| parties.0.contains(*slug));
        matched.fold(None, |seen, slug| {
            let seen = seen.unwrap_or(Self::default());
            let party = Party::stored(slug);
            let national = matches!(party, Party::Cell | Party::SecurityOfficer);
            let regional = matches!(party, Party::Region(_)) && caller.has(Role::RegionalAgent);
            Some(Self {
                contacts: seen.contacts || party.sees_contacts(&caller.roles),
                people: seen.people || national,
                agencies: seen.agencies || national || regional,
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen_by(roles: &[Role], region: &str) -> Option<View> {
        let parties = [
            "cell",
            "fssi",
            "ars:76",
            "dgs",
            "subject:d1",
            "structure:finess:010000024",
        ];
        let parties = parties.map(str::to_owned).into_iter().collect();
        let caller = Caller {
            subject: "d1".to_owned(),
            roles: roles.iter().copied().collect(),
            region: region.parse().ok(),
            ..Caller::anonymous()
        };
        View::of(&parties, &caller)
    }

    const NOTHING: View = View {
        contacts: false,
        people: false,
        agencies: false,
    };
    const ALL: View = View {
        contacts: true,
        people: true,
        agencies: true,
    };
    const REGION: View = View {
        people: false,
        ..ALL
    };
    const OWN: View = View {
        contacts: true,
        ..NOTHING
    };

    #[test]
    fn each_role_sees_what_its_office_needs_and_no_more() {
        assert_eq!(seen_by(&[Role::Analyst], ""), Some(ALL));
        assert_eq!(seen_by(&[Role::SecurityOfficer], ""), Some(ALL));
        assert_eq!(seen_by(&[Role::RegionalAgent], "76"), Some(REGION));
        assert_eq!(seen_by(&[Role::Declarant], ""), Some(OWN));
        assert_eq!(seen_by(&[Role::HealthAuthority], ""), Some(NOTHING));
    }

    #[test]
    fn who_holds_the_region_without_being_its_agent_sees_no_contacts() {
        assert_eq!(seen_by(&[Role::Integration], "76"), Some(NOTHING));
        let both = [Role::Integration, Role::RegionalAgent];
        assert_eq!(seen_by(&both, "76"), Some(REGION));
    }

    #[test]
    fn it_does_not_exist_for_those_outside_its_parties() {
        assert_eq!(seen_by(&[Role::RegionalAgent], "75"), None);
        assert_eq!(seen_by(&[Role::Prober], ""), None);
        assert_eq!(seen_by(&[], ""), None);
    }

    #[test]
    fn several_roles_add_up() {
        let roles = [Role::HealthAuthority, Role::Analyst];
        assert_eq!(seen_by(&roles, ""), Some(ALL));
        let roles = [Role::HealthAuthority, Role::Declarant];
        assert_eq!(seen_by(&roles, ""), Some(OWN));
    }

    #[test]
    fn a_party_of_a_later_release_is_kept() {
        let mut parties: Parties = ["regulator:eu".to_owned()].into_iter().collect();
        parties.add(&Party::HealthAuthority);
        assert_eq!(parties.slugs(), ["dgs", "regulator:eu"]);
    }
}

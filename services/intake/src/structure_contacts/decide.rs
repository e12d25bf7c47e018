//! Who keeps and who reads the contacts of a structure, and how many it has.

use std::collections::{BTreeMap, BTreeSet};

use vocabulary::{Region, Role, StructureContactRole, StructureKey};

use super::StructureContact;
use crate::{reports::is_placeholder, structures::Structure};

/// How many persons a set holds.
pub(super) const MOST: usize = 7;

/// Why a set is not put.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// The set changed since it was read.
    EtagMismatch,
}

/// What is wrong with one of several persons.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Flaw {
    /// The role has its persons already.
    TooMany,
    /// The person has the role already.
    Duplicate,
}

/// How many persons of a structure have a role.
fn most(role: StructureContactRole) -> usize {
    match role {
        StructureContactRole::Director => 1,
        StructureContactRole::It
        | StructureContactRole::InformationSecurityOfficer
        | StructureContactRole::Later(_) => 3,
    }
}

/// Finds what is wrong with a set of persons, by their places in it.
pub(super) fn flaws(persons: &[StructureContact]) -> Vec<(usize, Flaw)> {
    let mut counts: BTreeMap<StructureContactRole, usize> = BTreeMap::new();
    let mut flaws = Vec::new();
    for (place, person) in persons.iter().enumerate() {
        let count = counts.entry(person.role).or_default();
        *count += 1;
        if persons[..place].contains(person) {
            flaws.push((place, Flaw::Duplicate));
        } else if *count > most(person.role) {
            flaws.push((place, Flaw::TooMany));
        }
    }
    flaws
}

/// The role in which a caller keeps the contacts of a structure, if it may: as one of its
/// declarants, by any key under which it stands among the caller's own, else as the agent of
/// its region.
pub(super) fn keeping_role(
    structure: &Structure,
    roles: &BTreeSet<Role>,
    region: Option<Region>,
    own: &BTreeSet<StructureKey>,
) -> Option<Role> {
    let siret = structure.siret.filter(|siret| !is_placeholder(siret));
    let keys = [
        Some(structure.key()),
        structure.legal_entity_key(),
        siret.map(StructureKey::Siret),
    ];
    if roles.contains(&Role::Declarant) && keys.iter().flatten().any(|key| own.contains(key)) {
        return Some(Role::Declarant);
    }
    let is_competent = structure.region.is_some() && structure.region == region;
    (roles.contains(&Role::RegionalAgent) && is_competent).then_some(Role::RegionalAgent)
}

/// Whether a caller reads the contacts of a structure.
pub(super) fn reads(
    structure: &Structure,
    roles: &BTreeSet<Role>,
    region: Option<Region>,
    own: &BTreeSet<StructureKey>,
) -> bool {
    is_national(roles) || keeping_role(structure, roles, region, own).is_some()
}

/// Whether a caller sees who changed a set of contacts.
pub(super) fn is_national(roles: &BTreeSet<Role>) -> bool {
    roles.contains(&Role::Analyst) || roles.contains(&Role::SecurityOfficer)
}

/// Decides on a set that is put in the place of the one at a revision, 0 where there never was
/// one; gives back its own revision.
pub(super) fn put(revision: u64, etag: &str) -> Result<u64, Refusal> {
    if etag.trim() != revision.to_string() {
        return Err(Refusal::EtagMismatch);
    }
    Ok(revision + 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reports::{Contact, samples::entry};

    fn person(role: StructureContactRole, family_name: &str) -> StructureContact {
        StructureContact {
            role,
            contact: Contact {
                family_name: family_name.try_into().unwrap(),
                given_name: None,
                position: None,
                email: None,
                phone: Some("0474000000".parse().unwrap()),
            },
        }
    }

    #[test]
    fn a_structure_has_one_director_and_three_of_each_other_role() {
        use StructureContactRole::{Director, InformationSecurityOfficer, It};

        let names = ["A", "B", "C", "D"];
        for (role, most) in [(Director, 1), (It, 3), (InformationSecurityOfficer, 3)] {
            let persons = names.map(|name| person(role, name));
            assert_eq!(flaws(&persons[..most]), []);
            let beyond: Vec<_> = (most..4).map(|place| (place, Flaw::TooMany)).collect();
            assert_eq!(flaws(&persons), beyond, "{role}");
        }
        let twice = [It, Director, It].map(|role| person(role, "A"));
        assert_eq!(flaws(&twice), [(2, Flaw::Duplicate)]);
        let all: usize = StructureContactRole::ALL.iter().map(|it| most(*it)).sum();
        assert_eq!(all, MOST);
    }

    #[test]
    fn a_declarant_keeps_those_of_its_own_structures_by_whichever_number() {
        let keeps = |key: &str| {
            let own = BTreeSet::from([key.parse().unwrap()]);
            keeping_role(&entry(), &[Role::Declarant].into(), None, &own)
        };
        for key in [
            "finess:010000024",
            "finess:010780054",
            "siret:26010004500012",
        ] {
            assert_eq!(keeps(key), Some(Role::Declarant), "{key}");
        }
        assert_eq!(keeps("finess:2A0000014"), None);
        // A number of zeros is that of whoever has none.
        let unnumbered = Structure {
            siret: "00000000000000".parse().ok(),
            ..entry()
        };
        assert!(unnumbered.siret.is_some());
        let own = BTreeSet::from(["siret:00000000000000".parse().unwrap()]);
        let kept = keeping_role(&unnumbered, &[Role::Declarant].into(), None, &own);
        assert_eq!(kept, None);
    }

    #[test]
    fn each_role_keeps_and_reads_what_its_office_needs_and_no_more() {
        let own = BTreeSet::from([entry().key()]);
        let region = entry().region;
        for &role in Role::ALL {
            let roles = BTreeSet::from([role]);
            let kept = keeping_role(&entry(), &roles, region, &own);
            let keeps = matches!(role, Role::Declarant | Role::RegionalAgent);
            assert_eq!(kept, keeps.then_some(role), "{role}");
            let national = matches!(role, Role::Analyst | Role::SecurityOfficer);
            let seen = reads(&entry(), &roles, region, &own);
            assert_eq!(seen, keeps || national, "{role}");
            let elsewhere = reads(&entry(), &roles, "76".parse().ok(), &BTreeSet::new());
            assert_eq!(elsewhere, national, "{role}");
        }
        // Without a region there is no agency, not even that of nowhere.
        let nowhere = Structure {
            region: None,
            ..entry()
        };
        let agent = BTreeSet::from([Role::RegionalAgent]);
        assert!(!reads(&nowhere, &agent, None, &BTreeSet::new()));
    }

    #[test]
    fn a_set_is_put_in_the_place_of_the_one_that_was_read() {
        assert_eq!(put(0, "0"), Ok(1));
        assert_eq!(put(4, " 4 "), Ok(5));
        for etag in ["", "3", "5", "04"] {
            assert_eq!(put(4, etag), Err(Refusal::EtagMismatch), "{etag}");
        }
    }
}

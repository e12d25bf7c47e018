//! The sides of the exchanges on a case.

use std::fmt;

use vocabulary::{Party, Region, Role};

use super::Audience;

/// A side of the exchanges, whichever of its people acts. Reading is counted by side, and an
/// internal note belongs to one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Side {
    /// The declarant and those of the structure.
    Structure,
    /// The cell.
    Cell,
    /// The FSSI.
    SecurityOfficer,
    /// The ARS of a region.
    Agency(Region),
}

impl Side {
    /// The side for which a caller acts in a role; `None` for who takes no part.
    pub(super) fn of(role: Role, region: Option<Region>) -> Option<Self> {
        match role {
            Role::Declarant => Some(Self::Structure),
            Role::Analyst => Some(Self::Cell),
            Role::SecurityOfficer => Some(Self::SecurityOfficer),
            Role::RegionalAgent => region.map(Self::Agency),
            _ => None,
        }
    }

    /// Reads a stored slug; `None` for a side of a later release.
    pub(super) fn stored(slug: &str) -> Option<Self> {
        if slug == "structure" {
            return Some(Self::Structure);
        }
        match Party::stored(slug) {
            Party::Cell => Some(Self::Cell),
            Party::SecurityOfficer => Some(Self::SecurityOfficer),
            Party::Region(region) => Some(Self::Agency(region)),
            _ => None,
        }
    }

    /// Whether it reads what is written to an audience.
    pub(super) fn reads(self, audience: Audience) -> bool {
        self != Self::Structure || audience == Audience::Structure
    }
}

impl fmt::Display for Side {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Structure => f.write_str("structure"),
            Self::Cell => Party::Cell.fmt(f),
            Self::SecurityOfficer => Party::SecurityOfficer.fmt(f),
            Self::Agency(region) => Party::Region(*region).fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_side_is_read_back_as_it_was_stored() {
        let agency = Side::Agency("76".parse().unwrap());
        let sides = [Side::Structure, Side::Cell, Side::SecurityOfficer, agency];
        let slugs = sides.map(|side| side.to_string());
        assert_eq!(slugs, ["structure", "cell", "fssi", "ars:76"]);
        assert_eq!(slugs.map(|slug| Side::stored(&slug)), sides.map(Some));
        // Neither a party that takes no part nor one of a later release is a side.
        for slug in ["dgs", "army", "regulator:eu", "structure:finess:010000024"] {
            assert_eq!(Side::stored(slug), None, "{slug}");
        }
    }

    #[test]
    fn only_who_takes_part_in_the_exchanges_has_a_side() {
        let region = Some("76".parse().unwrap());
        for role in [Role::HealthAuthority, Role::Integration, Role::Importer] {
            assert_eq!(Side::of(role, region), None, "{role}");
        }
        assert_eq!(Side::of(Role::RegionalAgent, None), None);
        let agency = Side::of(Role::RegionalAgent, region);
        assert_eq!(
            agency.map(|side| side.to_string()).as_deref(),
            Some("ars:76")
        );
    }
}

//! Those who may see something.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use crate::{ParseError, Region, Role, StructureKey, as_text::serde_as_text};

/// One of those who may see a report or a case. The set of them is stored with
/// it; a caller sees what one of his own parties may see.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Party {
    /// The national cell (cellule ACSS, now CERT Santé): "cell".
    Cell,
    /// The FSSI: "fssi".
    SecurityOfficer,
    /// The ARS of a region: "ars:75".
    Region(Region),
    /// DGS/CORRUSS: "dgs".
    HealthAuthority,
    /// The armed forces' own chain: "army".
    ArmedForces,
    /// The declarants of a structure: "structure:finess:010000024".
    Structure(StructureKey),
    /// The person who declared, by the subject of his token: "subject:…".
    Subject(String),
    /// The importer who sent it, by the subject of his token: "importer:…".
    Importer(String),
    /// Probers: "probe".
    Probe,
    /// One that a later release added: passed on as it came, and nobody here.
    Later(String),
}

impl Party {
    /// Whether a caller of these roles who sees a report or a case as this party also
    /// sees how to reach the declarant: the cell, the FSSI, an agent of the ARS of a
    /// region that sees it, the declarant and those of his structure.
    ///
    /// A program that subscribes for a region does not. CORRUSS receives everything
    /// but the contact data (décret 2023-499, SI-VSS, as precedent).
    pub fn sees_contacts(&self, roles: &BTreeSet<Role>) -> bool {
        let office = match self {
            Self::Cell => Role::Analyst,
            Self::SecurityOfficer => Role::SecurityOfficer,
            Self::Region(_) => Role::RegionalAgent,
            Self::Structure(_) | Self::Subject(_) => Role::Declarant,
            Self::HealthAuthority
            | Self::ArmedForces
            | Self::Importer(_)
            | Self::Probe
            | Self::Later(_) => return false,
        };
        roles.contains(&office)
    }

    /// Reads a stored party.
    pub fn stored(text: &str) -> Self {
        text.parse()
            .unwrap_or_else(|_: ParseError| Self::Later(text.to_owned()))
    }
}

impl fmt::Display for Party {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cell => f.write_str("cell"),
            Self::SecurityOfficer => f.write_str("fssi"),
            Self::Region(region) => write!(f, "ars:{region}"),
            Self::HealthAuthority => f.write_str("dgs"),
            Self::ArmedForces => f.write_str("army"),
            Self::Structure(key) => write!(f, "structure:{key}"),
            Self::Subject(subject) => write!(f, "subject:{subject}"),
            Self::Importer(subject) => write!(f, "importer:{subject}"),
            Self::Probe => f.write_str("probe"),
            Self::Later(text) => f.write_str(text),
        }
    }
}

impl FromStr for Party {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "cell" => return Ok(Self::Cell),
            "fssi" => return Ok(Self::SecurityOfficer),
            "dgs" => return Ok(Self::HealthAuthority),
            "army" => return Ok(Self::ArmedForces),
            "probe" => return Ok(Self::Probe),
            _ => {}
        }
        match text.split_once(':') {
            Some(("ars", code)) => code.parse().map(Self::Region),
            Some(("structure", key)) => key.parse().map(Self::Structure),
            Some(("subject", subject)) => Ok(Self::Subject(subject.to_owned())),
            Some(("importer", subject)) => Ok(Self::Importer(subject.to_owned())),
            _ => Err(ParseError::new("party", "not a known kind of party")),
        }
    }
}

serde_as_text!(Party);

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn any_party() -> impl Strategy<Value = Party> {
        prop_oneof![
            Just(Party::Cell),
            Just(Party::SecurityOfficer),
            Just(Party::HealthAuthority),
            Just(Party::ArmedForces),
            Just(Party::Probe),
            proptest::sample::select(Region::ALL).prop_map(Party::Region),
            "\\PC{0,40}".prop_map(Party::Subject),
            "\\PC{0,40}".prop_map(Party::Importer),
            Just(Party::Structure("finess:010000024".parse().unwrap())),
        ]
    }

    #[test]
    fn contacts_are_for_the_office_behind_the_party_alone() {
        for (party, office) in [
            ("cell", Some(Role::Analyst)),
            ("fssi", Some(Role::SecurityOfficer)),
            ("ars:75", Some(Role::RegionalAgent)),
            ("structure:finess:010000024", Some(Role::Declarant)),
            ("subject:alice", Some(Role::Declarant)),
            ("importer:alice", None),
            ("dgs", None),
            ("army", None),
            ("probe", None),
            ("regulator:eu", None),
        ] {
            for &role in Role::ALL {
                let sees = Party::stored(party).sees_contacts(&[role].into());
                assert_eq!(sees, Some(role) == office, "{role} as {party}");
            }
        }
    }

    proptest! {
        #[test]
        fn a_party_survives_its_text(party in any_party()) {
            prop_assert_eq!(party.to_string().parse::<Party>().unwrap(), party);
        }

        #[test]
        fn any_stored_text_is_passed_on_as_it_came(text in "\\PC*") {
            prop_assert_eq!(Party::stored(&text).to_string(), text);
        }
    }
}

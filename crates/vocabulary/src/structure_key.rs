//! The key under which a structure is known.

use std::fmt;
use std::str::FromStr;

use crate::{Department, Finess, ParseError, Rpps, Siret, as_text::serde_as_text, fold};

const WHAT: &str = "structure key";

/// The key of a structure: its best number, or its name and department. Most of
/// the million obliged actors have no FINESS.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum StructureKey {
    /// "finess:010000024".
    Finess(Finess),
    /// "siret:26010004500012".
    Siret(Siret),
    /// "rpps:10101201234".
    Rpps(Rpps),
    /// "described:75:cabinet du parc"; without a department "described:--:…".
    Described {
        /// Its name, folded.
        name: StructureName,
        /// Its department; none for a national body.
        department: Option<Department>,
    },
}

/// The name of a structure without a number, folded so that its spellings meet.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StructureName(String);

impl StructureName {
    /// Folds a name.
    pub fn new(name: &str) -> Self {
        Self(fold(name))
    }

    /// The folded name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for StructureKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Finess(number) => write!(f, "finess:{number}"),
            Self::Siret(number) => write!(f, "siret:{number}"),
            Self::Rpps(number) => write!(f, "rpps:{number}"),
            Self::Described { name, department } => {
                let department = department.map_or("--", Department::as_str);
                write!(f, "described:{department}:{}", name.as_str())
            }
        }
    }
}

impl FromStr for StructureKey {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let bad_form = || ParseError::new(WHAT, "not of the form kind:number");
        let (kind, rest) = text.split_once(':').ok_or_else(bad_form)?;
        match kind {
            "finess" => rest.parse().map(Self::Finess),
            "siret" => rest.parse().map(Self::Siret),
            "rpps" => rest.parse().map(Self::Rpps),
            "described" => {
                let (department, name) = rest.split_once(':').ok_or_else(bad_form)?;
                let department = match department {
                    "--" => None,
                    number => Some(number.parse()?),
                };
                Ok(Self::Described {
                    name: StructureName::new(name),
                    department,
                })
            }
            _ => Err(ParseError::new(WHAT, "not a known kind of number")),
        }
    }
}

serde_as_text!(StructureKey);

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_key_of_each_kind_is_read_back() {
        for text in [
            "finess:010000024",
            "siret:26010004500012",
            "rpps:10101201234",
            "described:75:cabinet du parc",
            "described:--:agence nationale",
        ] {
            assert_eq!(text.parse::<StructureKey>().unwrap().to_string(), text);
        }
        for text in [
            "",
            "finess",
            "finess:010000025",
            "described:99:x",
            "other:1",
        ] {
            assert!(text.parse::<StructureKey>().is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn a_described_structure_survives_its_text(name in "\\PC{1,60}") {
            let key = StructureKey::Described {
                name: StructureName::new(&name),
                department: "2A".parse().ok(),
            };
            prop_assert_eq!(key.to_string().parse::<StructureKey>().unwrap(), key);
        }
    }
}

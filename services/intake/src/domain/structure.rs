//! A structure of the directory.

use time::OffsetDateTime;
use vocabulary::{Department, Finess, OperatorStatus, Region, Siret, StructureKey, StructureKind, Text};

/// A structure of the directory (établissement géographique).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Structure {
    /// FINESS of the site (ET).
    pub finess: Finess,
    /// FINESS of the legal entity (EJ).
    pub legal_entity: Option<Finess>,
    /// SIRET.
    pub siret: Option<Siret>,
    /// Raison sociale.
    pub name: Text<1, 200>,
    /// Kind, derived from the category.
    pub kind: StructureKind,
    /// Category of the national directory (ANS TRE_R66).
    pub category_code: Option<Text<1, 10>>,
    /// Region, and with it the competent ARS.
    pub region: Region,
    /// Department.
    pub department: Department,
    /// Commune.
    pub town: Option<Text<1, 100>>,
    /// Critical-operator status.
    pub operator_status: Option<OperatorStatus>,
}

impl Structure {
    /// The key under which the structure is known to the suite.
    pub fn key(&self) -> StructureKey {
        StructureKey::Finess(self.finess)
    }

    /// The key of the legal entity.
    pub fn legal_entity_key(&self) -> Option<StructureKey> {
        self.legal_entity.map(StructureKey::Finess)
    }
}

/// A structure as it was recorded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recorded {
    /// The structure.
    pub structure: Structure,
    /// Counts its changes, from 1: the greatest wins.
    pub revision: u64,
    /// When it last changed.
    pub recorded_at: OffsetDateTime,
}

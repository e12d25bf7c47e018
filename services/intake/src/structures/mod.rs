//! The directory of structures (annuaire): searched by people, looked up by declarations.

mod decide;
mod events;
mod lookup;
mod rpc;
mod store;

use time::OffsetDateTime;
use vocabulary::{
    Department, Finess, Line, OperatorStatus, Region, Siret, StructureKey, StructureKind,
};

pub(crate) use self::{
    events::recorded,
    lookup::Directory,
    rpc::{StructureRpc, known_to, shown},
    store::{record, site_named, sites, structures_after},
};

/// A structure of the directory (établissement géographique).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Structure {
    /// FINESS of the site (ET).
    pub(crate) finess: Finess,
    /// FINESS of the legal entity (EJ).
    pub(crate) legal_entity: Option<Finess>,
    /// SIRET.
    pub(crate) siret: Option<Siret>,
    /// Raison sociale.
    pub(crate) name: Line<1, 200>,
    /// Kind, derived from the category.
    pub(crate) kind: StructureKind,
    /// Category of the national directory (ANS TRE_R66).
    pub(crate) category_code: Option<Line<1, 10>>,
    /// Region, and with it the competent ARS; Saint-Pierre-et-Miquelon has none.
    pub(crate) region: Option<Region>,
    /// Department.
    pub(crate) department: Department,
    /// Commune.
    pub(crate) town: Option<Line<1, 100>>,
    /// Critical-operator status.
    pub(crate) operator_status: Option<OperatorStatus>,
}

impl Structure {
    /// The key under which the structure is known to the suite.
    pub(crate) fn key(&self) -> StructureKey {
        StructureKey::Finess(self.finess)
    }

    /// The key of the legal entity.
    pub(crate) fn legal_entity_key(&self) -> Option<StructureKey> {
        self.legal_entity.map(StructureKey::Finess)
    }
}

/// A structure as it was recorded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Recorded {
    /// The structure.
    pub(crate) structure: Structure,
    /// Counts its changes, from 1: the greatest wins.
    pub(crate) revision: u64,
    /// When it last changed.
    pub(crate) at: OffsetDateTime,
}

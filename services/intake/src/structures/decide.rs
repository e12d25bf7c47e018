//! Who sees what of the directory.

use std::collections::BTreeSet;

use vocabulary::{Region, Role, StructureKey};

use super::Structure;

/// Whether a caller sees the critical-operator status of a structure, which is known only
/// to those who need it (arrêté of 17 April 2023): by its roles, its region and the
/// structures that it belongs to.
pub(super) fn sees_operator_status(
    structure: &Structure,
    roles: &BTreeSet<Role>,
    region: Option<Region>,
    own: &BTreeSet<StructureKey>,
) -> bool {
    let national = [Role::Analyst, Role::SecurityOfficer, Role::Importer];
    let keys = [Some(structure.key()), structure.legal_entity_key()];
    national.iter().any(|role| roles.contains(role))
        || (roles.contains(&Role::RegionalAgent)
            && structure.region.is_some()
            && region == structure.region)
        || (roles.contains(&Role::Declarant) && keys.iter().flatten().any(|key| own.contains(key)))
}

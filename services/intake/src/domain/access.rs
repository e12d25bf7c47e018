//! Who among those who see a report may do what with it.

use platform::Caller;
use vocabulary::{Party, Role};

use super::{Report, Structure};

/// Whether the caller may withdraw a report that he sees: who declared it, the
/// declarants of the structure, and the agent of the region.
pub(crate) fn may_withdraw(caller: &Caller, report: &Report) -> bool {
    shared(caller, report).any(|party| match party {
        Party::Subject(_) | Party::Structure(_) | Party::Importer(_) | Party::Probe => true,
        Party::Region(_) => caller.has(Role::RegionalAgent),
        Party::Cell
        | Party::SecurityOfficer
        | Party::HealthAuthority
        | Party::ArmedForces
        | Party::Later(_) => false,
    })
}

/// Whether the caller sees how to reach the declarant.
pub(crate) fn sees_contacts(caller: &Caller, report: &Report) -> bool {
    shared(caller, report).any(|party| party.sees_contacts(&caller.roles))
}

/// Whether the caller sees the critical-operator status of a structure, which
/// is known only to those who need it (arrêté of 17 April 2023).
pub(crate) fn sees_operator_status(caller: &Caller, structure: &Structure) -> bool {
    let national = [Role::Analyst, Role::SecurityOfficer, Role::Importer];
    let mut keys = [Some(structure.key()), structure.legal_entity_key()]
        .into_iter()
        .flatten();
    national.into_iter().any(|role| caller.has(role))
        || (caller.has(Role::RegionalAgent)
            && structure.region.is_some()
            && caller.region == structure.region)
        || (caller.has(Role::Declarant) && keys.any(|key| caller.structures.contains(&key)))
}

/// The parties that see the report and for which the caller speaks.
fn shared<'a>(caller: &Caller, report: &'a Report) -> impl Iterator<Item = &'a Party> {
    let own = caller.parties();
    report
        .visible_to
        .iter()
        .filter(move |party| own.contains(&party.to_string()))
}

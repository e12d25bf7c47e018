//! What the directory announces.

use eventlog::NewEvent;
use proto::events::v1 as events;
use service::wire;
use vocabulary::{Word as _, derived_id};

use super::Recorded;

/// Announces a structure of the directory, new or changed.
pub(crate) fn recorded(recorded: &Recorded) -> NewEvent {
    let structure = &recorded.structure;
    let key = structure.key().to_string();
    let payload = events::StructureRecorded {
        structure_key: key.clone(),
        name: structure.name.as_str().to_owned(),
        kind: structure.kind.number(),
        region: wire::shown(structure.region),
        department: structure.department.to_string(),
        town: wire::text(structure.town.as_ref()),
        legal_entity_finess: wire::shown(structure.legal_entity),
        operator_status: proto::number(structure.operator_status),
        revision: recorded.revision,
    };
    let id = derived_id(
        "structure_recorded",
        &[key.as_bytes(), &recorded.revision.to_be_bytes()],
    );
    NewEvent::new(id, format!("structure/{key}"), recorded.at, &payload)
}

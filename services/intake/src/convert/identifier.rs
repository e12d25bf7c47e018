//! How a structure is named, both ways.

use proto::types::v1::{self as types, structure_identifier::Identifier};
use service::Fields;
use vocabulary::{Line, fold};

use crate::domain::StructureIdentifier;

/// Parses how a draft names its structure; `is_placed` when it may do without a
/// department.
pub(super) fn identifier(
    read: &mut Fields<'_>,
    wire: Option<types::StructureIdentifier>,
    is_placed: bool,
) -> Option<StructureIdentifier> {
    let Some(identifier) = wire.and_then(|wire| wire.identifier) else {
        read.missing("structure");
        return None;
    };
    let mut read = read.within("structure");
    match identifier {
        Identifier::Finess(text) => read
            .required_identifier("finess", &text)
            .map(StructureIdentifier::Finess),
        Identifier::Siret(text) => read
            .required_identifier("siret", &text)
            .map(StructureIdentifier::Siret),
        Identifier::Rpps(text) => read
            .required_identifier("rpps", &text)
            .map(StructureIdentifier::Rpps),
        Identifier::Described(wire) => {
            let mut read = read.within("described");
            let name: Option<Line<1, 200>> = read.required_text("name", wire.name);
            let department = if is_placed {
                read.identifier("department", &wire.department)
            } else {
                read.required_identifier("department", &wire.department)
            };
            let name = name?;
            if fold(name.as_str()).is_empty() {
                read.refuse("name", "BAD_FORMAT", "ce nom ne contient aucun mot");
            }
            Some(StructureIdentifier::Described { name, department })
        }
    }
}

/// How a structure is named, for the wire.
pub(super) fn to_wire(identifier: &StructureIdentifier) -> types::StructureIdentifier {
    let identifier = match identifier {
        StructureIdentifier::Finess(finess) => Identifier::Finess(finess.to_string()),
        StructureIdentifier::Siret(siret) => Identifier::Siret(siret.to_string()),
        StructureIdentifier::Rpps(rpps) => Identifier::Rpps(rpps.to_string()),
        StructureIdentifier::Described { name, department } => {
            Identifier::Described(types::DescribedStructure {
                name: name.as_str().to_owned(),
                department: department
                    .map(|department| department.to_string())
                    .unwrap_or_default(),
            })
        }
    };
    types::StructureIdentifier {
        identifier: Some(identifier),
    }
}

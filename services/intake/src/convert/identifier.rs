//! How a structure is named, both ways.

use proto::types::v1::{self as types, structure_identifier::Identifier};
use vocabulary::{Finess, ParseError, fold};

use super::reader::Reader;
use crate::domain::StructureIdentifier;

/// Parses how a draft names its structure; `is_placed` when it may do without a
/// department.
pub(super) fn identifier(
    read: &mut Reader<'_>,
    wire: Option<types::StructureIdentifier>,
    is_placed: bool,
) -> Option<StructureIdentifier> {
    let Some(identifier) = wire.and_then(|wire| wire.identifier) else {
        read.missing("structure");
        return None;
    };
    let mut read = read.within("structure");
    match identifier {
        Identifier::Finess(text) => {
            numbered(&mut read, "finess", &text, finess).map(StructureIdentifier::Finess)
        }
        Identifier::Siret(text) => numbered(&mut read, "siret", &text, |text| {
            text.parse()
                .map_err(|_: ParseError| ("BAD_FORMAT", "un SIRET compte 14 chiffres"))
        })
        .map(StructureIdentifier::Siret),
        Identifier::Rpps(text) => numbered(&mut read, "rpps", &text, |text| {
            text.parse()
                .map_err(|_: ParseError| ("BAD_FORMAT", "un numéro RPPS compte 11 chiffres"))
        })
        .map(StructureIdentifier::Rpps),
        Identifier::Described(wire) => {
            let mut read = read.within("described");
            let name = read.required_text("name", wire.name);
            if wire.department.is_empty() && !is_placed {
                read.missing("department");
            }
            let department = read.formed("department", &wire.department, |text| {
                text.parse()
                    .map_err(|_: ParseError| ("BAD_FORMAT", "ce département n'existe pas"))
            });
            let name = name?;
            if fold(name.as_str()).is_empty() {
                read.refuse("name", "BAD_FORMAT", "ce nom ne contient aucun mot");
            }
            Some(StructureIdentifier::Described { name, department })
        }
    }
}

/// Parses a FINESS number; tells a wrong key from a wrong form.
pub(super) fn finess(text: &str) -> Result<Finess, (&'static str, &'static str)> {
    text.parse().map_err(|_: ParseError| {
        let formed = text.len() == 9
            && text.bytes().enumerate().all(|(place, byte)| {
                byte.is_ascii_digit() || (place == 1 && matches!(byte, b'A' | b'B' | b'a' | b'b'))
            });
        if formed {
            ("BAD_KEY", "la clé de ce numéro FINESS est fausse")
        } else {
            ("BAD_FORMAT", "un numéro FINESS compte 9 caractères")
        }
    })
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

fn numbered<T>(
    read: &mut Reader<'_>,
    field: &str,
    text: &str,
    parse: impl FnOnce(&str) -> Result<T, (&'static str, &'static str)>,
) -> Option<T> {
    if text.is_empty() {
        read.missing(field);
    }
    read.formed(field, text, parse)
}

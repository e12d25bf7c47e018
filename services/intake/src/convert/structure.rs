//! Structures of the directory, and what came of a file of them, for the wire.

use platform::{Error, Result};
use proto::intake::v1 as pb;
use service::wire;
use vocabulary::{Finess, OperatorStatus, ParseError, Word as _, is_empty_text};

use crate::domain::{Column, Imported, RejectedLine, Structure};

/// A structure for the wire, with the operator status that the caller may see.
pub(crate) fn structure(
    structure: &Structure,
    operator_status: Option<OperatorStatus>,
) -> pb::Structure {
    pb::Structure {
        structure_key: structure.key().to_string(),
        finess: structure.finess.to_string(),
        legal_entity_finess: wire::shown(structure.legal_entity),
        siret: wire::shown(structure.siret),
        name: structure.name.as_str().to_owned(),
        kind: structure.kind.number(),
        category_code: wire::text(structure.category_code.as_ref()),
        region: wire::shown(structure.region),
        department: structure.department.to_string(),
        town: wire::text(structure.town.as_ref()),
        operator_status: proto::number(operator_status),
    }
}

/// Parses the FINESS that is asked for.
pub(crate) fn wanted_structure(text: &str) -> Result<Finess> {
    if is_empty_text(text) {
        return Err(Error::invalid(
            "finess",
            "REQUIRED",
            "ce champ est obligatoire",
        ));
    }
    text.parse().map_err(|refused: ParseError| {
        Error::invalid("finess", refused.reason, refused.description)
    })
}

/// What came of a file, for the wire.
pub(crate) fn import_answer(imported: Imported) -> pb::ImportStructuresResponse {
    pb::ImportStructuresResponse {
        lines: imported.lines,
        created: imported.changes.created,
        updated: imported.changes.updated,
        unchanged: imported.changes.unchanged,
        rejected: imported.rejected,
        rejected_lines: imported.rejected_lines.into_iter().map(remark).collect(),
        warned: imported.warned,
        warnings: imported.warnings.into_iter().map(remark).collect(),
        encoding: imported.encoding.name().to_owned(),
    }
}

fn remark(line: RejectedLine) -> pb::RejectedLine {
    pb::RejectedLine {
        line: line.line,
        column: line.rejection.column.map_or("", Column::name).to_owned(),
        reason: line.rejection.reason.to_owned(),
        description: line.rejection.description.into_owned(),
    }
}

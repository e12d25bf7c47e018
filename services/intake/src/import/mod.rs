//! Import of the directory from a file: how it is written, its columns, its lines.

mod encoding;
mod layout;
mod line;
mod load;
mod reader;
mod upload;

use std::borrow::Cow;

pub(crate) use self::{load::load, upload::Upload};
use crate::structures::{Recorded, Structure};

/// What comes of a file of structures.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Imported {
    /// How the file was written.
    encoding: Encoding,
    /// Lines read, without the header.
    lines: u64,
    /// What became of the structures.
    changes: Changes,
    /// Lines that were refused.
    rejected: u64,
    /// The first of them.
    rejected_lines: Vec<RejectedLine>,
    /// Cells that could not be read in lines that were taken.
    warned: u64,
    /// The first of them.
    warnings: Vec<RejectedLine>,
}

/// A structure as a line of a file tells it.
#[derive(Clone, Debug, PartialEq, Eq)]
struct ReadStructure {
    /// The structure, without what could not be read.
    structure: Structure,
    /// Columns that the file does not have.
    absent: Vec<Column>,
    /// Optional cells that could not be read.
    unread: Vec<Rejection>,
}

/// A column that is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Column {
    /// FINESS of the site.
    FinessEt,
    /// FINESS of the legal entity.
    FinessEj,
    /// Raison sociale.
    Name,
    /// Category of the national directory.
    CategoryCode,
    /// SIRET.
    Siret,
    /// INSEE code of the region.
    RegionCode,
    /// Department.
    Department,
    /// Commune.
    Commune,
    /// Critical-operator status.
    OperatorStatus,
}

/// What becomes of structures that are recorded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Changes {
    /// Structures that are new.
    created: u64,
    /// Structures that changed.
    updated: u64,
    /// Structures that were the same.
    unchanged: u64,
}

/// How a text file was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Encoding {
    /// UTF-8.
    Utf8,
    /// Windows-1252, as older office programs write.
    Windows1252,
}

/// A line of a file that was refused.
#[derive(Clone, Debug, PartialEq, Eq)]
struct RejectedLine {
    /// Its number in the file; the header is line 1.
    line: u64,
    /// Why.
    rejection: Rejection,
}

/// Why a line is refused, or a cell cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Rejection {
    /// The column at fault.
    column: Option<Column>,
    /// Machine-readable reason.
    reason: &'static str,
    /// For people, in French.
    description: Cow<'static, str>,
}

/// How many refused lines an answer names.
const NAMED: usize = 1_000;

impl Encoding {
    /// Its usual name.
    fn name(self) -> &'static str {
        match self {
            Self::Utf8 => "utf-8",
            Self::Windows1252 => "windows-1252",
        }
    }
}

impl Imported {
    /// Nothing yet, of a file written in this way.
    fn nothing(encoding: Encoding) -> Self {
        Self {
            encoding,
            lines: 0,
            changes: Changes::default(),
            rejected: 0,
            rejected_lines: Vec::new(),
            warned: 0,
            warnings: Vec::new(),
        }
    }

    /// Counts a refused line and names it if it is among the first.
    fn reject(&mut self, line: u64, rejection: Rejection) {
        self.rejected += 1;
        if self.rejected_lines.len() < NAMED {
            self.rejected_lines.push(RejectedLine { line, rejection });
        }
    }

    /// Counts a cell that could not be read and names it if it is among the first.
    fn warn(&mut self, line: u64, rejection: Rejection) {
        self.warned += 1;
        if self.warnings.len() < NAMED {
            self.warnings.push(RejectedLine { line, rejection });
        }
    }
}

impl ReadStructure {
    /// The structure to record: what the file has no column for, or what could not be
    /// read, stays as the directory knows it.
    fn with_known(self, known: Option<&Structure>) -> Structure {
        let Self {
            mut structure,
            absent,
            unread,
        } = self;
        let Some(known) = known else {
            return structure;
        };
        let unread = unread.iter().filter_map(|cell| cell.column);
        for column in absent.into_iter().chain(unread) {
            match column {
                Column::FinessEj => structure.legal_entity = known.legal_entity,
                Column::Siret => structure.siret = known.siret,
                Column::CategoryCode => {
                    structure.category_code.clone_from(&known.category_code);
                    structure.kind = known.kind;
                }
                Column::Department => {
                    structure.region = known.region;
                    structure.department = known.department;
                }
                Column::Commune => structure.town.clone_from(&known.town),
                Column::OperatorStatus => structure.operator_status = known.operator_status,
                // The number and the name are required, the region is the department's.
                Column::FinessEt | Column::Name | Column::RegionCode => {}
            }
        }
        structure
    }
}

impl Column {
    /// Every column with its names: in the contract, in the statistique annuelle des
    /// établissements (SAE) of the DREES, and in the FINESS extraction, which tells no
    /// region.
    const NAMES: [(Self, [&'static str; 3]); 9] = [
        (Self::FinessEt, ["finess_et", "fi", "nofinesset"]),
        (Self::FinessEj, ["finess_ej", "fi_ej", "nofinessej"]),
        (Self::Name, ["name", "rs", "rs"]),
        (Self::CategoryCode, ["category_code", "cat", "categetab"]),
        (Self::Siret, ["siret", "sir", "siret"]),
        (Self::RegionCode, ["region_code", "reg", "region_code"]),
        (Self::Department, ["department", "dep", "departement"]),
        (Self::Commune, ["commune", "nomcom", "ligneacheminement"]),
        (Self::OperatorStatus, ["operator_status"; 3]),
    ];

    /// Every column.
    fn all() -> impl Iterator<Item = Self> {
        Self::NAMES.iter().map(|(column, _)| *column)
    }

    /// Its name in the contract.
    fn name(self) -> &'static str {
        let [name, ..] = Self::NAMES[self as usize].1;
        name
    }
}

impl Rejection {
    /// Refuses a whole line.
    fn of_line(reason: &'static str, description: &'static str) -> Self {
        Self {
            column: None,
            reason,
            description: description.into(),
        }
    }
}

impl Changes {
    /// Counts the structures of a transaction, of which some are new or changed.
    fn count(&mut self, recorded: &[Recorded], of: usize) {
        let created = recorded
            .iter()
            .filter(|recorded| recorded.revision == 1)
            .count();
        self.created += created as u64;
        self.updated += (recorded.len() - created) as u64;
        self.unchanged += (of - recorded.len()) as u64;
    }
}

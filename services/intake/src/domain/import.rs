//! What comes of a file of structures.

use std::borrow::Cow;

use super::{Recorded, Structure};

/// What comes of a file of structures.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Imported {
    /// How the file was written.
    pub(crate) encoding: Encoding,
    /// Lines read, without the header.
    pub(crate) lines: u64,
    /// What became of the structures.
    pub(crate) changes: Changes,
    /// Lines that were refused.
    pub(crate) rejected: u64,
    /// The first of them.
    pub(crate) rejected_lines: Vec<RejectedLine>,
    /// Cells that could not be read in lines that were taken.
    pub(crate) warned: u64,
    /// The first of them.
    pub(crate) warnings: Vec<RejectedLine>,
}

/// A structure as a line of a file tells it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ReadStructure {
    /// The structure, without what could not be read.
    pub(crate) structure: Structure,
    /// Columns that the file does not have.
    pub(crate) absent: Vec<Column>,
    /// Optional cells that could not be read.
    pub(crate) unread: Vec<Rejection>,
}

/// A column that is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Column {
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
pub(crate) struct Changes {
    /// Structures that are new.
    pub(crate) created: u64,
    /// Structures that changed.
    pub(crate) updated: u64,
    /// Structures that were the same.
    pub(crate) unchanged: u64,
}

/// How a text file was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Encoding {
    /// UTF-8.
    Utf8,
    /// Windows-1252, as older office programs write.
    Windows1252,
}

/// A line of a file that was refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RejectedLine {
    /// Its number in the file; the header is line 1.
    pub(crate) line: u64,
    /// Why.
    pub(crate) rejection: Rejection,
}

/// Why a line is refused, or a cell cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Rejection {
    /// The column at fault.
    pub(crate) column: Option<Column>,
    /// Machine-readable reason.
    pub(crate) reason: &'static str,
    /// For people, in French.
    pub(crate) description: Cow<'static, str>,
}

/// How many refused lines an answer names.
const NAMED: usize = 1_000;

impl Encoding {
    /// Its usual name.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Utf8 => "utf-8",
            Self::Windows1252 => "windows-1252",
        }
    }
}

impl Imported {
    /// Nothing yet, of a file written in this way.
    pub(crate) fn nothing(encoding: Encoding) -> Self {
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
    pub(crate) fn reject(&mut self, line: u64, rejection: Rejection) {
        self.rejected += 1;
        if self.rejected_lines.len() < NAMED {
            self.rejected_lines.push(RejectedLine { line, rejection });
        }
    }

    /// Counts a cell that could not be read and names it if it is among the first.
    pub(crate) fn warn(&mut self, line: u64, rejection: Rejection) {
        self.warned += 1;
        if self.warnings.len() < NAMED {
            self.warnings.push(RejectedLine { line, rejection });
        }
    }
}

impl ReadStructure {
    /// The structure to record: what the file has no column for, or what could not be
    /// read, stays as the directory knows it.
    pub(crate) fn with_known(self, known: Option<&Structure>) -> Structure {
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
    /// Every column.
    pub(crate) const ALL: [Self; 9] = [
        Self::FinessEt,
        Self::FinessEj,
        Self::Name,
        Self::CategoryCode,
        Self::Siret,
        Self::RegionCode,
        Self::Department,
        Self::Commune,
        Self::OperatorStatus,
    ];

    /// Its name in the contract.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::FinessEt => "finess_et",
            Self::FinessEj => "finess_ej",
            Self::Name => "name",
            Self::CategoryCode => "category_code",
            Self::Siret => "siret",
            Self::RegionCode => "region_code",
            Self::Department => "department",
            Self::Commune => "commune",
            Self::OperatorStatus => "operator_status",
        }
    }
}

impl Rejection {
    /// Refuses a whole line.
    pub(crate) fn of_line(reason: &'static str, description: &'static str) -> Self {
        Self {
            column: None,
            reason,
            description: description.into(),
        }
    }
}

impl Changes {
    /// Counts the structures of a transaction, of which some are new or changed.
    pub(crate) fn count(&mut self, recorded: &[Recorded], of: usize) {
        let created = recorded
            .iter()
            .filter(|recorded| recorded.revision == 1)
            .count();
        self.created += created as u64;
        self.updated += (recorded.len() - created) as u64;
        self.unchanged += (of - recorded.len()) as u64;
    }
}

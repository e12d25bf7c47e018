//! What comes of a file of structures.

use super::Recorded;

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

/// Why a line is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Rejection {
    /// The column at fault, or empty.
    pub(crate) column: &'static str,
    /// Machine-readable reason.
    pub(crate) reason: &'static str,
    /// For people, in French.
    pub(crate) description: &'static str,
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
        }
    }

    /// Counts a refused line and names it if it is among the first.
    pub(crate) fn reject(&mut self, line: u64, rejection: Rejection) {
        self.rejected += 1;
        if self.rejected_lines.len() < NAMED {
            self.rejected_lines.push(RejectedLine { line, rejection });
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

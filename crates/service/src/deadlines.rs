//! The rule pack of deadlines that an installation chose, if it chose one.

use std::{fs, path::Path, sync::Arc};

use platform::{Files, StartError, Watched};
use proto::types::v1 as types;
use serde::Deserialize;
use vocabulary::{Deadline, DeadlinePack, DeadlineTerm, Line, Word as _};

use crate::wire::timestamp;

/// The name of the pack that the suite brings.
const SHIPPED_NAME: &str = "nis2";

/// The pack that the suite brings.
const SHIPPED: &str = include_str!("deadlines/nis2.toml");

/// The longest term, in hours: a year.
const MAX_HOURS: u32 = 8_760;

/// The longest term, in months.
const MAX_MONTHS: u32 = 24;

/// The rule pack of deadlines (échéances) of an installation, which has none unless it says so.
/// They oblige « si l'incident est important au sens de l'art. 23(3) », as the structure judges.
#[derive(Clone, Debug)]
pub struct Deadlines(Watched<Option<DeadlinePack>>);

impl Deadlines {
    /// Reads what a variable names: "nis2", the pack that the suite brings, or a file, which is
    /// read again when it changes; unset: there are no deadlines.
    pub fn open(
        variable: &'static str,
        chosen: Option<&str>,
        files: &Files,
    ) -> Result<Self, StartError> {
        let file = chosen.filter(|it| *it != SHIPPED_NAME).map(Path::new);
        let pack = chosen.map(|_| file.map(Path::to_owned));
        let watched = files.watch([(variable, file)], move || {
            let read = match &pack {
                None => return Ok(None),
                Some(None) => parse(SHIPPED),
                Some(Some(path)) => read(path),
            };
            read.map(Some)
                .map_err(|why| StartError::unusable(variable, why))
        })?;
        Ok(Self(watched))
    }

    /// The pack that holds now.
    pub fn current(&self) -> Arc<Option<DeadlinePack>> {
        self.0.current()
    }

    /// Whether there is one.
    pub fn are_on(&self) -> bool {
        self.current().is_some()
    }
}

/// A pack that never changes, or none.
impl From<Option<DeadlinePack>> for Deadlines {
    fn from(pack: Option<DeadlinePack>) -> Self {
        Self(Watched::from(pack))
    }
}

/// A deadline of a pack for the wire.
pub fn deadline(pack: &DeadlinePack, deadline: &Deadline, overdue: bool) -> types::Deadline {
    types::Deadline {
        kind: deadline.kind.number(),
        due_at: deadline.due_at().map(timestamp),
        satisfied_at: deadline.satisfied_at.map(timestamp),
        overdue,
        legal_basis: pack.legal_basis(deadline.kind).to_owned(),
    }
}

fn read(path: &Path) -> Result<DeadlinePack, String> {
    let text = fs::read_to_string(path).map_err(|error| {
        format!("is neither {SHIPPED_NAME:?} nor a file that can be read: {error}")
    })?;
    parse(&text)
}

/// Reads a pack; the error says in one line what is wrong with it.
fn parse(text: &str) -> Result<DeadlinePack, String> {
    let file: FilePack = toml::from_str(text).map_err(|error| {
        let before = error.span().and_then(|span| text.get(..span.start));
        let line = before.map_or(1, |before| 1 + before.matches('\n').count());
        let why = error.message().replace('\n', " ");
        format!("is no rule pack of deadlines (line {line}): {why}")
    })?;
    let basis = |section: &str, text: String| {
        Line::try_from(text).map_err(|why| format!("{section}.legal_basis: {why}"))
    };
    let term = |section: &str, name: &str, length: u32, max: u32, text: String| {
        if !(1..=max).contains(&length) {
            return Err(format!("{section}.{name}: 1 to {max}, not {length}"));
        }
        let legal_basis = basis(section, text)?;
        Ok(DeadlineTerm {
            length,
            legal_basis,
        })
    };
    let hours = |section: &str, it: FileHours| {
        let name = "hours_after_awareness";
        let length = it.hours_after_awareness;
        term(section, name, length, MAX_HOURS, it.legal_basis)
    };
    let FileMonths {
        months_after_notification: months,
        legal_basis,
    } = file.final_report;
    let name = "months_after_notification";
    let pack = DeadlinePack {
        version: Line::try_from(file.version).map_err(|why| format!("version: {why}"))?,
        early_warning: hours("early_warning", file.early_warning)?,
        notification: hours("notification", file.notification)?,
        final_report: term("final_report", name, months, MAX_MONTHS, legal_basis)?,
        progress_report: basis("progress_report", file.progress_report.legal_basis)?,
    };
    if pack.notification.length < pack.early_warning.length {
        return Err("notification: is due before the early warning".to_owned());
    }
    Ok(pack)
}

/// A pack as its file has it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FilePack {
    version: String,
    early_warning: FileHours,
    notification: FileHours,
    final_report: FileMonths,
    progress_report: FileBasis,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FileHours {
    hours_after_awareness: u32,
    legal_basis: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FileMonths {
    months_after_notification: u32,
    legal_basis: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FileBasis {
    legal_basis: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shipped_pack_is_that_of_the_directive() {
        let pack = parse(SHIPPED).unwrap();
        let lengths = [&pack.early_warning, &pack.notification, &pack.final_report];
        assert_eq!(lengths.map(|term| term.length), [24, 72, 1]);
        for kind in vocabulary::DeadlineKind::ALL {
            let basis = pack.legal_basis(*kind);
            assert!(basis.contains("2022/2555, art. 23(4)"), "{basis}");
        }
    }

    #[test]
    fn without_a_choice_there_are_no_deadlines() {
        let files = Files::default();
        let open = |chosen| Deadlines::open("DEADLINE_PACK", chosen, &files).unwrap();
        assert!(!open(None).are_on());
        assert_eq!(*open(Some("nis2")).current(), parse(SHIPPED).ok());
    }

    #[test]
    fn a_pack_that_cannot_be_used_is_told_in_one_line_that_names_the_variable_and_the_place() {
        let refused = Deadlines::open("DEADLINE_PACK", Some("nis1"), &Files::default());
        let refused = refused.unwrap_err().to_string();
        assert!(refused.contains("DEADLINE_PACK"), "{refused}");
        assert!(refused.contains("neither \"nis2\" nor a file"), "{refused}");
        let cases = [
            ("version = \"", "version = ", "(line "),
            ("\"nis2-2022-1\"", "\"\"", "version: "),
            (
                "hours_after_awareness = 24",
                "hours_after_awareness = 0",
                "early_warning.hours_after_awareness: 1 to 8760, not 0",
            ),
            (
                "hours_after_awareness = 72",
                "hours_after_awareness = 23",
                "notification: is due before the early warning",
            ),
            (
                "hours_after_awareness = 72",
                "days_after_awareness = 3",
                "unknown field `days_after_awareness`",
            ),
            (
                "months_after_notification = 1",
                "months_after_notification = 25",
                "final_report.months_after_notification: 1 to 24, not 25",
            ),
            (
                "[progress_report]",
                "[progress]",
                "unknown field `progress`",
            ),
        ];
        for (from, to, told) in cases {
            assert!(SHIPPED.contains(from), "{from}");
            let why = parse(&SHIPPED.replacen(from, to, 1)).unwrap_err();
            assert!(why.contains(told) && !why.contains('\n'), "{to}: {why}");
        }
    }

    #[tokio::test]
    async fn a_changed_file_is_read_again_and_a_broken_one_leaves_the_last() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("deadlines.toml");
        let files = Files::default();
        fs::write(&path, SHIPPED).unwrap();
        let deadlines = Deadlines::open("DEADLINE_PACK", path.to_str(), &files).unwrap();
        let hours = || {
            let pack = deadlines.current();
            pack.as_ref().as_ref().unwrap().notification.length
        };
        assert_eq!(hours(), 72);
        let other = SHIPPED.replace("hours_after_awareness = 72", "hours_after_awareness = 96");
        fs::write(&path, other).unwrap();
        files.poll().await;
        assert_eq!(hours(), 96);
        fs::write(&path, "version = ").unwrap();
        files.poll().await;
        assert_eq!(hours(), 96);
    }
}

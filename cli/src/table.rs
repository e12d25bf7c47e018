//! Tables for people.

use comfy_table::{ContentArrangement, Table, presets};
use time::OffsetDateTime;
use time::macros::format_description;
use vocabulary::{display_line, display_text};

/// The columns of the longest cell, a note of a case.
const MAX_CELL_WIDTH: usize = 4_000;

/// Prints rows under their headings, fitted to the terminal.
pub(crate) fn print<const N: usize>(
    headings: [&str; N],
    rows: impl IntoIterator<Item = [String; N]>,
) {
    let table = rendered(headings, rows);
    say!("{table}");
}

/// A table whose cells, which others may have written, change nothing around them.
fn rendered<const N: usize>(
    headings: [&str; N],
    rows: impl IntoIterator<Item = [String; N]>,
) -> Table {
    let mut table = Table::new();
    table
        .load_preset(presets::NOTHING)
        .set_content_arrangement(ContentArrangement::Dynamic);
    table.set_header(headings);
    let rows = rows.into_iter();
    table.add_rows(rows.map(|row| row.map(|cell| display_line(&cell, MAX_CELL_WIDTH))));
    table
}

/// Prints facts, one a line, their names aligned; empty ones are left out.
pub(crate) fn print_facts(facts: &[(&str, String)]) {
    let width = facts
        .iter()
        .map(|(name, _)| name.chars().count())
        .max()
        .unwrap_or(0);
    for (name, value) in facts.iter().filter(|(_, value)| !value.is_empty()) {
        let indented = display_text(value).replace('\n', &format!("\n{:width$}  ", ""));
        say!("{name:width$}  {indented}");
    }
}

/// A moment to the minute, in UTC; empty when absent.
pub(crate) fn moment(timestamp: Option<prost_types::Timestamp>) -> String {
    timestamp
        .and_then(|t| OffsetDateTime::from_unix_timestamp(t.seconds).ok())
        .and_then(|t| {
            t.format(format_description!("[year]-[month]-[day] [hour]:[minute]Z"))
                .ok()
        })
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_forges_no_row_of_a_table() {
        let name = "Cabinet\rSIG-2026-0000000\nurgent\u{202e}\u{1b}[2J".to_owned();
        let rows = [["SIG-2026-7K3M9Q4".to_owned(), name]];
        let shown = rendered(["reference", "structure"], rows).to_string();
        let lines: Vec<&str> = shown.lines().map(str::trim).collect();
        assert_eq!(
            lines[1],
            "SIG-2026-7K3M9Q4   Cabinet SIG-2026-0000000 urgent\u{fffd}\u{fffd}[2J"
        );
        assert_eq!(lines.len(), 2);
    }
}

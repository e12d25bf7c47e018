//! Tables for people.

use comfy_table::{ContentArrangement, Table, presets};
use time::OffsetDateTime;
use time::macros::format_description;

/// Prints rows under their headings, fitted to the terminal.
pub(crate) fn print<const N: usize>(
    headings: [&str; N],
    rows: impl IntoIterator<Item = [String; N]>,
) {
    let mut table = Table::new();
    table
        .load_preset(presets::NOTHING)
        .set_content_arrangement(ContentArrangement::Dynamic);
    table.set_header(headings);
    table.add_rows(rows);
    say!("{table}");
}

/// Prints facts, one a line, their names aligned; empty ones are left out.
pub(crate) fn print_facts(facts: &[(&str, String)]) {
    let width = facts
        .iter()
        .map(|(name, _)| name.chars().count())
        .max()
        .unwrap_or(0);
    for (name, value) in facts.iter().filter(|(_, value)| !value.is_empty()) {
        let indented = value.replace('\n', &format!("\n{:width$}  ", ""));
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

//! Tables for people.

use comfy_table::{ColumnConstraint, ContentArrangement, Table, Width, presets};
use vocabulary::{display_line, display_text};

/// The columns of the longest cell, a note of a case.
const MAX_CELL_WIDTH: usize = 4_000;

/// The blanks between two columns.
const GAP: u16 = 2;

/// Prints rows under their headings. They are fitted to the terminal; what is no terminal
/// gets a line for each row.
pub(crate) fn print<const N: usize>(
    headings: [&str; N],
    rows: impl IntoIterator<Item = [String; N]>,
) {
    let rows: Vec<_> = rows.into_iter().map(cleaned).collect();
    say!("{}", layout(headings, &rows, terminal_width()));
}

/// Prints facts, one a line, their names aligned; empty ones are left out.
pub(crate) fn print_facts(facts: &[(&str, String)]) {
    let facts: Vec<_> = facts
        .iter()
        .map(|(name, value)| (*name, display_text(value)))
        .collect();
    let facts = facts.iter().map(|(name, value)| (*name, value.as_str()));
    say!("{}", record(facts, terminal_width()));
}

/// Cells whose texts, which others may have written, change nothing around them.
fn cleaned<const N: usize>(row: [String; N]) -> [String; N] {
    row.map(|cell| display_line(&cell, MAX_CELL_WIDTH))
}

fn terminal_width() -> Option<u16> {
    terminal_size::terminal_size_of(std::io::stdout()).map(|(width, _)| width.0)
}

/// A table where every word of it has room, and a record for each row where not.
fn layout<const N: usize>(headings: [&str; N], rows: &[[String; N]], width: Option<u16>) -> String {
    let words: [u16; N] = std::array::from_fn(|column| {
        let cells = rows.iter().map(|row| row[column].as_str());
        let cells = cells.chain([headings[column]]);
        cells.map(longest_word).max().unwrap_or(0) + GAP
    });
    let needed: u32 = words.iter().copied().map(u32::from).sum();
    if width.is_some_and(|width| needed > u32::from(width) + u32::from(GAP)) {
        let records = rows.iter().map(|row| {
            let values = row.iter().map(String::as_str);
            record(headings.into_iter().zip(values), width)
        });
        return records.collect::<Vec<_>>().join("\n\n");
    }
    let mut table = table(width);
    table.set_header(headings);
    table.add_rows(rows);
    let wide = words.map(|word| ColumnConstraint::LowerBoundary(Width::Fixed(word)));
    table.set_constraints(wide);
    to_text(table)
}

fn record<'a>(facts: impl Iterator<Item = (&'a str, &'a str)>, width: Option<u16>) -> String {
    let mut table = table(width);
    table.add_rows(
        facts
            .filter(|(_, value)| !value.is_empty())
            .map(<[&str; 2]>::from),
    );
    if let Some(names) = table.column_mut(0) {
        names.set_constraint(ColumnConstraint::ContentWidth);
    }
    to_text(table)
}

fn table(width: Option<u16>) -> Table {
    let mut table = Table::new();
    table
        .load_preset(presets::NOTHING)
        .set_content_arrangement(ContentArrangement::Dynamic);
    if let Some(width) = width {
        // The blanks after the last column are cut off.
        table.set_width(width.saturating_add(GAP));
    }
    table
}

/// Separates the columns by blanks, of which none end a line.
fn to_text(mut table: Table) -> String {
    for column in table.column_iter_mut() {
        column.set_padding((0, GAP));
    }
    table.trim_fmt()
}

fn longest_word(cell: &str) -> u16 {
    let words = cell.split_whitespace().map(|word| word.chars().count());
    u16::try_from(words.max().unwrap_or(0)).unwrap_or(u16::MAX - GAP)
}

#[cfg(test)]
mod tests {
    use super::{cleaned, layout, record};

    const ID: &str = "0192f3a0-0000-7000-8000-000000000001";
    const HEADINGS: [&str; 4] = ["remise", "créée le", "destinataire", "erreur"];

    fn rows() -> Vec<[String; 4]> {
        let at = "2026-11-02 08:00+01";
        let explained = "Le serveur a répondu par une très longue explication";
        vec![
            [ID, at, "cellule@sante.example.org", "refused_550"].map(str::to_owned),
            [ID, at, "", explained].map(str::to_owned),
        ]
    }

    #[test]
    fn no_line_is_wider_than_the_terminal_and_no_word_is_broken() {
        for width in [50, 60, 70, 80, 86, 87, 90, 100, 132, 200] {
            let text = layout(HEADINGS, &rows(), Some(width));
            for line in text.lines() {
                assert!(
                    line.chars().count() <= usize::from(width),
                    "{width}: {line}"
                );
            }
            for word in [ID, "2026-11-02", "cellule@sante.example.org", "explication"] {
                assert!(text.contains(word), "{width}: {word} in\n{text}");
            }
        }
    }

    #[test]
    fn a_terminal_too_narrow_for_a_table_shows_a_record_for_each_row() {
        let text = layout(HEADINGS, &rows(), Some(60));
        let first = "remise        0192f3a0-0000-7000-8000-000000000001\n\
                     créée le      2026-11-02 08:00+01\n\
                     destinataire  cellule@sante.example.org\n\
                     erreur        refused_550\n\n";
        assert!(text.starts_with(first), "{text}");
    }

    #[test]
    fn a_word_longer_than_the_terminal_is_shown() {
        let long = "x".repeat(20_000);
        for width in [None, Some(80), Some(u16::MAX)] {
            let text = layout(["a", "b"], &[[ID.to_owned(), long.clone()]], width);
            assert_eq!(text.matches('x').count(), long.len(), "{width:?}");
        }
    }

    #[test]
    fn what_is_no_terminal_gets_a_line_for_each_row() {
        assert_eq!(layout(HEADINGS, &rows(), None).lines().count(), 3);
    }

    #[test]
    fn a_long_value_is_wrapped_beside_its_name() {
        let facts = [
            ("Description", "Postes chiffrés\nAccueil sur papier"),
            ("Note", ""),
        ];
        let text = record(facts.into_iter(), Some(27));
        let lines = [
            "Description  Postes",
            "             chiffrés",
            "             Accueil sur",
            "             papier",
        ];
        assert_eq!(text, lines.join("\n"));
    }

    #[test]
    fn a_name_forges_no_row_of_a_table() {
        let name = "Cabinet\rSIG-2026-0000000\nurgent\u{202e}\u{1b}[2J".to_owned();
        let row = cleaned(["SIG-2026-7K3M9Q4".to_owned(), name]);
        let shown = layout(["reference", "structure"], &[row], None);
        let lines: Vec<&str> = shown.lines().collect();
        let cleaned = "Cabinet SIG-2026-0000000 urgent\u{fffd}\u{fffd}[2J";
        assert_eq!(lines[1], format!("SIG-2026-7K3M9Q4  {cleaned}"));
        assert_eq!(lines.len(), 2);
    }
}

//! Tables for people.

use comfy_table::{ColumnConstraint, ContentArrangement, Table, presets};
use terminal_size::Width;

/// Prints rows under their headings, fitted to the terminal; what is no terminal gets them
/// in one line each.
pub(crate) fn print<const N: usize>(
    headings: [&str; N],
    rows: impl IntoIterator<Item = [String; N]>,
) {
    let mut table = Table::new();
    table.set_header(headings);
    table.add_rows(rows);
    say!("{}", fit(table, width()));
}

/// Prints facts, one a line, their names aligned; empty ones are left out.
pub(crate) fn print_facts(facts: &[(&str, String)]) {
    let mut table = Table::new();
    let told = facts.iter().filter(|(_, value)| !value.is_empty());
    table.add_rows(told.map(|(name, value)| [*name, value]));
    if !table.is_empty() {
        say!("{}", fit(table, width()));
    }
}

fn width() -> Option<u16> {
    terminal_size::terminal_size_of(std::io::stdout()).map(|(Width(width), _)| width)
}

/// Lays a table out so that no line is wider than this.
fn fit(mut table: Table, width: Option<u16>) -> String {
    table
        .load_preset(presets::NOTHING)
        .set_content_arrangement(ContentArrangement::Dynamic);
    for column in table.column_iter_mut() {
        column.set_padding((0, 2));
    }
    if let Some(width) = width {
        table.set_width(width);
        // The first column is what is copied: it stays whole while the others have room.
        let first = table.column_max_content_widths().first().copied();
        if let Some(column) = table.column_mut(0)
            && first.is_some_and(|first| first <= width / 2)
        {
            column.set_constraint(ColumnConstraint::ContentWidth);
        }
    }
    table.trim_fmt()
}

#[cfg(test)]
mod tests {
    use comfy_table::Table;

    use super::fit;

    const ID: &str = "0192f3a0-0000-7000-8000-000000000001";

    fn table() -> Table {
        let mut table = Table::new();
        table.set_header(["remise", "destinataire", "erreur"]);
        table.add_row([
            ID,
            "direction@hopital-de-montpellier.example.org",
            "refused_550",
        ]);
        table.add_row([
            ID,
            "",
            "Le serveur a répondu par une très longue explication",
        ]);
        table
    }

    #[test]
    fn no_line_is_wider_than_the_terminal_and_identifiers_stay_whole() {
        for width in [80, 100, 132] {
            let text = fit(table(), Some(width));
            for line in text.lines() {
                assert!(
                    line.chars().count() <= usize::from(width),
                    "{width}: {line}"
                );
            }
            assert_eq!(text.matches(ID).count(), 2, "{text}");
        }
        let narrow = fit(table(), Some(40));
        assert!(
            narrow.lines().all(|line| line.chars().count() <= 40),
            "{narrow}"
        );
    }

    #[test]
    fn a_program_that_reads_a_table_gets_a_line_for_each_row() {
        assert_eq!(fit(table(), None).lines().count(), 3);
    }
}

//! The lines of a file of structures, parsed.

use std::str::FromStr as _;

use csv::ByteRecord;
use vocabulary::{
    Department, Finess, Line, OperatorStatus, ParseError, Region, Siret, StructureKind,
    is_empty_text, is_siren,
};

use super::{
    Column, Encoding, ReadStructure, Rejection,
    encoding::decode,
    layout::{EXTRACTED_SITE, EXTRACTED_WITHOUT_STRUCTURE, Places},
};
use crate::structures::Structure;

/// Parses the lines of one file.
#[derive(Clone, Debug)]
pub(super) struct LineParser {
    encoding: Encoding,
    places: Places,
}

impl LineParser {
    /// A parser of lines written in this way, with their columns at these places.
    pub(super) fn new(encoding: Encoding, places: Places) -> Self {
        Self { encoding, places }
    }

    /// Whether a line tells of no structure: its cells are empty, or it is one of the
    /// other lines of the FINESS extraction.
    pub(super) fn passes_over(&self, record: &ByteRecord) -> bool {
        let kind = record.get(0).unwrap_or_default();
        let other = self.places.extraction
            && EXTRACTED_WITHOUT_STRUCTURE
                .iter()
                .any(|known| known.as_bytes() == kind);
        other || is_empty_record(record, self.encoding)
    }

    /// Parses a line into a structure. An optional cell that cannot be read is left out
    /// and named.
    pub(super) fn structure(&self, record: &ByteRecord) -> Result<ReadStructure, Rejection> {
        if self.places.extraction && record.get(0) != Some(EXTRACTED_SITE.as_bytes()) {
            let description = "cette ligne décrit autre chose qu'un site (structureet)";
            return Err(Rejection::of_line("NOT_A_SITE", description));
        }
        let short = record.len() < self.places.least();
        // Spreadsheets lengthen lines by empty cells.
        if short || !are_empty(record.iter().skip(self.places.width), self.encoding) {
            let description = "cette ligne n'a pas autant de colonnes que la première";
            return Err(Rejection::of_line("BAD_FORMAT", description));
        }
        if let Some(place) = record.iter().position(spans_lines) {
            return Err(Rejection {
                column: self.places.column_at(place),
                reason: "BAD_CHARACTER",
                description: "cette cellule a plusieurs lignes ; \
                              un guillemet n'est peut-être pas fermé"
                    .into(),
            });
        }
        let mut cells = Cells {
            encoding: self.encoding,
            places: &self.places,
            record,
            unread: Vec::new(),
        };
        let finess = cells.required(Column::FinessEt, Finess::from_str)?;
        let name = cells.required(Column::Name, |text| Line::try_from(text))?;
        let (region, department) = cells.place(finess)?;
        let legal_entity = cells.optional(Column::FinessEj, Finess::from_str);
        let siret = cells.optional(Column::Siret, siret).flatten();
        let category_code =
            cells.optional(Column::CategoryCode, |text| Line::<1, 10>::try_from(text));
        let town = cells.optional(Column::Commune, |text| {
            Line::try_from(if self.places.extraction {
                town_of_postal_line(text)
            } else {
                text
            })
        });
        let operator_status = cells.optional(Column::OperatorStatus, operator_status);
        let structure = Structure {
            finess,
            legal_entity,
            siret,
            name,
            kind: category_code.as_ref().map_or(StructureKind::Other, |code| {
                StructureKind::from_category(code.as_str())
            }),
            category_code,
            region,
            department,
            town,
            operator_status,
        };
        Ok(ReadStructure {
            structure,
            absent: self.places.absent().collect(),
            unread: cells.unread,
        })
    }
}

/// Whether nothing stands in the cells of a line.
pub(super) fn is_empty_record(record: &ByteRecord, encoding: Encoding) -> bool {
    are_empty(record.iter(), encoding)
}

fn are_empty<'r>(mut cells: impl Iterator<Item = &'r [u8]>, encoding: Encoding) -> bool {
    cells.all(|cell| decode(cell, encoding).is_some_and(|text| is_empty_text(&text)))
}

/// Whether a cell holds text after a line break, which may belong to the lines below.
fn spans_lines(cell: &[u8]) -> bool {
    cell.trim_ascii_end()
        .iter()
        .any(|byte| b"\r\n".contains(byte))
}

/// The cells of one line.
struct Cells<'r> {
    encoding: Encoding,
    places: &'r Places,
    record: &'r ByteRecord,
    /// Optional cells that could not be read.
    unread: Vec<Rejection>,
}

impl Cells<'_> {
    /// The region and the department, which must agree. What cannot be read or is left
    /// out, the FINESS number tells.
    fn place(&mut self, finess: Finess) -> Result<(Option<Region>, Department), Rejection> {
        let department = match finess.department() {
            Some(told) => self
                .optional(Column::Department, Department::from_drees)
                .unwrap_or(told),
            None => self.required(Column::Department, Department::from_drees)?,
        };
        // What a file gives as the region of a territory without one is none of ours.
        let Some(own) = department.region() else {
            return Ok((None, department));
        };
        let region = self.optional(Column::RegionCode, Region::from_str);
        if region.is_some_and(|region| region != own) {
            return Err(Rejection {
                column: Some(Column::RegionCode),
                reason: "CONFLICT",
                description: "le département n'est pas de cette région".into(),
            });
        }
        Ok((Some(own), department))
    }

    /// What a cell says that must say something.
    fn required<T>(
        &mut self,
        column: Column,
        parse: impl FnOnce(&str) -> Result<T, ParseError>,
    ) -> Result<T, Rejection> {
        let before = self.unread.len();
        let read = self.optional(column, parse);
        read.ok_or_else(|| {
            self.unread
                .drain(before..)
                .next()
                .unwrap_or_else(|| Rejection {
                    column: Some(column),
                    reason: "REQUIRED",
                    description: "ce champ est obligatoire".into(),
                })
        })
    }

    /// What an optional cell says; nothing when it is empty or cannot be read.
    fn optional<T>(
        &mut self,
        column: Column,
        parse: impl FnOnce(&str) -> Result<T, ParseError>,
    ) -> Option<T> {
        let cell = self.places.cell(self.record, column);
        let parsed = match decode(cell, self.encoding) {
            Some(text) if is_empty_text(&text) => return None,
            Some(text) => parse(&text),
            None => Err(
                ParseError::new("cell", "not in the encoding of the file").because(
                    "BAD_ENCODING",
                    "ce texte n'est pas écrit dans l'encodage du fichier",
                ),
            ),
        };
        match parsed {
            Ok(read) => Some(read),
            Err(refused) => {
                self.unread.push(Rejection {
                    column: Some(column),
                    reason: refused.reason,
                    description: refused.description,
                });
                None
            }
        }
    }
}

/// A whole group has a SIREN in the place of a SIRET: that is no error, and no
/// SIRET either.
fn siret(text: &str) -> Result<Option<Siret>, ParseError> {
    if is_siren(text) {
        return Ok(None);
    }
    text.parse().map(Some)
}

/// The town of the last line of a postal address: "01012 BOURG EN BRESSE CEDEX 9".
fn town_of_postal_line(text: &str) -> &str {
    let town = text.trim().trim_start_matches(|c: char| c.is_ascii_digit());
    town.split(" CEDEX").next().unwrap_or(town)
}

fn operator_status(text: &str) -> Result<OperatorStatus, ParseError> {
    match text.trim().to_lowercase().as_str() {
        "vital" | "oiv" => Ok(OperatorStatus::Vital),
        "essential_services" | "ose" => Ok(OperatorStatus::EssentialServices),
        _ => Err(ParseError::new("operator status", "not one of its words")
            .because("UNKNOWN_VALUE", "ce statut d'opérateur n'existe pas")),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use proto::intake::v1::ImportStructuresRequest;

    use super::{super::layout::FileLayout, *};

    const HEADER: &[&str] = &[
        "\u{feff}FINESS_ET",
        "name",
        "department",
        "region_code",
        "commune",
        "operator_status",
    ];

    fn parser(header: &[&str]) -> LineParser {
        let layout = FileLayout::of(&ImportStructuresRequest::default()).unwrap();
        let header = ByteRecord::from(header.to_vec());
        let places = layout.places(&header, Encoding::Utf8).unwrap();
        LineParser::new(Encoding::Utf8, places)
    }

    fn read(fields: &[&str]) -> Result<ReadStructure, Rejection> {
        parser(HEADER).structure(&ByteRecord::from(fields.to_vec()))
    }

    fn refused(fields: &[&str]) -> (&'static str, &'static str) {
        let rejection = read(fields).unwrap_err();
        (rejection.column.map_or("", Column::name), rejection.reason)
    }

    fn unread(fields: &[&str]) -> Vec<(&'static str, &'static str)> {
        let unread = read(fields).unwrap().unread;
        let unread = unread.iter();
        unread
            .map(|cell| (cell.column.unwrap().name(), cell.reason))
            .collect()
    }

    #[test]
    fn a_line_is_read_by_the_names_of_its_columns() {
        let fields = ["010000024", "CH DE FLEYRIAT", "01", "84", "VIRIAT", "OSE"];
        let structure = read(&fields).unwrap().structure;
        assert_eq!(structure.key().to_string(), "finess:010000024");
        assert_eq!(structure.region, "84".parse().ok());
        assert_eq!(structure.kind, StructureKind::Other);
        assert_eq!(
            structure.operator_status,
            Some(OperatorStatus::EssentialServices)
        );
    }

    #[test]
    fn a_bad_line_names_its_column_and_reason() {
        assert_eq!(
            refused(&["", "X", "01", "84", "", ""]),
            ("finess_et", "REQUIRED")
        );
        assert_eq!(
            refused(&["080000111", "X", "08", "44", "", ""]),
            ("finess_et", "BAD_KEY")
        );
        assert_eq!(
            refused(&["12345", "X", "01", "84", "", ""]),
            ("finess_et", "BAD_FORMAT")
        );
        assert_eq!(
            refused(&["010000024", "", "01", "84", "", ""]),
            ("name", "REQUIRED")
        );
        assert_eq!(
            refused(&["010000024", "X", "01", "76", "", ""]),
            ("region_code", "CONFLICT")
        );
        assert_eq!(
            refused(&["10000024", "X", "01", "84", "", ""]),
            ("finess_et", "LOST_LEADING_ZERO")
        );
        assert_eq!(
            refused(&["990000010", "X", "99", "", "", ""]),
            ("department", "BAD_FORMAT")
        );
        assert_eq!(
            refused(&["990000010", "X", "", "", "", ""]),
            ("department", "REQUIRED")
        );
        assert_eq!(
            refused(&["010000024", "X\u{202e}", "01", "84", "", ""]),
            ("name", "BAD_CHARACTER")
        );
        assert_eq!(
            refused(&["010000024", "X", "01", "84", "VIRIAT\n010000032,Y", ""]),
            ("commune", "BAD_CHARACTER")
        );
        assert_eq!(refused(&["010000024", "X"]), ("", "BAD_FORMAT"));
        assert_eq!(
            refused(&["010000024", "X", "01", "84", "", "", "Y"]),
            ("", "BAD_FORMAT")
        );
    }

    #[test]
    fn an_optional_cell_that_cannot_be_read_is_named_and_costs_nothing_else() {
        assert_eq!(
            unread(&["010000024", "X", "99", "98", "a\tb", "big", "", ""]),
            [
                ("department", "BAD_FORMAT"),
                ("region_code", "UNKNOWN_VALUE"),
                ("commune", "BAD_CHARACTER"),
                ("operator_status", "UNKNOWN_VALUE"),
            ]
        );
        assert_eq!(
            unread(&["010000024", "X", "1", "84", "", ""]),
            [("department", "LOST_LEADING_ZERO")]
        );
    }

    #[test]
    fn a_line_of_empty_cells_is_passed_over() {
        let passed_over =
            |fields: &[&str]| parser(HEADER).passes_over(&ByteRecord::from(fields.to_vec()));
        assert!(passed_over(&[
            "", " ", "\u{a0}", "\u{200b}", "", "", "", ""
        ]));
        assert!(!passed_over(&["", "", "", "", "", "x"]));
    }

    #[test]
    fn the_number_tells_the_place_that_the_file_leaves_out() {
        let structure = read(&["010000024", "X", "", "", "", ""]).unwrap().structure;
        assert_eq!(structure.region, "84".parse().ok());
    }

    #[test]
    fn a_siren_in_the_place_of_a_siret_is_no_siret() {
        let parser = parser(&["finess_et", "name", "siret"]);
        let read = |siret| {
            let record = ByteRecord::from(vec!["060800174", "LENVAL", siret]);
            parser.structure(&record).unwrap()
        };
        for siren in ["775552003", "775 552\u{a0}003"] {
            assert_eq!(read(siren).structure.siret, None);
            assert!(read(siren).unread.is_empty());
        }
        assert!(read("260 100 045 00012").structure.siret.is_some());
        assert_eq!(read("7755520031").unread[0].reason, "BAD_FORMAT");
        assert_eq!(read("2,60100E+13").unread[0].reason, "SPREADSHEET_NOTATION");
    }

    #[test]
    fn the_town_of_a_postal_line_has_neither_code_nor_cedex() {
        let town = |line| town_of_postal_line(line).trim();
        assert_eq!(town("01012 BOURG EN BRESSE CEDEX 9"), "BOURG EN BRESSE");
        assert_eq!(town("01440 VIRIAT"), "VIRIAT");
    }

    proptest! {
        #[test]
        fn any_line_is_parsed_or_refused(fields: Vec<Vec<u8>>) {
            drop(parser(HEADER).structure(&ByteRecord::from(fields)));
        }
    }
}

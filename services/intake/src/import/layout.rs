//! How the columns of a file of structures are named.

use std::collections::BTreeMap;

use csv::ByteRecord;
use platform::{Result, Violations};
use proto::intake::v1::{self as pb, StructureFileLayout as Layout};

use super::{Column, Encoding, encoding::decode_lossy};

/// How the columns of one file are named.
#[derive(Clone, Debug, Default)]
pub(super) struct FileLayout {
    layout: Layout,
    /// The names that differ from the layout's.
    mapped: BTreeMap<Column, String>,
}

/// Where the columns of a file are.
#[derive(Clone, Debug)]
pub(super) struct Places {
    by_column: [Option<usize>; Column::NAMES.len()],
    /// The columns of the header.
    pub(super) width: usize,
    /// Whether the lines are those of the FINESS extraction, which begin with their kind
    /// and are not quoted.
    pub(super) extraction: bool,
}

/// The first cell of a site in the FINESS extraction.
pub(super) const EXTRACTED_SITE: &str = "structureet";
/// The first cells of its lines that tell of no structure.
pub(super) const EXTRACTED_WITHOUT_STRUCTURE: [&str; 2] = ["finess", "geolocalisation"];
/// The first cell of a legal entity, in an extraction of its own.
const EXTRACTED_ENTITY: &str = "structureej";

/// The cells of a site in the FINESS extraction, as its notice names them.
const EXTRACTION: &str = "structureet;nofinesset;nofinessej;rs;rslongue;complrs;compldistrib;\
    numvoie;typvoie;voie;compvoie;lieuditbp;commune;departement;libdepartement;\
    ligneacheminement;telephone;telecopie;categetab;libcategetab;categagretab;\
    libcategagretab;siret;codeape;codemft;libmft;codesph;libsph;dateouv;dateautor;datemaj;numuai";

/// Whether a first record is none of names, but the first line of an extraction.
pub(super) fn is_extraction(first: &ByteRecord) -> bool {
    let kind = first.get(0).unwrap_or_default();
    let known = |name: &str| name.as_bytes() == kind;
    // A file of ours may have a column "finess"; the extraction says who made it.
    let title = known("finess") && first.get(1) == Some(b"etalab");
    let extracted = title || known(EXTRACTED_SITE) || known(EXTRACTED_ENTITY);
    // With its names in the first line, it begins with them.
    extracted && first.get(1) != Some(b"nofinesset")
}

impl FileLayout {
    /// Reads how the columns are named from the first piece of a file.
    pub(super) fn of(wire: &pb::ImportStructuresRequest) -> Result<Self> {
        let mut violations = Violations::default();
        let layout = Layout::try_from(wire.layout).unwrap_or_else(|_| {
            violations.add("layout", "UNKNOWN_VALUE", "cette valeur n'existe pas");
            Layout::Unspecified
        });
        let mut mapped = BTreeMap::new();
        for (ours, theirs) in &wire.columns {
            let known = Column::all().find(|known| known.name() == ours);
            if let Some(column) = known {
                mapped.insert(column, normalised(theirs));
            } else {
                violations.add("columns", "UNKNOWN_VALUE", "cette colonne n'existe pas");
            }
        }
        violations.into_result()?;
        Ok(Self { layout, mapped })
    }

    /// Finds the columns by the names of a header.
    pub(super) fn places(&self, header: &ByteRecord, encoding: Encoding) -> Result<Places> {
        let names: Vec<String> = header
            .iter()
            .map(|name| normalised(&decode_lossy(name, encoding)))
            .collect();
        self.find(&names, false)
    }

    /// The columns of the FINESS extraction.
    pub(super) fn extraction_places(&self) -> Result<Places> {
        let layout = Self {
            layout: Layout::Finess,
            ..self.clone()
        };
        let names: Vec<String> = EXTRACTION.split(';').map(str::to_owned).collect();
        layout.find(&names, true)
    }

    fn find(&self, names: &[String], extraction: bool) -> Result<Places> {
        let mut violations = Violations::default();
        let by_column = Column::NAMES.map(|(column, _)| {
            let wanted = self.name(column);
            let mut found = names.iter().enumerate().filter(|(_, name)| *name == wanted);
            let place = found.next().map(|(place, _)| place);
            if found.next().is_some() {
                let why = format!("plusieurs colonnes s'appellent {wanted}");
                violations.add("chunk", "AMBIGUOUS_COLUMN", why);
            }
            let required = matches!(column, Column::FinessEt | Column::Name);
            if place.is_none() && (required || self.mapped.contains_key(&column)) {
                let why = format!("la colonne {wanted} manque à la première ligne");
                violations.add("chunk", "MISSING_COLUMN", why);
            }
            place
        });
        violations.into_result()?;
        Ok(Places {
            by_column,
            width: names.len(),
            extraction,
        })
    }

    fn name(&self, column: Column) -> &str {
        let [ours, sae, finess] = Column::NAMES[column as usize].1;
        self.mapped.get(&column).map_or(
            match self.layout {
                Layout::Unspecified => ours,
                Layout::Sae => sae,
                Layout::Finess => finess,
            },
            String::as_str,
        )
    }
}

impl Places {
    /// The cell of a column; empty when the file has no such column.
    pub(super) fn cell<'r>(&self, record: &'r ByteRecord, column: Column) -> &'r [u8] {
        self.by_column[column as usize]
            .and_then(|place| record.get(place))
            .unwrap_or_default()
    }

    /// The columns that the file does not have.
    pub(super) fn absent(&self) -> impl Iterator<Item = Column> {
        Column::all().filter(|&column| self.by_column[column as usize].is_none())
    }

    /// The column that is read at a place.
    pub(super) fn column_at(&self, place: usize) -> Option<Column> {
        Column::all().find(|&column| self.by_column[column as usize] == Some(place))
    }

    /// The cells that a line must have.
    pub(super) fn least(&self) -> usize {
        if self.extraction {
            // Its last cells differ from year to year.
            self.by_column
                .iter()
                .flatten()
                .max()
                .map_or(0, |last| last + 1)
        } else {
            self.width
        }
    }
}

/// A name of a column, as it is compared.
fn normalised(name: &str) -> String {
    let name = vocabulary::Line::<0, 200>::from_db(name);
    name.as_str().to_lowercase()
}

#[cfg(test)]
mod tests {
    use platform::Error;

    use super::*;

    fn layout(layout: Layout, columns: &[(&str, &str)]) -> Result<FileLayout> {
        let columns = columns
            .iter()
            .map(|(a, b)| ((*a).to_owned(), (*b).to_owned()));
        FileLayout::of(&pb::ImportStructuresRequest {
            layout: layout.into(),
            columns: columns.collect(),
            ..pb::ImportStructuresRequest::default()
        })
    }

    fn reason<T: std::fmt::Debug>(result: Result<T>) -> (String, &'static str) {
        match result {
            Err(Error::Invalid(violations)) => {
                let first = violations.iter().next().unwrap();
                (first.field.clone(), first.reason)
            }
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn columns_are_found_by_the_names_that_the_request_gives() {
        let header = ByteRecord::from(vec!["\u{feff}FI", "Raison\u{a0}sociale", "siret"]);
        let mapped = [("finess_et", "fi"), ("name", "RAISON SOCIALE")];
        let places = layout(Layout::Unspecified, &mapped)
            .unwrap()
            .places(&header, Encoding::Utf8)
            .unwrap();
        let record = ByteRecord::from(vec!["a", "b", "c"]);
        let cell = |column| places.cell(&record, column);
        assert_eq!(cell(Column::FinessEt), b"a");
        assert_eq!(cell(Column::Name), b"b");
        assert_eq!(cell(Column::Siret), b"c");
        assert_eq!(cell(Column::Commune), b"");
    }

    #[test]
    fn a_header_that_lacks_a_column_or_has_it_twice_is_refused() {
        let refused = |mapped: &[(&str, &str)], header: &[&str]| {
            let layout = layout(Layout::Unspecified, mapped).unwrap();
            reason(layout.places(&ByteRecord::from(header.to_vec()), Encoding::Utf8)).1
        };
        assert_eq!(refused(&[], &["finess_et", "nom"]), "MISSING_COLUMN");
        assert_eq!(
            refused(&[("siret", "sir")], &["finess_et", "name", "siret"]),
            "MISSING_COLUMN"
        );
        assert_eq!(
            refused(&[], &["finess_et", "name", "Name"]),
            "AMBIGUOUS_COLUMN"
        );
    }

    #[test]
    fn a_column_or_a_layout_that_does_not_exist_is_refused() {
        let unknown = layout(Layout::Unspecified, &[("finess", "fi")]);
        assert_eq!(reason(unknown), ("columns".to_owned(), "UNKNOWN_VALUE"));
        let request = pb::ImportStructuresRequest {
            layout: 9,
            ..pb::ImportStructuresRequest::default()
        };
        let unknown = FileLayout::of(&request);
        assert_eq!(reason(unknown), ("layout".to_owned(), "UNKNOWN_VALUE"));
    }

    #[test]
    fn the_extraction_is_known_with_and_without_its_names() {
        let layout = layout(Layout::Finess, &[]).unwrap();
        let names = ByteRecord::from(EXTRACTION.split(';').collect::<Vec<_>>());
        assert!(!is_extraction(&names));
        assert!(layout.places(&names, Encoding::Utf8).is_ok());
        let title = ByteRecord::from(vec!["finess", "etalab", "93", "2024-01-08"]);
        assert!(is_extraction(&title));
        let site = ByteRecord::from(vec!["structureet", "010000024"]);
        assert!(is_extraction(&site));
        assert!(!is_extraction(&ByteRecord::from(vec!["finess", "nom"])));
    }
}

//! The lines of a file of structures, parsed.

use csv::ByteRecord;
use platform::{Error, Result};
use vocabulary::{Department, Finess, OperatorStatus, Region, Siret, StructureKind, Text};

use super::{encoding::decode, identifier};
use crate::domain::{Encoding, Rejection, Structure};

/// Where the columns of a file are.
#[derive(Clone, Debug)]
pub(crate) struct Columns {
    encoding: Encoding,
    width: usize,
    places: [Option<usize>; NAMES.len()],
}

const NAMES: [&str; 9] = [
    FINESS_ET,
    FINESS_EJ,
    NAME,
    CATEGORY_CODE,
    SIRET,
    REGION_CODE,
    DEPARTMENT,
    COMMUNE,
    OPERATOR_STATUS,
];
const FINESS_ET: &str = "finess_et";
const FINESS_EJ: &str = "finess_ej";
const NAME: &str = "name";
const CATEGORY_CODE: &str = "category_code";
const SIRET: &str = "siret";
const REGION_CODE: &str = "region_code";
const DEPARTMENT: &str = "department";
const COMMUNE: &str = "commune";
const OPERATOR_STATUS: &str = "operator_status";

/// No name of a directory takes more lines.
const MAX_LINES: usize = 2;

impl Columns {
    /// Reads the header; columns that are not known are passed over.
    pub(crate) fn of(header: &ByteRecord, encoding: Encoding) -> Result<Self> {
        let names: Vec<String> = header
            .iter()
            .map(|name| {
                decode(name, encoding)
                    .trim_start_matches('\u{feff}')
                    .trim()
                    .to_lowercase()
            })
            .collect();
        let places = NAMES.map(|wanted| names.iter().position(|name| name == wanted));
        for required in [FINESS_ET, NAME] {
            if !names.iter().any(|name| name == required) {
                let description = format!("la colonne {required} manque à la première ligne");
                return Err(Error::invalid("chunk", "MISSING_COLUMN", description));
            }
        }
        Ok(Self {
            encoding,
            width: header.len(),
            places,
        })
    }

    /// Parses a line into a structure.
    pub(crate) fn structure(&self, record: &ByteRecord) -> Result<Structure, Rejection> {
        if record.len() != self.width {
            return Err(rejection(
                "",
                "BAD_FORMAT",
                "cette ligne n'a pas autant de colonnes que la première",
            ));
        }
        let finess = self.required(record, FINESS_ET, finess)?;
        let (region, department) = self.place(record, finess)?;
        let category_code: Option<Text<1, 10>> = self.optional(record, CATEGORY_CODE, text)?;
        Ok(Structure {
            finess,
            legal_entity: self.optional(record, FINESS_EJ, self::finess)?,
            siret: self.optional(record, SIRET, siret)?.flatten(),
            name: self.required(record, NAME, text)?,
            kind: category_code.as_ref().map_or(StructureKind::Other, |code| {
                StructureKind::from_category(code.as_str())
            }),
            category_code,
            region,
            department,
            town: self.optional(record, COMMUNE, text)?,
            operator_status: self.optional(record, OPERATOR_STATUS, operator_status)?,
        })
    }

    /// The region and the department, which must agree. What the file leaves
    /// out, the FINESS number tells.
    fn place(
        &self,
        record: &ByteRecord,
        finess: Finess,
    ) -> Result<(Option<Region>, Department), Rejection> {
        let department = self.optional(record, DEPARTMENT, |text| {
            Department::from_drees(text).map_err(|_| ("BAD_FORMAT", "ce département n'existe pas"))
        })?;
        let department = department
            .or_else(|| finess.department())
            .ok_or_else(|| rejection(DEPARTMENT, "REQUIRED", "le département n'est pas connu"))?;
        // What a file gives as the region of a territory without one is none of ours.
        let Some(own) = department.region() else {
            return Ok((None, department));
        };
        let region = self.optional(record, REGION_CODE, |text| {
            text.parse::<Region>()
                .map_err(|_| ("UNKNOWN_VALUE", "cette région n'existe pas"))
        })?;
        if region.is_some_and(|region| region != own) {
            return Err(rejection(
                REGION_CODE,
                "CONFLICT",
                "le département n'est pas de cette région",
            ));
        }
        Ok((Some(own), department))
    }

    fn required<T>(
        &self,
        record: &ByteRecord,
        column: &'static str,
        parse: Parse<T>,
    ) -> Result<T, Rejection> {
        self.optional(record, column, parse)?
            .ok_or_else(|| rejection(column, "REQUIRED", "ce champ est obligatoire"))
    }

    fn optional<T>(
        &self,
        record: &ByteRecord,
        column: &'static str,
        parse: impl FnOnce(&str) -> Result<T, (&'static str, &'static str)>,
    ) -> Result<Option<T>, Rejection> {
        let place = NAMES
            .iter()
            .position(|name| *name == column)
            .and_then(|known| self.places[known]);
        let field = place
            .and_then(|place| record.get(place))
            .unwrap_or_default();
        let field = decode(field, self.encoding);
        let field = field.trim();
        if field.is_empty() {
            return Ok(None);
        }
        if field.lines().count() > MAX_LINES {
            return Err(rejection(
                column,
                "BAD_FORMAT",
                "un guillemet n'est peut-être pas fermé",
            ));
        }
        parse(field)
            .map(Some)
            .map_err(|(reason, description)| rejection(column, reason, description))
    }
}

type Parse<T> = fn(&str) -> Result<T, (&'static str, &'static str)>;

/// A whole group has a SIREN in the place of a SIRET: that is no error, and no
/// SIRET either.
fn siret(text: &str) -> Result<Option<Siret>, (&'static str, &'static str)> {
    if text.len() == 9 && text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Ok(None);
    }
    let siret = text
        .parse()
        .map_err(|_| ("BAD_FORMAT", "un SIRET compte 14 chiffres"))?;
    Ok(Some(siret))
}

fn finess(text: &str) -> Result<Finess, (&'static str, &'static str)> {
    identifier::finess(text)
}

fn text<const MIN: usize, const MAX: usize>(
    text: &str,
) -> Result<Text<MIN, MAX>, (&'static str, &'static str)> {
    let too_long = text.chars().count() > MAX;
    Text::try_from(text.to_owned()).map_err(|_| {
        if too_long {
            ("TOO_LONG", "ce texte est trop long")
        } else {
            (
                "BAD_CHARACTER",
                "ce texte contient des caractères de contrôle",
            )
        }
    })
}

fn operator_status(text: &str) -> Result<OperatorStatus, (&'static str, &'static str)> {
    match text.to_lowercase().as_str() {
        "vital" | "oiv" => Ok(OperatorStatus::Vital),
        "essential_services" | "ose" => Ok(OperatorStatus::EssentialServices),
        _ => Err(("UNKNOWN_VALUE", "ce statut d'opérateur n'existe pas")),
    }
}

fn rejection(column: &'static str, reason: &'static str, description: &'static str) -> Rejection {
    Rejection {
        column,
        reason,
        description,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const HEADER: &[&str] = &[
        "\u{feff}FINESS_ET",
        "name",
        "department",
        "region_code",
        "commune",
        "operator_status",
    ];

    fn columns() -> Columns {
        Columns::of(&ByteRecord::from(HEADER.to_vec()), Encoding::Utf8).unwrap()
    }

    fn refused(fields: &[&str]) -> (&'static str, &'static str) {
        let rejection = columns()
            .structure(&ByteRecord::from(fields.to_vec()))
            .unwrap_err();
        (rejection.column, rejection.reason)
    }

    #[test]
    fn a_line_is_read_by_the_names_of_its_columns() {
        let record = ByteRecord::from(vec![
            "010000024",
            "CH DE FLEYRIAT",
            "01",
            "84",
            "VIRIAT",
            "OSE",
        ]);
        let structure = columns().structure(&record).unwrap();
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
            refused(&["010000024", "X", "99", "84", "", ""]),
            ("department", "BAD_FORMAT")
        );
        assert_eq!(
            refused(&["010000024", "X", "01", "99", "", ""]),
            ("region_code", "UNKNOWN_VALUE")
        );
        assert_eq!(
            refused(&["010000024", "X", "01", "76", "", ""]),
            ("region_code", "CONFLICT")
        );
        assert_eq!(
            refused(&["010000024", "X", "01", "84", "", "big"]),
            ("operator_status", "UNKNOWN_VALUE")
        );
        assert_eq!(refused(&["010000024", "X"]), ("", "BAD_FORMAT"));
    }

    #[test]
    fn the_number_tells_the_place_that_the_file_leaves_out() {
        let record = ByteRecord::from(vec!["010000024", "X", "", "", "", ""]);
        assert_eq!(
            columns().structure(&record).unwrap().region,
            "84".parse().ok()
        );
    }

    #[test]
    fn a_siren_in_the_place_of_a_siret_is_no_siret() {
        let header = ByteRecord::from(vec!["finess_et", "name", "siret"]);
        let columns = Columns::of(&header, Encoding::Utf8).unwrap();
        let read = |siret| columns.structure(&ByteRecord::from(vec!["060800174", "LENVAL", siret]));
        assert_eq!(read("775552003").unwrap().siret, None);
        assert!(read("26010004500012").unwrap().siret.is_some());
        assert_eq!(read("7755520031").unwrap_err().column, "siret");
    }

    #[test]
    fn a_header_without_a_required_column_is_refused() {
        let header = ByteRecord::from(vec!["finess_et", "nom"]);
        assert!(Columns::of(&header, Encoding::Utf8).is_err());
    }

    proptest! {
        #[test]
        fn any_line_is_parsed_or_refused(fields: Vec<Vec<u8>>) {
            drop(columns().structure(&ByteRecord::from(fields)));
        }
    }
}

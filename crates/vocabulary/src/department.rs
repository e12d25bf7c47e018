//! The departments of France and the collectivities that are treated like one.

use std::fmt;
use std::str::FromStr;

use crate::{ParseError, Region, as_text::serde_as_text, pasted};

/// A department, by its number: "01" to "95", "2A", "2B", "971" to "974" and
/// "976" overseas, "977" and "978", which the ARS of Guadeloupe covers, and
/// "975", Saint-Pierre-et-Miquelon, which lies in no region and has no ARS.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Department(&'static str);

/// The departments of each region (DREES SAE 2022; ANS TRE_R30).
const BY_REGION: &[(Region, &[&str])] = &[
    (Region::Guadeloupe, &["971", "977", "978"]),
    (Region::Martinique, &["972"]),
    (Region::Guyane, &["973"]),
    (Region::LaReunion, &["974"]),
    (Region::Mayotte, &["976"]),
    (
        Region::IleDeFrance,
        &["75", "77", "78", "91", "92", "93", "94", "95"],
    ),
    (
        Region::CentreValDeLoire,
        &["18", "28", "36", "37", "41", "45"],
    ),
    (
        Region::BourgogneFrancheComte,
        &["21", "25", "39", "58", "70", "71", "89", "90"],
    ),
    (Region::Normandie, &["14", "27", "50", "61", "76"]),
    (Region::HautsDeFrance, &["02", "59", "60", "62", "80"]),
    (
        Region::GrandEst,
        &["08", "10", "51", "52", "54", "55", "57", "67", "68", "88"],
    ),
    (Region::PaysDeLaLoire, &["44", "49", "53", "72", "85"]),
    (Region::Bretagne, &["22", "29", "35", "56"]),
    (
        Region::NouvelleAquitaine,
        &[
            "16", "17", "19", "23", "24", "33", "40", "47", "64", "79", "86", "87",
        ],
    ),
    (
        Region::Occitanie,
        &[
            "09", "11", "12", "30", "31", "32", "34", "46", "48", "65", "66", "81", "82",
        ],
    ),
    (
        Region::AuvergneRhoneAlpes,
        &[
            "01", "03", "07", "15", "26", "38", "42", "43", "63", "69", "73", "74",
        ],
    ),
    (
        Region::ProvenceAlpesCoteDAzur,
        &["04", "05", "06", "13", "83", "84"],
    ),
    (Region::Corse, &["2A", "2B"]),
];

/// The collectivities that lie in no region (ANS TRE_R30, code 975).
const WITHOUT_REGION: &[&str] = &["975"];

impl Department {
    /// Every department.
    pub fn all() -> impl Iterator<Item = Self> {
        let in_regions = BY_REGION.iter().flat_map(|(_, numbers)| numbers.iter());
        in_regions.chain(WITHOUT_REGION).copied().map(Self)
    }

    /// Its number.
    pub const fn as_str(self) -> &'static str {
        self.0
    }

    /// The region whose ARS is competent; none for Saint-Pierre-et-Miquelon, which
    /// has a regime of its own under the prefect.
    pub fn region(self) -> Option<Region> {
        let home = BY_REGION
            .iter()
            .find(|(_, numbers)| numbers.contains(&self.0));
        home.map(|(region, _)| *region)
    }

    /// Reads a department as the DREES spells it: overseas ones are "9A"
    /// (Guadeloupe) to "9D" (La Réunion) and "9F" (Mayotte).
    pub fn from_drees(text: &str) -> Result<Self, ParseError> {
        match pasted::number(text).as_str() {
            "9A" => "971".parse(),
            "9B" => "972".parse(),
            "9C" => "973".parse(),
            "9D" => "974".parse(),
            "9F" => "976".parse(),
            other => other.parse(),
        }
    }
}

/// Reads a number that stands alone.
fn fit(text: &str) -> Result<Department, ParseError> {
    Department::all()
        .find(|department| department.0 == text)
        .ok_or_else(|| {
            ParseError::new("department", "not the number of a department")
                .because("BAD_FORMAT", "ce département n'existe pas")
        })
}

impl FromStr for Department {
    type Err = ParseError;

    /// Reads a number as it was pasted. Fails with the reason `BAD_FORMAT`,
    /// `LOST_LEADING_ZERO` or `SPREADSHEET_NOTATION`.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        pasted::parse(text, fit, |_| true)
    }
}

impl fmt::Display for Department {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.0)
    }
}

impl fmt::Debug for Department {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Department({})", self.0)
    }
}

serde_as_text!(Department);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hundred_and_one_departments_and_three_collectivities_are_read_back() {
        assert_eq!(Department::all().count(), 104);
        for department in Department::all() {
            assert_eq!(department.as_str().parse(), Ok(department));
        }
    }

    #[test]
    fn paris_is_in_ile_de_france_and_no_overseas_spelling_is_guessed() {
        let region = |number: &str| number.parse::<Department>().unwrap().region();
        assert_eq!(region("75"), Some(Region::IleDeFrance));
        assert_eq!(region("2a"), Some(Region::Corse));
        for wrong in ["20", "96", "970", "979", "1", "9A", ""] {
            assert!(wrong.parse::<Department>().is_err(), "{wrong}");
        }
        let drees = |text: &str| Department::from_drees(text).unwrap().region();
        assert_eq!(drees("9F"), Some(Region::Mayotte));
        assert_eq!(drees("33"), Some(Region::NouvelleAquitaine));
    }

    #[test]
    fn guadeloupe_covers_two_collectivities_and_saint_pierre_et_miquelon_has_no_agency() {
        let region = |number: &str| number.parse::<Department>().unwrap().region();
        assert_eq!(region("977"), Some(Region::Guadeloupe));
        assert_eq!(region("978"), Some(Region::Guadeloupe));
        assert_eq!(region("975"), None);
        let without: Vec<_> = Department::all().filter(|d| d.region().is_none()).collect();
        assert_eq!(without, ["975".parse().unwrap()]);
    }

    #[test]
    fn a_number_is_read_as_it_is_pasted() {
        let read = |text: &str| text.parse::<Department>().map(Department::as_str);
        assert_eq!(read("\u{a0}01\u{202f}"), Ok("01"));
        assert_eq!(read("２ａ"), Ok("2A"));
        assert_eq!(read("1").unwrap_err().reason, "LOST_LEADING_ZERO");
        assert_eq!(read("20").unwrap_err().reason, "BAD_FORMAT");
        let overseas = Department::from_drees(" 9a\u{a0}").unwrap();
        assert_eq!(overseas.as_str(), "971");
    }
}

//! The regions of France.

use std::fmt;
use std::str::FromStr;

use crate::{Department, ParseError, as_text::serde_as_text, pasted};

/// A region, by its INSEE code: region 75 is Nouvelle-Aquitaine, department 75
/// is Paris, and neither type takes the other.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(missing_docs, reason = "the members are the regions' names")]
pub enum Region {
    Guadeloupe,
    Martinique,
    Guyane,
    LaReunion,
    Mayotte,
    IleDeFrance,
    CentreValDeLoire,
    BourgogneFrancheComte,
    Normandie,
    HautsDeFrance,
    GrandEst,
    PaysDeLaLoire,
    Bretagne,
    NouvelleAquitaine,
    Occitanie,
    AuvergneRhoneAlpes,
    ProvenceAlpesCoteDAzur,
    Corse,
}

impl Region {
    /// The 18 regions, in the order of their codes.
    pub const ALL: &'static [Self] = &[
        Self::Guadeloupe,
        Self::Martinique,
        Self::Guyane,
        Self::LaReunion,
        Self::Mayotte,
        Self::IleDeFrance,
        Self::CentreValDeLoire,
        Self::BourgogneFrancheComte,
        Self::Normandie,
        Self::HautsDeFrance,
        Self::GrandEst,
        Self::PaysDeLaLoire,
        Self::Bretagne,
        Self::NouvelleAquitaine,
        Self::Occitanie,
        Self::AuvergneRhoneAlpes,
        Self::ProvenceAlpesCoteDAzur,
        Self::Corse,
    ];

    /// Its INSEE code.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Guadeloupe => "01",
            Self::Martinique => "02",
            Self::Guyane => "03",
            Self::LaReunion => "04",
            Self::Mayotte => "06",
            Self::IleDeFrance => "11",
            Self::CentreValDeLoire => "24",
            Self::BourgogneFrancheComte => "27",
            Self::Normandie => "28",
            Self::HautsDeFrance => "32",
            Self::GrandEst => "44",
            Self::PaysDeLaLoire => "52",
            Self::Bretagne => "53",
            Self::NouvelleAquitaine => "75",
            Self::Occitanie => "76",
            Self::AuvergneRhoneAlpes => "84",
            Self::ProvenceAlpesCoteDAzur => "93",
            Self::Corse => "94",
        }
    }

    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Guadeloupe => "Guadeloupe",
            Self::Martinique => "Martinique",
            Self::Guyane => "Guyane",
            Self::LaReunion => "La Réunion",
            Self::Mayotte => "Mayotte",
            Self::IleDeFrance => "Île-de-France",
            Self::CentreValDeLoire => "Centre-Val de Loire",
            Self::BourgogneFrancheComte => "Bourgogne-Franche-Comté",
            Self::Normandie => "Normandie",
            Self::HautsDeFrance => "Hauts-de-France",
            Self::GrandEst => "Grand Est",
            Self::PaysDeLaLoire => "Pays de la Loire",
            Self::Bretagne => "Bretagne",
            Self::NouvelleAquitaine => "Nouvelle-Aquitaine",
            Self::Occitanie => "Occitanie",
            Self::AuvergneRhoneAlpes => "Auvergne-Rhône-Alpes",
            Self::ProvenceAlpesCoteDAzur => "Provence-Alpes-Côte d'Azur",
            Self::Corse => "Corse",
        }
    }

    /// Its departments, those of the collectivities its agency covers included.
    pub fn departments(self) -> impl Iterator<Item = Department> {
        Department::all().filter(move |department| department.region() == Some(self))
    }
}

/// Reads a code that stands alone.
fn fit(code: &str) -> Result<Region, ParseError> {
    Region::ALL
        .iter()
        .find(|region| region.code() == code)
        .copied()
        .ok_or_else(|| {
            ParseError::new("region", "not the INSEE code of a region")
                .because("UNKNOWN_VALUE", "cette région n'existe pas")
        })
}

impl FromStr for Region {
    type Err = ParseError;

    /// Reads a code as it was pasted. Fails with the reason `UNKNOWN_VALUE`,
    /// `LOST_LEADING_ZERO` or `SPREADSHEET_NOTATION`.
    fn from_str(code: &str) -> Result<Self, Self::Err> {
        pasted::parse(code, fit, |_| true)
    }
}

impl fmt::Display for Region {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.code())
    }
}

impl fmt::Debug for Region {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Region({})", self.code())
    }
}

serde_as_text!(Region);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_eighteen_codes_are_read_back() {
        assert_eq!(Region::ALL.len(), 18);
        for &region in Region::ALL {
            assert_eq!(region.code().parse(), Ok(region));
        }
        assert!(
            "13".parse::<Region>().is_err(),
            "a department is not a region"
        );
    }

    #[test]
    fn every_department_but_one_collectivity_is_in_exactly_one_region() {
        let listed: usize = Region::ALL
            .iter()
            .map(|region| region.departments().count())
            .sum();
        assert_eq!(listed + 1, Department::all().count());
        let counts = |region: Region| region.departments().count();
        assert_eq!(counts(Region::IleDeFrance), 8);
        assert_eq!(counts(Region::NouvelleAquitaine), 12);
        assert_eq!(counts(Region::Occitanie), 13);
        assert_eq!(counts(Region::Corse), 2);
    }
}

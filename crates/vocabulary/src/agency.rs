//! The regional health agencies, which change with time.

use time::{Date, macros::date};

use crate::Region;

/// A regional health agency (agence régionale de santé, ARS) as it stands on a
/// day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Agency {
    /// "ARS Occitanie".
    pub name: &'static str,
    /// The region in the name of its mailbox, "occitanie".
    pub mailbox_slug: &'static str,
    /// The regions it covers.
    pub regions: &'static [Region],
}

/// From this day La Réunion and Mayotte have an agency each; before, they shared
/// the ARS Océan Indien (law on the health system of 2019, art. 19).
const OCEAN_INDIEN_SPLIT: Date = date!(2020 - 01 - 01);

impl Agency {
    /// Its mailbox for these matters, `ssi-<region>@<domain>` (instruction of
    /// 26 September 2017).
    pub fn mailbox(&self, domain: &str) -> String {
        format!("ssi-{}@{domain}", self.mailbox_slug)
    }
}

impl Region {
    /// The agency that is competent for the region on a day.
    pub fn agency_on(self, day: Date) -> Agency {
        if matches!(self, Self::LaReunion | Self::Mayotte) && day < OCEAN_INDIEN_SPLIT {
            return Agency {
                name: "ARS Océan Indien",
                mailbox_slug: "ocean-indien",
                regions: &[Self::LaReunion, Self::Mayotte],
            };
        }
        let (name, mailbox_slug, regions): (_, _, &'static [Self]) = match self {
            Self::Guadeloupe => ("ARS Guadeloupe", "guadeloupe", &[Self::Guadeloupe]),
            Self::Martinique => ("ARS Martinique", "martinique", &[Self::Martinique]),
            Self::Guyane => ("ARS Guyane", "guyane", &[Self::Guyane]),
            Self::LaReunion => ("ARS La Réunion", "la-reunion", &[Self::LaReunion]),
            Self::Mayotte => ("ARS Mayotte", "mayotte", &[Self::Mayotte]),
            Self::IleDeFrance => ("ARS Île-de-France", "ile-de-france", &[Self::IleDeFrance]),
            Self::CentreValDeLoire => (
                "ARS Centre-Val de Loire",
                "centre-val-de-loire",
                &[Self::CentreValDeLoire],
            ),
            Self::BourgogneFrancheComte => (
                "ARS Bourgogne-Franche-Comté",
                "bourgogne-franche-comte",
                &[Self::BourgogneFrancheComte],
            ),
            Self::Normandie => ("ARS Normandie", "normandie", &[Self::Normandie]),
            Self::HautsDeFrance => (
                "ARS Hauts-de-France",
                "hauts-de-france",
                &[Self::HautsDeFrance],
            ),
            Self::GrandEst => ("ARS Grand Est", "grand-est", &[Self::GrandEst]),
            Self::PaysDeLaLoire => (
                "ARS Pays de la Loire",
                "pays-de-la-loire",
                &[Self::PaysDeLaLoire],
            ),
            Self::Bretagne => ("ARS Bretagne", "bretagne", &[Self::Bretagne]),
            Self::NouvelleAquitaine => (
                "ARS Nouvelle-Aquitaine",
                "nouvelle-aquitaine",
                &[Self::NouvelleAquitaine],
            ),
            Self::Occitanie => ("ARS Occitanie", "occitanie", &[Self::Occitanie]),
            Self::AuvergneRhoneAlpes => (
                "ARS Auvergne-Rhône-Alpes",
                "auvergne-rhone-alpes",
                &[Self::AuvergneRhoneAlpes],
            ),
            Self::ProvenceAlpesCoteDAzur => (
                "ARS Provence-Alpes-Côte d'Azur",
                "provence-alpes-cote-d-azur",
                &[Self::ProvenceAlpesCoteDAzur],
            ),
            Self::Corse => ("ARS Corse", "corse", &[Self::Corse]),
        };
        Agency {
            name,
            mailbox_slug,
            regions,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn la_reunion_and_mayotte_shared_an_agency_until_2020() {
        let shared = Region::Mayotte.agency_on(date!(2019 - 12 - 31));
        assert_eq!(shared, Region::LaReunion.agency_on(date!(2017 - 10 - 01)));
        assert_eq!(shared.regions.len(), 2);
        assert_eq!(
            Region::Mayotte.agency_on(date!(2020 - 01 - 01)).name,
            "ARS Mayotte"
        );
        assert_eq!(
            Region::LaReunion.agency_on(date!(2020 - 01 - 01)).name,
            "ARS La Réunion"
        );
    }

    #[test]
    fn every_region_has_its_own_agency_and_mailbox_today() {
        let today = date!(2026 - 11 - 23);
        let mut mailboxes: Vec<_> = Region::ALL
            .iter()
            .map(|r| r.agency_on(today).mailbox("ars.example.org"))
            .collect();
        assert!(mailboxes.contains(&"ssi-occitanie@ars.example.org".to_owned()));
        mailboxes.sort();
        mailboxes.dedup();
        assert_eq!(mailboxes.len(), 18);
        for &region in Region::ALL {
            assert_eq!(region.agency_on(today).regions, [region]);
        }
    }
}

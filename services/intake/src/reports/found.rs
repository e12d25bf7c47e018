//! What the directory tells of the structure that a declaration names.

use vocabulary::{Department, Region, Siret, StructureKind};

use super::{Facts, StructureIdentifier};
use crate::structures::Structure;

/// The most candidates that an answer names.
const MAX_SHOWN: usize = 20;

/// What the directory tells of a declared structure.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Found {
    /// The site that the structure is: its identity by whichever number.
    pub(crate) site: Option<Structure>,
    /// The sites of its legal entity or of its SIRET, where the number alone does not
    /// tell which; those of the declared place first.
    pub(crate) candidates: Vec<Structure>,
    /// Its department.
    pub(crate) department: Option<Department>,
    /// What the declarant should look at.
    pub(crate) doubt: Option<Doubt>,
}

/// Why it is doubtful which structure is meant, or where it lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Doubt {
    /// The number stands for several sites.
    Ambiguous,
    /// The directory or the number tells another department than the declarant.
    DepartmentDiffers,
}

impl Found {
    /// Finds the structure among the entries that bear its number. `regions` are those
    /// of the declaration where it tells no department.
    pub(crate) fn of(facts: &Facts, entries: &[Structure], regions: &[Region]) -> Self {
        match &facts.structure {
            StructureIdentifier::Finess(finess) => {
                match entries.iter().find(|entry| entry.finess == *finess) {
                    Some(site) => Self {
                        site: Some(site.clone()),
                        department: Some(site.department),
                        doubt: differs(facts.department, Some(site.department)),
                        ..Self::default()
                    },
                    None => Self::legal_entity(facts, entries),
                }
            }
            StructureIdentifier::Siret(siret) if !is_placeholder(siret) => {
                Self::by_siret(facts, entries, regions)
            }
            StructureIdentifier::Siret(_)
            | StructureIdentifier::Rpps(_)
            | StructureIdentifier::Described { .. } => Self::unknown(facts),
        }
    }

    /// Whether the directory knows its number.
    pub(crate) fn is_known(&self) -> bool {
        self.site.is_some() || !self.candidates.is_empty()
    }

    /// The kind of the structure, as its site or the first candidate tells it. That one
    /// of several is a hospital of the armed forces must not keep a report about another
    /// from everybody else.
    pub(crate) fn kind(&self) -> Option<StructureKind> {
        if let Some(site) = &self.site {
            return Some(site.kind);
        }
        let first = self.candidates.first()?.kind;
        let shared = self.candidates.iter().all(|site| site.kind == first);
        (shared || first != StructureKind::ArmedForcesHospital).then_some(first)
    }

    /// The candidates that the declarant is shown when the structure is in doubt.
    pub(crate) fn shown_candidates(&self) -> impl Iterator<Item = &Structure> {
        let shown = if self.doubt.is_some() { MAX_SHOWN } else { 0 };
        self.candidates.iter().take(shown)
    }

    /// The region of all candidates, if they share one.
    pub(crate) fn common_region(&self) -> Option<Region> {
        let first = self.candidates.first()?.region;
        first.filter(|_| self.candidates.iter().all(|site| site.region == first))
    }

    fn unknown(facts: &Facts) -> Self {
        Self {
            department: facts.department(),
            doubt: differs(facts.department, facts.structure.department()),
            ..Self::default()
        }
    }

    /// A legal entity has no entry: its sites tell the kind, and confirm a department
    /// that is not the one of its number.
    fn legal_entity(facts: &Facts, sites: &[Structure]) -> Self {
        let unknown = Self::unknown(facts);
        let declared = facts
            .department
            .filter(|declared| sites.iter().any(|site| site.department == *declared));
        let department = declared.or(unknown.department);
        let mut candidates = sites.to_vec();
        candidates.sort_by_key(|site| Some(site.department) != department);
        let apart = sites.iter().any(|site| site.region != sites[0].region);
        let unsaid = facts.department.is_none() && apart;
        Self {
            candidates,
            department,
            doubt: unknown.doubt.or(unsaid.then_some(Doubt::Ambiguous)),
            site: None,
        }
    }

    /// The sites of the declared place are meant. Several of one place and one legal
    /// entity are one establishment, for which the first stands.
    fn by_siret(facts: &Facts, entries: &[Structure], regions: &[Region]) -> Self {
        let fits = |entry: &&Structure| match facts.department {
            Some(department) => entry.department == department,
            None if regions.is_empty() => true,
            None => entry.region.is_some_and(|region| regions.contains(&region)),
        };
        let fitting: Vec<Structure> = entries.iter().filter(fits).cloned().collect();
        let doubtful = |doubt| Self {
            candidates: entries.to_vec(),
            department: facts.department,
            doubt: Some(doubt),
            site: None,
        };
        match fitting.as_slice() {
            [] if entries.is_empty() => Self::unknown(facts),
            [] => doubtful(Doubt::DepartmentDiffers),
            [site] => Self {
                site: Some(site.clone()),
                department: Some(site.department),
                ..Self::default()
            },
            [first, others @ ..] => {
                let is_one = others.iter().all(|other| {
                    (other.department, other.legal_entity) == (first.department, first.legal_entity)
                });
                let site = is_one.then(|| first.clone());
                Self {
                    department: site
                        .as_ref()
                        .map(|site| site.department)
                        .or(facts.department),
                    site,
                    candidates: fitting,
                    doubt: Some(Doubt::Ambiguous),
                }
            }
        }
    }
}

/// Whether a SIRET is a placeholder of zeros, which forms hold for want of a number.
pub(crate) fn is_placeholder(siret: &Siret) -> bool {
    siret.as_str().bytes().all(|byte| byte == b'0')
}

fn differs(declared: Option<Department>, told: Option<Department>) -> Option<Doubt> {
    let (declared, told) = declared.zip(told)?;
    (declared != told).then_some(Doubt::DepartmentDiffers)
}

#[cfg(test)]
mod tests {
    use super::{super::samples::facts, *};

    fn site(finess: &str, entity: &str, department: &str) -> Structure {
        let department: Department = department.parse().unwrap();
        Structure {
            finess: finess.parse().unwrap(),
            legal_entity: entity.parse().ok(),
            region: department.region(),
            department,
            ..super::super::samples::entry()
        }
    }

    /// Three sites of one SIRET: two in the Eure-et-Loir and one in the Sarthe.
    fn entries() -> [Structure; 3] {
        [
            site("280007121", "720002294", "28"),
            site("280007295", "720002294", "28"),
            site("720014729", "720002294", "72"),
        ]
    }

    fn siret(department: Option<&str>) -> Facts {
        Facts {
            structure: StructureIdentifier::Siret("34215198200010".parse().unwrap()),
            department: department.map(|department| department.parse().unwrap()),
            ..facts()
        }
    }

    fn told(found: &Found) -> (Option<String>, Option<String>, usize, Option<Doubt>) {
        (
            found.site.as_ref().map(|site| site.finess.to_string()),
            found.department.map(|department| department.to_string()),
            found.candidates.len(),
            found.doubt,
        )
    }

    #[test]
    fn of_the_sites_of_a_siret_those_of_the_declared_place_are_meant() {
        let text = |text: &str| Some(text.to_owned());
        let sarthe: Region = "52".parse().unwrap();
        for (department, regions, expected) in [
            (Some("72"), vec![], (text("720014729"), text("72"), 0, None)),
            (
                Some("28"),
                vec![],
                (text("280007121"), text("28"), 2, Some(Doubt::Ambiguous)),
            ),
            (
                Some("13"),
                vec![],
                (None, text("13"), 3, Some(Doubt::DepartmentDiffers)),
            ),
            (
                Some("975"),
                vec![],
                (None, text("975"), 3, Some(Doubt::DepartmentDiffers)),
            ),
            (None, vec![sarthe], (text("720014729"), text("72"), 0, None)),
            (None, vec![], (None, None, 3, Some(Doubt::Ambiguous))),
        ] {
            let found = Found::of(&siret(department), &entries(), &regions);
            assert_eq!(told(&found), expected, "{department:?} {regions:?}");
        }
        let alone = Found::of(&siret(Some("72")), &[], &[]);
        assert_eq!(told(&alone), (None, text("72"), 0, None));
    }

    #[test]
    fn sites_of_two_legal_entities_are_not_taken_for_one() {
        let mut entries = entries();
        entries[1].legal_entity = "010780054".parse().ok();
        let found = Found::of(&siret(Some("28")), &entries, &[]);
        assert_eq!(
            (found.site, found.doubt),
            (None, Some(Doubt::Ambiguous)),
            "the first would show the report to strangers"
        );
    }

    #[test]
    fn a_siret_of_zeros_names_nothing() {
        let zeros = Facts {
            structure: StructureIdentifier::Siret("00000000000000".parse().unwrap()),
            ..siret(Some("72"))
        };
        let found = Found::of(&zeros, &entries(), &[]);
        assert_eq!(told(&found), (None, Some("72".to_owned()), 0, None));
    }

    #[test]
    fn another_department_beside_a_number_is_never_passed_over() {
        let beside = |structure, entries: &[Structure]| {
            let facts = Facts {
                structure,
                ..siret(Some("28"))
            };
            let found = Found::of(&facts, entries, &[]);
            (found.department.unwrap().to_string(), found.doubt)
        };
        let finess = |number: &str| StructureIdentifier::Finess(number.parse().unwrap());
        let differs = Some(Doubt::DepartmentDiffers);
        let here = "280007121";
        assert_eq!(
            beside(finess("720014729"), &entries()),
            ("72".into(), differs)
        );
        assert_eq!(beside(finess(here), &entries()), ("28".into(), None));
        assert_eq!(beside(finess("010000024"), &[]), ("01".into(), differs));
        // Its sites confirm the department of the declarant.
        assert_eq!(
            beside(finess("720002294"), &entries()),
            ("28".into(), differs)
        );
        let described = StructureIdentifier::Described {
            name: "Cabinet".try_into().unwrap(),
            department: "13".parse().ok(),
        };
        assert_eq!(beside(described, &[]), ("13".into(), differs));
    }

    #[test]
    fn a_legal_entity_of_several_regions_is_doubtful_until_a_department_is_said() {
        let entity = StructureIdentifier::Finess("720002294".parse().unwrap());
        let unsaid = Facts {
            structure: entity.clone(),
            ..siret(None)
        };
        let found = Found::of(&unsaid, &entries(), &[]);
        assert_eq!(
            told(&found),
            (None, Some("72".to_owned()), 3, Some(Doubt::Ambiguous))
        );
        assert_eq!(found.candidates[0].finess.to_string(), "720014729");
        let said = Facts {
            structure: entity,
            ..siret(Some("72"))
        };
        assert_eq!(Found::of(&said, &entries(), &[]).doubt, None);
    }
}

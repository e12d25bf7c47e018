//! Who is told of a report, and where it is counted.

use std::collections::BTreeSet;

use platform::Caller;
use vocabulary::{
    Channel, Department, Party, Region, RoutingRegion, StructureKey, StructureKind,
    has_health_impact,
};

use super::{Facts, Refusal, ReportedStructure, Structure, StructureIdentifier};

/// Where a report goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Routing {
    /// Where it is counted and which ARS is competent.
    pub(crate) region: RoutingRegion,
    /// The region of the structure, also of one that has its own chain.
    pub(crate) territory: Option<Region>,
    /// The structure as the directory and the declarant know it.
    pub(crate) structure: ReportedStructure,
    /// Who sees it.
    pub(crate) visible_to: BTreeSet<Party>,
}

impl Routing {
    /// Routes a report.
    ///
    /// The directory is believed first, then the identifier; an agent's own
    /// region serves where neither tells one.
    pub(crate) fn of(
        facts: &Facts,
        entry: Option<&Structure>,
        caller: &Caller,
        channel: Channel,
    ) -> Result<Self, Refusal> {
        // The word of a declarant that he is national takes no report from the agency
        // of a region that is known.
        let own = entry
            .filter(|entry| is_of_the_structure(facts, entry))
            .map(|entry| entry.region)
            .or_else(|| facts.department().map(Department::region))
            .or_else(|| entry.map(|entry| entry.region));
        let territory = own.or_else(|| {
            let entered = channel == Channel::Agency && !facts.national;
            caller.region.filter(|_| entered)
        });
        if channel == Channel::Agency && (territory.is_none() || territory != caller.region) {
            return Err(Refusal::RegionNotYours);
        }
        let keys = keys(facts, entry);
        let structure = structure(facts, entry, caller, channel, &keys);
        let region = match (channel, territory) {
            (Channel::Probe, _) => RoutingRegion::Synthetic,
            (_, Some(region)) => RoutingRegion::Region(region),
            (_, None) => RoutingRegion::National,
        };
        let visible_to = parties(facts, &structure, territory, caller, channel, keys);
        Ok(Self {
            region,
            territory,
            structure,
            visible_to,
        })
    }

    /// A hospital of the armed forces has its own chain (chaîne cyber du
    /// ministère des Armées), which informs the others as needed.
    pub(crate) fn has_own_chain(&self) -> bool {
        self.structure.kind == Some(StructureKind::ArmedForcesHospital)
    }
}

/// Whether the entry is the structure's own.
///
/// A legal entity has none: one of its sites tells the kind, and the region where its
/// own number does not, but is not the structure of the report.
fn is_of_the_structure(facts: &Facts, entry: &Structure) -> bool {
    let declared = facts.structure.key();
    entry.key() == declared || entry.legal_entity_key().as_ref() != Some(&declared)
}

/// Every key under which the structure may stand among a caller's own: the
/// directory's first, then the declarant's, then the legal entity's.
fn keys(facts: &Facts, entry: Option<&Structure>) -> Vec<StructureKey> {
    let declared = facts.structure.key();
    let Some(entry) = entry else {
        return vec![declared];
    };
    let legal_entity = entry.legal_entity_key();
    if !is_of_the_structure(facts, entry) {
        return vec![declared];
    }
    let mut keys = vec![entry.key(), declared];
    keys.extend(legal_entity);
    keys.dedup();
    keys
}

fn structure(
    facts: &Facts,
    entry: Option<&Structure>,
    caller: &Caller,
    channel: Channel,
    keys: &[StructureKey],
) -> ReportedStructure {
    let described = match &facts.structure {
        StructureIdentifier::Described { name, .. } => name.as_str(),
        _ => "",
    };
    let site = entry.filter(|entry| !is_of_the_structure(facts, entry));
    let name = match (site, entry) {
        (Some(site), _) => format!("Entité juridique dont relève {}", site.name.as_str()),
        (None, Some(entry)) => entry.name.as_str().to_owned(),
        (None, None) => described.to_owned(),
    };
    // What is said of a site is not said of the entity.
    let own = entry.filter(|_| site.is_none());
    ReportedStructure {
        key: keys
            .first()
            .cloned()
            .unwrap_or_else(|| facts.structure.key()),
        name,
        kind: entry
            .map(|entry| entry.kind)
            .or(facts.structure_kind.map(declared_kind)),
        department: own
            .map(|entry| entry.department)
            .or_else(|| facts.department())
            .or_else(|| entry.map(|entry| entry.department)),
        town: own
            .and_then(|entry| entry.town.as_ref())
            .map(|town| town.as_str().to_owned()),
        operator_status: own
            .and_then(|entry| entry.operator_status)
            .or(facts.operator_status),
        // The agency confirms the links of its region: its own entry needs no
        // other confirmation.
        link_verified: channel == Channel::Agency
            || keys.iter().any(|key| caller.structures.contains(key)),
    }
}

/// The kind of a structure that the directory does not know. That one is a hospital
/// of the armed forces the directory alone says: a wrong word of a declarant must not
/// keep his report from everybody else.
fn declared_kind(kind: StructureKind) -> StructureKind {
    match kind {
        StructureKind::ArmedForcesHospital => StructureKind::HealthFacility,
        other => other,
    }
}

fn parties(
    facts: &Facts,
    structure: &ReportedStructure,
    territory: Option<Region>,
    caller: &Caller,
    channel: Channel,
    keys: Vec<StructureKey>,
) -> BTreeSet<Party> {
    if channel == Channel::Probe {
        return BTreeSet::from([Party::Probe]);
    }
    let author = match channel {
        Channel::Import => Party::Importer(caller.subject.clone()),
        Channel::Declarant | Channel::Agency | Channel::Probe | Channel::Later(_) => {
            Party::Subject(caller.subject.clone())
        }
    };
    let mut parties = BTreeSet::from([author]);
    if structure.link_verified {
        parties.extend(keys.into_iter().map(Party::Structure));
    }
    let health_impact = has_health_impact(&facts.impacts);
    let own_chain = structure.kind == Some(StructureKind::ArmedForcesHospital);
    if own_chain {
        parties.insert(Party::ArmedForces);
    }
    if !own_chain || health_impact {
        parties.extend([Party::Cell, Party::SecurityOfficer]);
        parties.extend(territory.map(Party::Region));
    }
    if !own_chain && health_impact {
        parties.insert(Party::HealthAuthority);
    }
    parties
}

#[cfg(test)]
mod tests {
    use vocabulary::{Line, Role, Siret};

    use super::{
        super::samples::{caller, decided, degraded, entry, facts},
        *,
    };

    fn routed(facts: &Facts, entry: Option<&Structure>, role: Role) -> Routing {
        decided(facts, entry, &caller(role)).unwrap().routing
    }

    fn parties(routing: &Routing) -> Vec<String> {
        routing.visible_to.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_verified_declarant_shares_the_report_with_his_structure_and_its_entity() {
        let routing = routed(&facts(), Some(&entry()), Role::Declarant);
        assert!(routing.structure.link_verified);
        assert_eq!(
            parties(&routing),
            [
                "cell",
                "fssi",
                "ars:84",
                "structure:finess:010000024",
                "structure:finess:010780054",
                "subject:alice",
            ],
        );
    }

    #[test]
    fn an_unverified_declarant_shares_it_with_no_structure() {
        let stranger = Caller {
            structures: [].into(),
            ..caller(Role::Declarant)
        };
        let routing = decided(&facts(), Some(&entry()), &stranger)
            .unwrap()
            .routing;
        assert!(!routing.structure.link_verified);
        assert_eq!(
            parties(&routing),
            ["cell", "fssi", "ars:84", "subject:alice"]
        );
    }

    #[test]
    fn a_link_to_the_legal_entity_is_a_link_to_its_sites() {
        let key = entry().legal_entity_key().unwrap();
        let director = Caller {
            structures: [key].into(),
            ..caller(Role::Declarant)
        };
        let routing = decided(&facts(), Some(&entry()), &director)
            .unwrap()
            .routing;
        assert!(routing.structure.link_verified);
    }

    #[test]
    fn a_legal_entity_is_not_taken_for_one_of_its_sites() {
        let facts = Facts {
            structure: StructureIdentifier::Finess("010780054".parse().unwrap()),
            ..facts()
        };
        let site = Structure {
            region: Region::ProvenceAlpesCoteDAzur,
            department: "13".parse().unwrap(),
            operator_status: Some(vocabulary::OperatorStatus::Vital),
            ..entry()
        };
        let routing = routed(&facts, Some(&site), Role::Declarant);
        assert_eq!(routing.territory, Some(Region::AuvergneRhoneAlpes));
        let structure = routing.structure;
        assert_eq!(structure.key.to_string(), "finess:010780054");
        assert!(structure.name.starts_with("Entité juridique dont relève "));
        assert_eq!(structure.department.unwrap().to_string(), "01");
        assert_eq!((structure.town, structure.operator_status), (None, None));
        assert_eq!(structure.kind, Some(site.kind));
    }

    #[test]
    fn a_siret_of_the_directory_stands_for_its_site() {
        let siret: Siret = "26010004500012".parse().unwrap();
        let named = Facts {
            structure: StructureIdentifier::Siret(siret),
            ..facts()
        };
        let routing = routed(&named, Some(&entry()), Role::Declarant);
        assert_eq!(routing.structure.key, entry().key());
        assert!(routing.structure.link_verified);
    }

    #[test]
    fn the_directory_is_believed_before_the_number() {
        let moved = Structure {
            region: "11".parse().unwrap(),
            department: "75".parse().unwrap(),
            ..entry()
        };
        assert_eq!(
            routed(&facts(), Some(&moved), Role::Declarant)
                .region
                .as_str(),
            "11"
        );
        assert_eq!(
            routed(&facts(), None, Role::Declarant).region.as_str(),
            "84"
        );
    }

    #[test]
    fn a_number_that_tells_no_place_goes_where_the_declarant_says() {
        let cabinet = Facts {
            structure: StructureIdentifier::Rpps("10101201234".parse().unwrap()),
            department: "2A".parse().ok(),
            ..facts()
        };
        let routing = routed(&cabinet, None, Role::Declarant);
        assert_eq!(routing.region.as_str(), "94");
        assert!(parties(&routing).contains(&"ars:94".to_owned()));
        assert_eq!(routing.structure.department, cabinet.department);
        // The directory is believed first.
        assert_eq!(
            routed(&cabinet, Some(&entry()), Role::Declarant)
                .region
                .as_str(),
            "84"
        );
    }

    #[test]
    fn an_agents_region_serves_where_nothing_else_tells_one() {
        let rpps = StructureIdentifier::Rpps("10101201234".parse().unwrap());
        let unplaced = Facts {
            structure: rpps,
            capacity: vocabulary::Capacity::Agency,
            ..facts()
        };
        let routing = routed(&unplaced, None, Role::RegionalAgent);
        assert_eq!(routing.region.as_str(), "84");
        assert!(routing.structure.link_verified);

        let declared = Facts {
            capacity: vocabulary::Capacity::Delegate,
            ..unplaced
        };
        assert_eq!(
            routed(&declared, None, Role::Declarant).region,
            RoutingRegion::National
        );
    }

    #[test]
    fn an_army_hospital_keeps_to_its_chain_unless_care_is_touched() {
        let army = Structure {
            kind: StructureKind::ArmedForcesHospital,
            ..entry()
        };
        let stranger = Caller {
            structures: [].into(),
            ..caller(Role::Declarant)
        };
        let of = |facts: &Facts| parties(&decided(facts, Some(&army), &stranger).unwrap().routing);
        assert_eq!(of(&facts()), ["army", "subject:alice"]);
        assert_eq!(
            of(&degraded()),
            ["cell", "fssi", "ars:84", "army", "subject:alice"]
        );
    }

    #[test]
    fn a_wrong_word_of_the_declarant_keeps_his_report_from_nobody() {
        let declared = Facts {
            structure_kind: Some(StructureKind::ArmedForcesHospital),
            ..facts()
        };
        let routing = routed(&declared, None, Role::Declarant);
        assert!(!routing.has_own_chain());
        for party in ["cell", "fssi", "ars:84"] {
            assert!(parties(&routing).contains(&party.to_owned()), "{party}");
        }
    }

    #[test]
    fn the_health_authority_sees_what_touches_care_also_of_a_national_body() {
        let name: Line<1, 200> = "Agence".try_into().unwrap();
        let national = Facts {
            structure: StructureIdentifier::Described {
                name,
                department: None,
            },
            national: true,
            ..degraded()
        };
        let routing = routed(&national, None, Role::Declarant);
        assert_eq!(parties(&routing), ["cell", "fssi", "dgs", "subject:alice"]);
    }

    #[test]
    fn a_probe_goes_nowhere() {
        let routing = routed(&degraded(), Some(&entry()), Role::Prober);
        assert_eq!(routing.region, RoutingRegion::Synthetic);
        assert_eq!(parties(&routing), ["probe"]);
    }
}

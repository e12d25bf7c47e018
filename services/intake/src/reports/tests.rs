//! Who is told of a report, and where it is counted.

use vocabulary::{Capacity, Line, Role, Siret};

use super::{
    decide::Refusal,
    routing::Routing,
    samples::{author, decided, degraded, entry, facts},
    *,
};
use crate::structures::Structure;

fn routed(facts: &Facts, entry: Option<&Structure>, role: Role) -> Routing {
    decided(facts, entry, &author(role)).unwrap().routing
}

fn parties(routing: &Routing) -> Vec<String> {
    routing.visible_to.iter().map(ToString::to_string).collect()
}

#[test]
fn a_verified_declarant_shares_the_report_with_his_structure_and_its_entity() {
    let routing = routed(&facts(), Some(&entry()), Role::Declarant);
    assert!(routing.structure.link.is_verified());
    assert_eq!(
        parties(&routing),
        [
            "cell",
            "fssi",
            "ars:84",
            "structure:finess:010000024",
            "structure:finess:010780054",
            "structure:siret:26010004500012",
            "subject:alice",
        ],
    );
}

#[test]
fn an_unverified_declarant_shares_it_with_no_structure() {
    let stranger = Author {
        structures: [].into(),
        ..author(Role::Declarant)
    };
    let routing = decided(&facts(), Some(&entry()), &stranger)
        .unwrap()
        .routing;
    assert!(!routing.structure.link.is_verified());
    assert_eq!(
        parties(&routing),
        ["cell", "fssi", "ars:84", "subject:alice"]
    );
}

#[test]
fn a_link_to_the_legal_entity_is_a_link_to_its_sites() {
    let key = entry().legal_entity_key().unwrap();
    let director = Author {
        structures: [key].into(),
        ..author(Role::Declarant)
    };
    let routing = decided(&facts(), Some(&entry()), &director)
        .unwrap()
        .routing;
    assert!(routing.structure.link.is_verified());
}

#[test]
fn a_legal_entity_is_not_taken_for_one_of_its_sites() {
    let facts = Facts {
        structure: StructureIdentifier::Finess("010780054".parse().unwrap()),
        ..facts()
    };
    let site = Structure {
        region: Some(Region::ProvenceAlpesCoteDAzur),
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
fn one_site_is_one_structure_by_whichever_number_it_is_declared() {
    let siret: Siret = "26010004500012".parse().unwrap();
    let named = Facts {
        structure: StructureIdentifier::Siret(siret),
        department: "01".parse().ok(),
        ..facts()
    };
    let by_siret = routed(&named, Some(&entry()), Role::Declarant);
    assert_eq!(by_siret.structure.key, entry().key());
    assert_eq!(by_siret, routed(&facts(), Some(&entry()), Role::Declarant));
}

#[test]
fn a_siret_that_is_known_elsewhere_goes_where_the_declarant_says() {
    let siret = StructureIdentifier::Siret("26010004500012".parse().unwrap());
    let elsewhere = Facts {
        structure: siret.clone(),
        department: "13".parse().ok(),
        ..facts()
    };
    let routing = routed(&elsewhere, Some(&entry()), Role::Declarant);
    assert_eq!(routing.region.as_str(), "93");
    assert_eq!(routing.structure.key, siret.key());
    assert!(!routing.structure.link.is_verified());
    assert_eq!(
        parties(&routing),
        ["cell", "fssi", "ars:93", "subject:alice"]
    );
}

#[test]
fn saint_pierre_et_miquelon_has_no_agency_and_is_told_to_the_cell_and_the_fssi() {
    let cabinet = |department: &str| Facts {
        structure: StructureIdentifier::Rpps("10101201234".parse().unwrap()),
        department: department.parse().ok(),
        ..facts()
    };
    let of = |department| {
        let routing = routed(&cabinet(department), None, Role::Declarant);
        (routing.region.as_str(), parties(&routing))
    };
    let told = |who: &[&str]| who.iter().map(|&it| it.to_owned()).collect::<Vec<_>>();
    let nobody_else = told(&["cell", "fssi", "subject:alice"]);
    assert_eq!(of("975"), ("national", nobody_else));
    let guadeloupe = told(&["cell", "fssi", "ars:01", "subject:alice"]);
    assert_eq!(of("977"), ("01", guadeloupe.clone()));
    assert_eq!(of("978"), ("01", guadeloupe));
}

/// An RPPS that somebody else declares, of regions and no department.
fn of_regions(capacity: Capacity, regions: &[&str]) -> Facts {
    Facts {
        structure: StructureIdentifier::Rpps("10101201234".parse().unwrap()),
        capacity,
        regions: regions.iter().map(|code| code.parse().unwrap()).collect(),
        ..facts()
    }
}

#[test]
fn every_region_that_an_importer_names_is_told_and_the_first_counts() {
    let named = of_regions(Capacity::Importer, &["76", "75"]);
    let routing = routed(&named, None, Role::Importer);
    assert_eq!(routing.region.as_str(), "76");
    assert_eq!(
        parties(&routing),
        ["cell", "fssi", "ars:75", "ars:76", "importer:alice"]
    );
    // The region of the structure counts, where it is known.
    let site = Facts {
        structure: facts().structure,
        ..named
    };
    let routing = routed(&site, Some(&entry()), Role::Importer);
    assert_eq!(routing.region.as_str(), "84");
    assert!(parties(&routing).contains(&"ars:75".to_owned()));
}

#[test]
fn the_region_of_an_agent_is_among_those_that_he_names() {
    let named = |regions| of_regions(Capacity::Agency, regions);
    let agent = author(Role::RegionalAgent);
    let routing = decided(&named(&["76", "84"]), None, &agent)
        .unwrap()
        .routing;
    assert_eq!(routing.region.as_str(), "84");
    assert_eq!(
        decided(&named(&["76"]), None, &agent),
        Err(Refusal::RegionNotYours)
    );
}

#[test]
fn a_declarant_names_no_region() {
    let named = of_regions(Capacity::Director, &["84"]);
    assert_eq!(
        decided(&named, None, &author(Role::Declarant)),
        Err(Refusal::RegionsNotYours)
    );
}

#[test]
fn a_name_without_a_department_is_nobody_s_own() {
    let name: Line<1, 200> = "Cabinet".try_into().unwrap();
    let described = Facts {
        structure: StructureIdentifier::Described {
            name,
            department: None,
        },
        ..of_regions(Capacity::Agency, &["84"])
    };
    let routing = routed(&described, None, Role::RegionalAgent);
    assert_eq!(
        parties(&routing),
        ["cell", "fssi", "ars:84", "subject:alice"]
    );
}

#[test]
fn the_directory_is_believed_before_the_number() {
    let moved = Structure {
        region: "11".parse().ok(),
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
    assert!(routing.structure.link.is_verified());

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
    let stranger = Author {
        structures: [].into(),
        ..author(Role::Declarant)
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

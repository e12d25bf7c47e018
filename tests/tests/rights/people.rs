//! Who calls: every role with every region and structure it may claim.

use testkit::TokenSpec;
use tests::{MONTPELLIER, ROUEN};

use crate::scene::{ARMY_HOSPITAL, MONTPELLIER_LEGAL_ENTITY};

/// Occitanie and Normandie, by their INSEE codes.
const REGIONS: [Option<&str>; 3] = [Some("76"), Some("28"), None];
const STRUCTURES: [Option<&str>; 3] = [Some(MONTPELLIER), Some(ROUEN), None];

/// Every role in every region and structure, and the people of the scene.
pub(crate) fn everybody(roles: &[String]) -> Vec<TokenSpec> {
    let mut people = Vec::new();
    for role in roles {
        for region in REGIONS {
            for structure in STRUCTURES {
                people.push(person(role, region, structure));
            }
        }
    }
    people.extend(authors());
    people.extend([
        TokenSpec::of("of the legal entity")
            .role("declarant")
            .structure(key(MONTPELLIER_LEGAL_ENTITY)),
        TokenSpec::of("of the army hospital")
            .role("declarant")
            .structure(key(ARMY_HOSPITAL)),
        TokenSpec::of("without a role")
            .region("76")
            .structure(key(MONTPELLIER)),
        TokenSpec::of("with a role that is none").role("administrator"),
        // Several roles add up, and none lends its reach to another.
        TokenSpec::of("analyst and declarant")
            .role("analyst")
            .role("declarant")
            .structure(key(ROUEN)),
        TokenSpec::of("health authority and agent")
            .role("health_authority")
            .role("regional_agent")
            .region("28"),
        TokenSpec::of("program of a region that also declares")
            .role("integration")
            .role("declarant")
            .region("76"),
        TokenSpec::of("prober and editor")
            .role("prober")
            .role("editor")
            .region("76")
            .structure(key(MONTPELLIER)),
    ]);
    people
}

/// Those who declare what the scene holds.
pub(crate) fn authors() -> Vec<TokenSpec> {
    vec![
        TokenSpec::of("director")
            .role("declarant")
            .structure(key(MONTPELLIER)),
        TokenSpec::of("director-rouen")
            .role("declarant")
            .structure(key(ROUEN)),
        TokenSpec::of("nobody's director").role("declarant"),
        TokenSpec::of("army director")
            .role("declarant")
            .structure(key(ARMY_HOSPITAL)),
        TokenSpec::of("agent").role("regional_agent").region("76"),
        TokenSpec::of("importer").role("importer"),
        TokenSpec::of("prober").role("prober"),
    ]
}

/// Whoever has this role with the region and the structure that reach furthest.
pub(crate) fn with_role(role: &str) -> TokenSpec {
    person(role, REGIONS[0], STRUCTURES[0])
}

fn person(role: &str, region: Option<&str>, structure: Option<&str>) -> TokenSpec {
    let name = format!(
        "{role} of {} and {}",
        region.unwrap_or("no region"),
        structure.unwrap_or("no structure")
    );
    TokenSpec {
        region: region.map(str::to_owned),
        structures: structure.map(key).into_iter().collect(),
        ..TokenSpec::of(name).role(role)
    }
}

fn key(finess: &str) -> String {
    format!("finess:{finess}")
}

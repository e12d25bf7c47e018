//! Which structure a declaration is about, where it lies, and who is told there.

use proto::{
    events::v1::ReportSubmitted,
    intake::v1::{
        CheckReportResponse, Contact, DeclarantCapacity, ReportDraft, SubmitReportRequest,
    },
    types::v1::{DataImpact, DataNature, Impacts},
};
use testkit::TokenSpec;
use tonic::Code;
use uuid::Uuid;

use crate::tests::{
    drafts::{FLEYRIAT, described, finess, incident, martin, rpps, siret},
    env::{TestEnv, reason},
};

/// A SIRET of three sites of one entity, two of them in the Eure-et-Loir (28).
const THREE_SITES: &str = "34215198200010";
const SARTHE: &str = "720014729";

/// Three lines of the Statistique annuelle des établissements 2022 (DREES, open data).
const FILE: &str = "finess_et,finess_ej,name,category_code,siret,region_code,department,commune\n\
    280007121,720002294,COREL - CISEL,698,34215198200010,24,28,CHARTRES\n\
    280007295,720002294,SATURNE (RADIOTHE) SITE CH CHARTRES,699,34215198200010,24,28,COUDRAY\n\
    720014729,720002294,CENTRE JEAN BERNARD,698,34215198200010,52,72,MANS\n";

fn of_siret(number: &str, department: &str) -> ReportDraft {
    ReportDraft {
        structure: siret(number),
        department: department.to_owned(),
        ..incident()
    }
}

/// The warnings of a check, as "field reason".
fn warned(checked: &CheckReportResponse) -> Vec<String> {
    let warnings = checked.warnings.iter();
    warnings
        .map(|warning| format!("{} {}", warning.field, warning.reason))
        .collect()
}

/// Where a draft goes, as the log tells it: the route, the key and the parties.
async fn route(env: &TestEnv, draft: ReportDraft) -> (String, String, Vec<String>) {
    let receipt = env.linked("alice").submit(draft).await.unwrap();
    let subject = format!("report/{}", receipt.report_id);
    let events = env.events().await;
    let event = events.iter().find(|event| event.subject == subject);
    let told: ReportSubmitted = event.unwrap().decode().unwrap();
    let structure = told.structure.unwrap();
    (
        structure.routing_region,
        structure.structure_key,
        told.visible_to,
    )
}

#[tokio::test]
async fn of_the_sites_of_a_siret_the_one_of_the_declared_department_is_meant() {
    let env = TestEnv::start().await;
    env.importer().import(FILE.as_bytes()).await.unwrap();
    let alice = env.declarant("alice");
    for (department, region, key, warnings, candidates) in [
        ("72", "52", "finess:720014729", vec![], vec![]),
        (
            "28",
            "24",
            "finess:280007121",
            vec!["draft.structure.siret AMBIGUOUS_STRUCTURE"],
            vec!["280007121", "280007295"],
        ),
        (
            "13",
            "93",
            "",
            vec!["draft.department DEPARTMENT_DIFFERS"],
            vec!["280007121", "280007295", SARTHE],
        ),
    ] {
        let draft = of_siret(THREE_SITES, department);
        let checked = alice.check(draft.clone()).await.unwrap();
        assert_eq!(warned(&checked), warnings, "{department}");
        let shown: Vec<_> = checked.candidates.iter().map(|site| &site.finess).collect();
        assert_eq!(shown, candidates, "{department}");
        let agency = checked.consequences.unwrap().agency.unwrap();
        assert_eq!(agency.region, region);
        let (routed, told, _) = route(&env, draft).await;
        assert_eq!((routed.as_str(), told.as_str()), (region, key));
    }
}

#[tokio::test]
async fn a_siret_of_several_regions_and_no_place_is_told_to_be_ambiguous() {
    let env = TestEnv::start().await;
    env.importer().import(FILE.as_bytes()).await.unwrap();
    let draft = ReportDraft {
        national: true,
        ..of_siret(THREE_SITES, "")
    };
    let checked = env.declarant("alice").check(draft.clone()).await.unwrap();
    assert_eq!(
        warned(&checked),
        ["draft.structure.siret AMBIGUOUS_STRUCTURE"]
    );
    assert_eq!(checked.candidates.len(), 3);
    let (routed, key, _) = route(&env, draft).await;
    assert_eq!((routed.as_str(), key.as_str()), ("national", ""));
}

#[tokio::test]
async fn a_siret_of_zeros_is_not_looked_up() {
    let env = TestEnv::start().await;
    let zeros = "00000000000000";
    let file = FILE.replace(THREE_SITES, zeros);
    env.importer().import(file.as_bytes()).await.unwrap();
    let draft = of_siret(zeros, "72");
    let checked = env.declarant("alice").check(draft.clone()).await.unwrap();
    assert_eq!(warned(&checked), ["draft.structure.siret PLACEHOLDER"]);
    let (routed, key, _) = route(&env, draft).await;
    assert_eq!((routed.as_str(), key.as_str()), ("52", ""));
}

#[tokio::test]
async fn another_department_beside_a_number_is_warned_of() {
    let env = TestEnv::with_directory().await;
    let alice = env.declarant("alice");
    let beside = |structure| ReportDraft {
        structure,
        department: "13".to_owned(),
        ..incident()
    };
    for (structure, region) in [
        (finess(FLEYRIAT), "84"),
        (finess("720014729"), "52"),
        (siret("26010004500012"), "93"),
        (described("Cabinet", "2A"), "94"),
    ] {
        let checked = alice.check(beside(structure)).await.unwrap();
        let differs = "draft.department DEPARTMENT_DIFFERS".to_owned();
        assert!(warned(&checked).contains(&differs), "{region}: {checked:?}");
        let agency = checked.consequences.unwrap().agency.unwrap();
        assert_eq!(agency.region, region);
    }
}

#[tokio::test]
async fn a_site_is_one_structure_by_its_finess_and_by_its_siret() {
    let env = TestEnv::with_directory().await;
    let by_finess = route(&env, incident()).await;
    let by_siret = route(&env, of_siret("26010004500012", "01")).await;
    assert_eq!(by_finess, by_siret);
    assert_eq!(by_siret.1, "finess:010000024");

    // Who is known by the SIRET sees what a colleague declared by the FINESS.
    let receipt = env.linked("alice").submit(incident()).await.unwrap();
    let colleague = TokenSpec::of("bob").role("declarant");
    let colleague = env.as_user(&colleague.structure("siret:26010004500012"));
    let seen = colleague.get(&receipt.report_id).await.unwrap();
    assert!(seen.link_verified);
}

#[tokio::test]
async fn saint_pierre_et_miquelon_is_told_to_the_cell_and_the_fssi_alone() {
    let env = TestEnv::start().await;
    let file = "finess_et,name,region_code,department\n010000024,CH DES ILES,975,975\n";
    let imported = env.importer().import(file.as_bytes()).await.unwrap();
    assert_eq!((imported.created, imported.rejected), (1, 0));
    let site = env.importer().structure(FLEYRIAT).await.unwrap();
    assert_eq!(
        (site.region.as_str(), site.department.as_str()),
        ("", "975")
    );

    let cabinet = ReportDraft {
        structure: rpps("10101201234"),
        department: "975".to_owned(),
        ..incident()
    };
    let described = ReportDraft {
        structure: described("Cabinet du port", "975"),
        ..incident()
    };
    for draft in [cabinet, described, incident()] {
        let checked = env.declarant("alice").check(draft.clone()).await.unwrap();
        assert!(checked.violations.is_empty(), "{checked:?}");
        let consequences = checked.consequences.unwrap();
        assert_eq!(consequences.agency, None);
        let told: Vec<_> = consequences.addressees.iter().map(|a| &a.party).collect();
        assert_eq!(told, ["cell", "fssi"]);
        assert_eq!(route(&env, draft).await.0, "national");
    }
}

#[tokio::test]
async fn guadeloupe_is_told_of_saint_barthelemy_and_saint_martin() {
    let env = TestEnv::start().await;
    for department in ["977", "978"] {
        let draft = ReportDraft {
            structure: described("Cabinet", department),
            ..incident()
        };
        let checked = env.declarant("alice").check(draft).await.unwrap();
        let agency = checked.consequences.unwrap().agency.unwrap();
        assert_eq!(agency.name, "ARS Guadeloupe", "{department}");
    }
}

#[tokio::test]
async fn an_importer_names_regions_where_it_knows_no_department() {
    let env = TestEnv::start().await;
    let importer = env.importer();
    let draft = ReportDraft {
        structure: described("Hébergeur", ""),
        capacity: DeclarantCapacity::Importer.into(),
        regions: vec!["76".to_owned(), "75".to_owned()],
        ..incident()
    };
    let receipt = importer.submit(draft).await.unwrap();
    let consequences = receipt.consequences.unwrap();
    assert_eq!(consequences.agency.unwrap().region, "76");
    let others: Vec<_> = consequences
        .other_agencies
        .iter()
        .map(|it| &it.name)
        .collect();
    assert_eq!(others, ["ARS Nouvelle-Aquitaine"]);
    let told: Vec<_> = consequences.addressees.iter().map(|a| &a.party).collect();
    assert_eq!(told, ["cell", "ars:76", "ars:75", "fssi"]);
    for region in ["75", "76"] {
        let report = env.agent(region).get(&receipt.report_id).await.unwrap();
        assert_eq!(report.routing_region, "76");
        assert_eq!(report.draft.unwrap().regions, ["76", "75"]);
    }
    let unseen = env.agent("84").get(&receipt.report_id).await.unwrap_err();
    assert_eq!(unseen.code(), Code::NotFound);
}

#[tokio::test]
async fn an_agent_names_his_own_region_among_others() {
    let env = TestEnv::start().await;
    let named = |regions: &[&str]| ReportDraft {
        structure: described("Hébergeur", ""),
        capacity: DeclarantCapacity::Agency.into(),
        regions: regions.iter().map(|&code| code.to_owned()).collect(),
        ..incident()
    };
    let agent = env.agent("84");
    let receipt = agent.submit(named(&["76", "84"])).await.unwrap();
    let report = agent.get(&receipt.report_id).await.unwrap();
    assert_eq!(report.routing_region, "84");
    let alone = agent.submit(named(&[])).await.unwrap();
    assert_eq!(alone.consequences.unwrap().agency.unwrap().region, "84");
    let refused = agent.submit(named(&["76"])).await.unwrap_err();
    assert_eq!(reason(&refused), "REGION_NOT_YOURS");
}

#[tokio::test]
async fn a_check_says_that_the_cell_telephones_where_the_other_contact_has_no_address() {
    let env = TestEnv::with_directory().await;
    let alternate = |email: &str| ReportDraft {
        alternate_contact: Some(Contact {
            email: email.to_owned(),
            phone: "06 12 34 56 78".to_owned(),
            ..martin()
        }),
        ..incident()
    };
    let alice = env.declarant("alice");
    let checked = alice.check(alternate("")).await.unwrap();
    assert_eq!(warned(&checked), ["draft.alternate_contact.email NO_MAIL"]);
    assert!(checked.warnings[0].description.contains("téléphonera"));
    let checked = alice.check(alternate("rssi@autre.fr")).await.unwrap();
    assert!(checked.warnings.is_empty(), "{checked:?}");
}

#[tokio::test]
async fn what_is_imported_of_the_past_has_no_deadline_that_is_past() {
    let env = TestEnv::with_directory().await;
    let in_2017 = prost_types::Timestamp {
        seconds: 1_501_754_400,
        nanos: 0,
    };
    let impacts = Impacts {
        data: vec![DataImpact::Disclosure.into()],
        data_natures: vec![DataNature::Health.into()],
        ..Impacts::default()
    };
    let draft = ReportDraft {
        capacity: DeclarantCapacity::Importer.into(),
        found_at: Some(in_2017),
        impacts: Some(impacts),
        ..incident()
    };
    let sent = SubmitReportRequest {
        request_id: Uuid::new_v4().to_string(),
        draft: Some(draft),
        declared_at: Some(in_2017),
        ..SubmitReportRequest::default()
    };
    let receipt = env.importer().send(sent).await.unwrap();
    let consequences = receipt.consequences.unwrap();
    let duties = &consequences.parallel_duties;
    let cnil = duties.iter().find(|duty| duty.code == "cnil").unwrap();
    assert_eq!(cnil.due_at, None);
    let late = "délai dépassé : notifier sans attendre, en motivant le retard";
    assert!(cnil.text.contains(late), "{}", cnil.text);
    assert!(consequences.next_steps.contains(&cnil.text));
    assert!(!consequences.next_steps.concat().contains("2017"));
}

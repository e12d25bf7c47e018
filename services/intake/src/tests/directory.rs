//! The directory of structures is loaded, searched and told.

use std::collections::BTreeSet;

use proto::{
    eventlog::v1::{
        SnapshotRequest, event_log_service_client::EventLogServiceClient, snapshot_response::Part,
    },
    events::v1::StructureRecorded,
    types::v1::StructureKind,
};
use tonic::Code;
use vocabulary::Finess;

use crate::tests::env::{TestEnv, violations};

const FILE: &str = "finess_et,finess_ej,name,category_code,siret,region_code,department,commune_code,commune\n\
    010000024,010780054,CH DE FLEYRIAT,355,26010004500012,84,01,01451,VIRIAT\n\
    010000032,010780062,\"CH \"\"BUGEY\"\" SUD\",355,,84,01,\"01034\n\",BELLEY\n\
    080000111,,CLE FAUSSE,355,,44,08,,\n\
    2A0000014,,CH D'AJACCIO,999,,94,2A,,AJACCIO\n\
    010000065,,PAS LA,355,,76,01,,\n\
    010000024,,DEUX FOIS,355,,84,01,,\n\
    010000065\n";

#[tokio::test]
async fn a_bad_line_is_named_and_never_stops_the_good_ones() {
    let env = TestEnv::start().await;
    let imported = env.importer().import(FILE.as_bytes()).await.unwrap();
    assert_eq!(
        (imported.lines, imported.created, imported.rejected),
        (7, 3, 4)
    );
    let rejected: Vec<_> = imported
        .rejected_lines
        .iter()
        .map(|line| (line.line, line.column.as_str(), line.reason.as_str()))
        .collect();
    // The second structure takes two lines of the file.
    assert_eq!(
        rejected,
        [
            (5, "finess_et", "BAD_KEY"),
            (7, "region_code", "CONFLICT"),
            (8, "finess_et", "DUPLICATE_IN_FILE"),
            (9, "", "BAD_FORMAT"),
        ],
    );
    let structure = env.importer().structure("010000032").await.unwrap();
    assert_eq!(structure.name, "CH \"BUGEY\" SUD");
    let unknown_category = env.importer().structure("2A0000014").await.unwrap();
    assert_eq!(unknown_category.kind(), StructureKind::Other);
}

#[tokio::test]
async fn the_same_file_again_changes_and_tells_nothing() {
    let env = TestEnv::start().await;
    let importer = env.importer();
    importer.import(FILE.as_bytes()).await.unwrap();
    let again = importer.import(FILE.as_bytes()).await.unwrap();
    assert_eq!((again.created, again.updated, again.unchanged), (0, 0, 3));
    assert_eq!(env.events().await.len(), 3);

    let moved = FILE.replace("VIRIAT", "BOURG-EN-BRESSE");
    let changed = importer.import(moved.as_bytes()).await.unwrap();
    assert_eq!(
        (changed.created, changed.updated, changed.unchanged),
        (0, 1, 2)
    );
    let mut told: Vec<StructureRecorded> = env
        .events()
        .await
        .iter()
        .filter(|event| event.subject == "structure/finess:010000024")
        .map(|event| event.decode().unwrap())
        .collect();
    let last = told.pop().unwrap();
    assert_eq!((last.revision, last.town.as_str()), (2, "BOURG-EN-BRESSE"));
    assert_eq!(told.pop().unwrap().revision, 1);
}

#[tokio::test]
async fn semicolons_and_windows_1252_are_found_out() {
    let env = TestEnv::start().await;
    let text = "finess_et;name;commune\n010000024;\"HÔPITAL; SITE É\";Viriat\n";
    let bytes: Vec<u8> = text
        .chars()
        .map(|c| u8::try_from(u32::from(c)).unwrap())
        .collect();
    let imported = env.importer().import(&bytes).await.unwrap();
    assert_eq!(
        (imported.created, imported.encoding.as_str()),
        (1, "windows-1252")
    );
    assert_eq!(
        env.importer().structure("010000024").await.unwrap().name,
        "HÔPITAL; SITE É"
    );

    let bom = format!("\u{feff}{text}");
    let imported = env.importer().import(bom.as_bytes()).await.unwrap();
    assert_eq!(
        (imported.unchanged, imported.encoding.as_str()),
        (1, "utf-8")
    );
}

#[tokio::test]
async fn a_file_without_its_columns_or_too_large_is_refused_as_a_whole() {
    let env = TestEnv::start_with(|config| config.intake.import_max_bytes = 10_000).await;
    let status = env
        .importer()
        .import(b"finess;nom\n1;2\n")
        .await
        .unwrap_err();
    // Both required columns are named.
    let missing = ("chunk".to_owned(), "MISSING_COLUMN".to_owned());
    assert_eq!(violations(&status), [missing.clone(), missing]);
    let status = env.importer().import(b"").await.unwrap_err();
    assert_eq!(status.code(), Code::InvalidArgument);
    let status = env.importer().import(&[b'x'; 10_001]).await.unwrap_err();
    assert_eq!(status.code(), Code::OutOfRange);
    let status = env
        .with_role("analyst")
        .import(FILE.as_bytes())
        .await
        .unwrap_err();
    assert_eq!(status.code(), Code::PermissionDenied);
    assert_eq!(env.count("select count(*) from structure").await, 0);
}

#[tokio::test]
async fn a_large_directory_is_loaded_in_parts_and_told_whole_by_a_snapshot() {
    let env = TestEnv::start().await;
    let mut file = "finess_et,name\n".to_owned();
    for number in 0..1_203_u32 {
        let body = format!("7500{number:04}");
        let finess = (0..10)
            .map(|key| format!("{body}{key}"))
            .find(|f| f.parse::<Finess>().is_ok());
        file += &[finess.unwrap(), format!(",SITE {number}\n")].concat();
    }
    let imported = env.importer().import(file.as_bytes()).await.unwrap();
    assert_eq!((imported.created, imported.rejected), (1_203, 0));
    assert_eq!(
        env.count("select count(distinct xmin::text) from structure")
            .await,
        3
    );

    let mut client = EventLogServiceClient::new(env.service.as_service("statistics"));
    let mut parts = client
        .snapshot(SnapshotRequest::default())
        .await
        .unwrap()
        .into_inner();
    let mut ids = BTreeSet::new();
    while let Some(part) = parts.message().await.unwrap() {
        if let Some(Part::Events(batch)) = part.part {
            ids.extend(batch.events.into_iter().map(|event| event.id));
        }
    }
    let logged: BTreeSet<String> = env
        .events()
        .await
        .iter()
        .map(|event| event.id.to_string())
        .collect();
    assert_eq!(ids.len(), 1_203);
    assert_eq!(ids, logged);
}

#[tokio::test]
async fn a_search_ignores_accents_and_case_and_wants_every_word() {
    let env = TestEnv::start().await;
    let file = "finess_et,name,commune\n\
        010000024,Hôpital Saint-Étienne,Viriat\n\
        010000032,Hôpital du Parc,Belley\n\
        2A0000014,CLINIQUE DE L'ÎLE,AJACCIO\n";
    env.importer().import(file.as_bytes()).await.unwrap();
    let declarant = env.declarant("alice");
    for (query, expected) in [
        ("hopital", vec!["010000032", "010000024"]),
        ("HÔPITAL saint", vec!["010000024"]),
        ("etien viri", vec!["010000024"]),
        ("hopital ajaccio", vec![]),
        ("l'île", vec!["2A0000014"]),
        ("0100000", vec!["010000032", "010000024"]),
        ("2a00", vec!["2A0000014"]),
        ("010\u{a0}000\u{202f}024", vec!["010000024"]),
        ("Ho\u{302}pital Saint", vec!["010000024"]),
        ("' | hopital:*", vec!["010000032", "010000024"]),
    ] {
        let found = declarant.search(query, 0, "").await.unwrap();
        let found: Vec<_> = found.structures.iter().map(|s| s.finess.as_str()).collect();
        assert_eq!(found, expected, "{query}");
    }
    let first = declarant.search("hopital", 1, "").await.unwrap();
    assert_eq!(first.structures[0].finess, "010000032");
    let second = declarant
        .search("hopital", 1, &first.next_page_token)
        .await
        .unwrap();
    assert_eq!(second.structures[0].finess, "010000024");
    assert!(second.next_page_token.is_empty());

    let letters = ('a'..='z').map(String::from).collect::<Vec<_>>().join(" ");
    for (query, reason) in [
        ("", "REQUIRED"),
        ("\u{200b}", "REQUIRED"),
        ("x", "TOO_SHORT"),
        ("x\u{200b}", "TOO_SHORT"),
        ("--", "BAD_FORMAT"),
        ("hopital d", "TOO_SHORT"),
        (letters.as_str(), "TOO_SHORT"),
        ("un deux trois quatre cinq six sept huit neuf", "TOO_MANY"),
    ] {
        let status = declarant.search(query, 0, "").await.unwrap_err();
        assert_eq!(
            violations(&status),
            [("query".to_owned(), reason.to_owned())]
        );
    }
    let status = declarant.search(&"x".repeat(201), 0, "").await.unwrap_err();
    assert_eq!(
        violations(&status),
        [("query".to_owned(), "TOO_LONG".to_owned())]
    );
    assert_eq!(
        declarant.structure("010000065").await.unwrap_err().code(),
        Code::NotFound
    );
    let pasted = declarant
        .structure("\u{202a}010 000\u{2011}024\u{a0}")
        .await;
    assert_eq!(pasted.unwrap().finess, "010000024");
    assert_eq!(
        declarant.structure("x").await.unwrap_err().code(),
        Code::InvalidArgument
    );
}

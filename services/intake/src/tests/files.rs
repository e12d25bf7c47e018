//! Files of structures as spreadsheets, programs and publishers write them.

use proto::intake::v1::{
    ImportStructuresRequest, ImportStructuresResponse, RejectedLine, Structure, StructureFileLayout,
};

use crate::tests::env::{TestEnv, violations};

fn remarks(lines: &[RejectedLine]) -> Vec<(u64, &str, &str)> {
    lines
        .iter()
        .map(|line| (line.line, line.column.as_str(), line.reason.as_str()))
        .collect()
}

fn counts(loaded: &ImportStructuresResponse) -> (u64, u64, u64, u64) {
    let ImportStructuresResponse {
        created,
        updated,
        unchanged,
        rejected,
        ..
    } = loaded;
    (*created, *updated, *unchanged, *rejected)
}

/// Sites of the Ain whose names have accents.
const SITES: [&str; 6] = [
    "010000024",
    "010000032",
    "010000065",
    "010000081",
    "010000099",
    "010000107",
];

fn accented() -> String {
    let lines = SITES.map(|finess| format!("{finess},HÔPITAL DE {finess},VALSERHÔNE\n"));
    format!("finess_et,name,commune\n{}", lines.concat())
}

#[tokio::test]
async fn a_stray_byte_costs_its_own_line_and_changes_no_other_name() {
    let env = TestEnv::start().await;
    let importer = env.importer();
    importer.import(accented().as_bytes()).await.unwrap();

    let mut bytes = accented().into_bytes();
    let place = bytes.windows(9).position(|w| w == b"010000065").unwrap();
    // In the name of the fourth line, after "010000065,H".
    bytes.insert(place + 11, 0xa0);
    let again = importer.import(&bytes).await.unwrap();
    assert_eq!(counts(&again), (0, 0, 5, 1));
    assert_eq!(again.encoding, "utf-8");
    assert_eq!(
        remarks(&again.rejected_lines),
        [(4, "name", "BAD_ENCODING")]
    );
    assert_eq!(env.events().await.len(), 6);
    let kept = importer.structure("010000024").await.unwrap();
    assert_eq!(kept.name, "HÔPITAL DE 010000024");
}

#[tokio::test]
async fn a_directory_saved_on_a_mac_announces_nothing_new() {
    let env = TestEnv::start().await;
    let importer = env.importer();
    importer.import(accented().as_bytes()).await.unwrap();
    let decomposed = accented()
        .replace('Ô', "O\u{302}")
        .replace('\n', "\r\n")
        .replace("HO", "\u{200b}HO");
    let again = importer.import(decomposed.as_bytes()).await.unwrap();
    assert_eq!(counts(&again), (0, 0, 6, 0));
    assert_eq!(env.events().await.len(), 6);
}

#[tokio::test]
async fn a_file_for_spreadsheets_is_taken_with_its_first_line_and_its_empty_ones() {
    let env = TestEnv::start().await;
    let file = "\u{feff}sep=;\r\nfiness_et;name;commune\r\n;;\r\n\
        ＝\"010 000 024\";CH, FLEYRIAT;VIRIAT;;;\r\n;;;;\r\n'010000032;CH BUGEY;BELLEY\r\n";
    let loaded = env.importer().import(file.as_bytes()).await.unwrap();
    assert_eq!((loaded.lines, counts(&loaded)), (2, (2, 0, 0, 0)));
    let structure = env.importer().structure("010000024").await.unwrap();
    assert_eq!(structure.name, "CH, FLEYRIAT");
}

#[tokio::test]
async fn what_a_spreadsheet_spoiled_is_named_and_costs_no_more_than_it_must() {
    let env = TestEnv::start().await;
    let importer = env.importer();
    let header = "finess_et;name;siret;department;commune;operator_status\n";
    let sound = format!("{header}010000024;CH DE FLEYRIAT;26010004500012;01;VIRIAT;OSE\n");
    importer.import(sound.as_bytes()).await.unwrap();

    let spoiled = format!(
        "{header}010000024;CH DE FLEYRIAT;2,60100E+13;1;VIR\tIAT;?\n\
         10000032;CH BUGEY SUD;;01;;\n010000065;CH DE TREVOUX;;99;;\n"
    );
    let loaded = importer.import(spoiled.as_bytes()).await.unwrap();
    assert_eq!(counts(&loaded), (1, 0, 1, 1));
    assert_eq!(
        remarks(&loaded.rejected_lines),
        [(3, "finess_et", "LOST_LEADING_ZERO")]
    );
    assert_eq!(
        remarks(&loaded.warnings),
        [
            (2, "department", "LOST_LEADING_ZERO"),
            (2, "siret", "SPREADSHEET_NOTATION"),
            (2, "commune", "BAD_CHARACTER"),
            (2, "operator_status", "UNKNOWN_VALUE"),
            (4, "department", "BAD_FORMAT"),
        ]
    );
    assert_eq!(loaded.warned, 5);
    // What could not be read stays as it was known.
    let kept = importer.structure("010000024").await.unwrap();
    assert_eq!(
        (kept.siret.as_str(), kept.town.as_str()),
        ("26010004500012", "VIRIAT")
    );
    let told = importer.structure("010000065").await.unwrap();
    assert_eq!(
        (told.department.as_str(), told.region.as_str()),
        ("01", "84")
    );
}

#[tokio::test]
async fn a_name_of_several_lines_is_refused() {
    let env = TestEnv::start().await;
    let file = "finess_et,name\n010000024,\"Cabinet\n\nURGENT : ouvrez https://…\"\n\
        010000032,Cabinet du Lac\u{202e}\n010000065,CH DE TREVOUX\n";
    let loaded = env.importer().import(file.as_bytes()).await.unwrap();
    let refused = remarks(&loaded.rejected_lines);
    assert_eq!(refused[0], (2, "name", "BAD_CHARACTER"));
    assert!(
        refused.contains(&(5, "name", "BAD_CHARACTER")),
        "{refused:?}"
    );
    assert_eq!(loaded.created, 1);
}

/// Lines of the FINESS extraction (DREES, open data), shortened.
const EXTRACTION: &str = "finess;etalab;93;2024-01-08\n\
    structureet;010000024;010780054;CH DE FLEYRIAT;CENTRE HOSPITALIER DE BOURG-EN-BRESSE FLEYRIAT;;;\
900;RTE;DE PARIS;;;451;01;AIN;01440 VIRIAT;0474454647;0474454114;355;Centre Hospitalier (C.H.);1102;\
Centres Hospitaliers;26010004500012;8610Z;03;ARS;1;Public;1979-02-13;1979-02-13;2020-02-04;\n\
    structureet;970100186;970100178;CHU DE LA GUADELOUPE;;;;;RTE;DE CHAUVEL;;BP 465;120;9A;GUADELOUPE;\
97159 POINTE A PITRE CEDEX;;;101;CHR;1101;CHR;26971002000012;8610Z;03;ARS;1;Public;;;;\n\
    geolocalisation;010000024;870215.7;6571590.5;1,ATLASANTE,100,IGN,BD_ADRESSE;2024-01-08\n";

#[tokio::test]
async fn the_finess_extraction_is_known_by_its_lines() {
    let env = TestEnv::start().await;
    let importer = env.importer();
    let loaded = importer.import(EXTRACTION.as_bytes()).await.unwrap();
    assert_eq!((loaded.lines, counts(&loaded)), (2, (2, 0, 0, 0)));
    let site = importer.structure("010000024").await.unwrap();
    assert_eq!(
        [
            site.name.as_str(),
            &site.legal_entity_finess,
            &site.siret,
            &site.category_code,
            &site.department,
            &site.town,
        ],
        [
            "CH DE FLEYRIAT",
            "010780054",
            "26010004500012",
            "355",
            "01",
            "VIRIAT"
        ]
    );
    let overseas = importer.structure("970100186").await.unwrap();
    assert_eq!(
        (overseas.region.as_str(), overseas.town.as_str()),
        ("01", "POINTE A PITRE")
    );

    let entities = "structureej;010780054;CH DE BOURG EN BRESSE;;;\n";
    let loaded = importer.import(entities.as_bytes()).await.unwrap();
    assert_eq!(remarks(&loaded.rejected_lines), [(1, "", "NOT_A_SITE")]);
}

#[tokio::test]
async fn quotes_of_the_finess_extraction_are_text() {
    let env = TestEnv::start().await;
    let importer = env.importer();
    let quoted = EXTRACTION
        .replace("CENTRE HOSPITALIER DE", "\"CENTRE HOSPITALIER DE")
        .replace("CHU DE LA", "\"CHU\" DE LA");
    let loaded = importer.import(quoted.as_bytes()).await.unwrap();
    assert_eq!((loaded.lines, counts(&loaded)), (2, (2, 0, 0, 0)));
    let site = importer.structure("010000024").await.unwrap();
    assert_eq!(site.town, "VIRIAT");
    let site = importer.structure("970100186").await.unwrap();
    assert_eq!(site.name, "\"CHU\" DE LA GUADELOUPE");
}

#[tokio::test]
async fn a_column_that_the_file_does_not_have_keeps_what_is_known() {
    let env = TestEnv::start().await;
    let importer = env.importer();
    let whole = "finess_et,finess_ej,name,category_code,siret,department,commune,operator_status\n\
        010000024,010780054,CH DE FLEYRIAT,355,26010004500012,69,LYON,OSE\n";
    importer.import(whole.as_bytes()).await.unwrap();
    let known = importer.structure("010000024").await.unwrap();

    let named = "finess_et,name\n010000024,CH DE FLEYRIAT\n";
    let loaded = importer.import(named.as_bytes()).await.unwrap();
    assert_eq!(counts(&loaded), (0, 0, 1, 0));
    assert_eq!(importer.structure("010000024").await.unwrap(), known);

    let loaded = importer.import(EXTRACTION.as_bytes()).await.unwrap();
    assert_eq!(counts(&loaded), (1, 1, 0, 0));
    let told = Structure {
        department: "01".to_owned(),
        town: "VIRIAT".to_owned(),
        ..known
    };
    assert_eq!(importer.structure("010000024").await.unwrap(), told);
    assert_eq!(status_of(&env, "010000024").await, "essential_services");

    let emptied = "finess_et,name,operator_status\n010000024,CH DE FLEYRIAT,\n";
    importer.import(emptied.as_bytes()).await.unwrap();
    assert_eq!(status_of(&env, "010000024").await, "");
}

async fn status_of(env: &TestEnv, finess: &str) -> String {
    let status = "select coalesce(operator_status, '') from structure where finess = $1";
    let status = sqlx::query_scalar(status).bind(finess);
    status.fetch_one(&env.pool).await.unwrap()
}

#[tokio::test]
async fn a_region_that_cannot_be_read_does_not_keep_the_department() {
    let env = TestEnv::start().await;
    let importer = env.importer();
    let file = |department, region| {
        format!("finess_et,name,department,region_code\n010000024,CH,{department},{region}\n")
    };
    importer.import(file("01", "84").as_bytes()).await.unwrap();
    let moved = importer.import(file("35", "98").as_bytes()).await.unwrap();
    assert_eq!(
        remarks(&moved.warnings),
        [(2, "region_code", "UNKNOWN_VALUE")]
    );
    let site = importer.structure("010000024").await.unwrap();
    assert_eq!(
        (site.department.as_str(), site.region.as_str()),
        ("35", "53")
    );
}

#[tokio::test]
async fn columns_have_the_names_that_the_request_gives() {
    let env = TestEnv::start().await;
    let importer = env.importer();
    let sae = "bor;an;fi;rs;fi_ej;cat;sir;reg;dep;COMINSEE;NOMCOM\n\
        ID;2022;010000024;CH DE FLEYRIAT;010780054;355;26010004500012;84;01;01451;VIRIAT\n";
    let status = importer.import(sae.as_bytes()).await.unwrap_err();
    let missing = ("chunk".to_owned(), "MISSING_COLUMN".to_owned());
    assert_eq!(violations(&status), [missing.clone(), missing]);

    let layout = |layout: StructureFileLayout| ImportStructuresRequest {
        layout: layout.into(),
        ..ImportStructuresRequest::default()
    };
    let loaded = importer
        .import_as(sae.as_bytes(), layout(StructureFileLayout::Sae))
        .await
        .unwrap();
    assert_eq!(counts(&loaded), (1, 0, 0, 0));
    let site = importer.structure("010000024").await.unwrap();
    assert_eq!(
        (site.town.as_str(), site.siret.as_str()),
        ("VIRIAT", "26010004500012")
    );

    let columns = [("finess_et", "N° Finess"), ("name", "Établissement")];
    let mapped = ImportStructuresRequest {
        columns: columns.map(|(a, b)| (a.to_owned(), b.to_owned())).into(),
        ..ImportStructuresRequest::default()
    };
    let ours = "n° finess;ÉTABLISSEMENT\n010000032;CH BUGEY SUD\n";
    let loaded = importer.import_as(ours.as_bytes(), mapped).await.unwrap();
    assert_eq!(counts(&loaded), (1, 0, 0, 0));
}

#[tokio::test]
async fn what_is_no_csv_is_refused_with_the_true_cause() {
    let env = TestEnv::start().await;
    let utf_16 = |mark: &str| -> Vec<u8> {
        let text = format!("{mark}{}", accented());
        text.encode_utf16().flat_map(u16::to_le_bytes).collect()
    };
    for (file, reason) in [
        (utf_16("\u{feff}"), "UTF_16"),
        (utf_16(""), "UTF_16"),
        (b"PK\x03\x04\x14\x00\x06\x00".to_vec(), "NOT_CSV"),
    ] {
        let status = env.importer().import(&file).await.unwrap_err();
        assert_eq!(
            violations(&status),
            [("chunk".to_owned(), reason.to_owned())]
        );
    }
    let unknown = ImportStructuresRequest {
        columns: [("finess".to_owned(), "fi".to_owned())].into(),
        ..ImportStructuresRequest::default()
    };
    let status = env
        .importer()
        .import_as(accented().as_bytes(), unknown)
        .await
        .unwrap_err();
    assert_eq!(
        violations(&status),
        [("columns".to_owned(), "UNKNOWN_VALUE".to_owned())]
    );
    assert_eq!(env.count("select count(*) from structure").await, 0);
}

//! The directory of structures, and what is declared of them from files.

use serde_json::Value;

use crate::env::{MONTPELLIER, TestEnv};

#[tokio::test(flavor = "multi_thread")]
async fn every_example_is_sent_once_and_the_directory_is_searched_without_accents() {
    let env = TestEnv::start().await;
    env.send_examples().await;
    let list = [
        "--as", "analyst", "--json", "report", "list", "--limit", "500",
    ];
    let first = env.run(&list).await.json();
    let sent = first["reports"].as_array().unwrap().len();
    assert!(sent >= 12, "{sent}");
    env.send_examples().await;
    let count = |listed: &Value| listed["reports"].as_array().unwrap().len();
    assert_eq!(
        count(&env.run(&list).await.json()),
        sent,
        "sent again, they change nothing"
    );

    let found = env
        .run(&[
            "--as",
            "director",
            "--json",
            "structure",
            "search",
            "GUI",
            "chaulíac",
        ])
        .await
        .json();
    assert_eq!(found["structures"][0]["finess"], MONTPELLIER);

    let watched = env
        .run(&[
            "--as",
            "analyst",
            "--json",
            "watch",
            "--from-oldest",
            "--count",
            "5",
        ])
        .await;
    assert_eq!(watched.code(), 0, "{}", watched.stderr());
    let lines: Vec<Value> = watched
        .stdout()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(
        lines
            .iter()
            .filter(|line| line.get("notification").is_some())
            .count(),
        5
    );

    let period = ["--from", "2019-01", "--to", "2025-12"];
    let breakdown = [
        &[
            "--as",
            "fssi",
            "--json",
            "stats",
            "breakdown",
            "--by",
            "origin",
        ],
        &period[..],
    ]
    .concat();
    testkit::eventually(async || {
        let total = env.run(&breakdown).await.json()["total"].clone();
        total.as_u64() == Some(sent as u64)
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_line_of_a_directory_is_named_and_the_good_ones_are_kept() {
    let env = TestEnv::start().await;
    let file = env.home.path().join("directory.csv");
    let lines = "finess_et;name;category_code;commune\n340782085;Hôpital;355;Montpellier\n340782086;Faux;355;Nulle part\n";
    std::fs::write(&file, lines).unwrap();
    let imported = env
        .run(&[
            "--as",
            "importer",
            "structure",
            "import",
            file.to_str().unwrap(),
        ])
        .await;
    assert_eq!(imported.code(), 0, "{}", imported.stderr());
    assert!(
        imported.stdout().contains("line 3"),
        "{}",
        imported.stdout()
    );
    let json = env
        .run(&[
            "--as",
            "importer",
            "--json",
            "structure",
            "import",
            file.to_str().unwrap(),
        ])
        .await
        .json();
    assert_eq!(
        (&json["unchanged"], &json["rejected"]),
        (&Value::from(1), &Value::from(1))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_directory_is_loaded_by_the_names_of_its_own_columns() {
    let env = TestEnv::start().await;
    let file = env.home.path().join("directory.csv");
    let path = file.to_str().unwrap();
    let import = ["--as", "importer", "--json", "structure", "import", path];
    let created = async |lines: &str, naming: &[&str]| {
        std::fs::write(&file, lines).unwrap();
        env.run(&[&import[..], naming].concat()).await.json()["created"].clone()
    };
    let mapped = ["--map", "finess_et=N° FINESS", "--map", "name=Nom"];
    let ours = "n° finess;nom\n340782085;Hôpital\n";
    assert_eq!(created(ours, &mapped).await, Value::from(1));
    let sae = "an;fi;rs;dep;sir\n2022;010000024;CH DE FLEYRIAT;01;2,60100E+13\n";
    assert_eq!(created(sae, &["--layout", "sae"]).await, Value::from(1));

    let unnamed = env.run(&import).await;
    assert_eq!(unnamed.code(), 3, "{}", unnamed.stdout());
    let why = unnamed.stderr();
    assert!(why.contains("finess_et"), "{why}");
}

//! The command as people and programs use it: the real binary, the real suite.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod desk;
mod operating;

use serde_json::Value;

use crate::desk::{DRAFT, Desk, MONTPELLIER, examples};

#[tokio::test(flavor = "multi_thread")]
async fn a_director_logs_in_declares_and_finds_his_report_again() {
    let desk = Desk::open().await;
    assert_eq!(
        desk.types(&["report", "list"]).await.code(),
        5,
        "without a token"
    );
    assert_eq!(desk.types(&["login", "director"]).await.code(), 0);

    let request_id = "0192f3a0-0000-7000-8000-000000000001";
    let retried = [
        &["report", "submit", "--request-id", request_id],
        &DRAFT[..],
    ]
    .concat();
    assert_eq!(
        desk.types(&retried).await.code(),
        2,
        "the default of --found-at differs at every retry"
    );
    let found_at = ["--found-at", "2026-11-02T08:00:00Z", "--json"];
    let submit = [&retried[..], &found_at[..]].concat();
    let receipt = desk.types(&submit).await.json();
    assert_eq!(
        desk.types(&submit).await.json(),
        receipt,
        "the same request has the same receipt"
    );
    let reference = receipt["receipt"]["reference"].as_str().unwrap();
    let report = desk
        .types(&["--json", "report", "get", reference])
        .await
        .json();
    assert_eq!(report["report_id"], receipt["receipt"]["report_id"]);
    assert_eq!(report["draft"]["declarant"]["family_name"], "Martin");
    assert!(
        desk.types(&["report", "list"])
            .await
            .text()
            .contains(reference)
    );

    assert_eq!(desk.types(&["logout"]).await.code(), 0);
    assert_eq!(desk.types(&["report", "list"]).await.code(), 5);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_exit_code_tells_what_went_wrong() {
    let desk = Desk::open().await;
    let reference = desk.submit().await;

    let check = desk
        .types(&[
            "--as",
            "director",
            "report",
            "check",
            "--finess",
            "340782086",
        ])
        .await;
    assert_eq!(check.code(), 3);
    for field in [
        "draft.structure.finess",
        "draft.description",
        "draft.declarant",
    ] {
        assert!(check.text().contains(field), "{field}: {}", check.text());
    }
    let invalid = desk
        .types(&[
            "--as",
            "director",
            "report",
            "submit",
            "--finess",
            "340782086",
        ])
        .await;
    assert_eq!(invalid.code(), 3);
    assert!(
        invalid.complaint().contains("draft.structure.finess"),
        "{}",
        invalid.complaint()
    );

    let cases: [(i32, &[&str]); 8] = [
        (
            2,
            &["--as", "director", "--intake-url", "foo", "report", "list"],
        ),
        (
            7,
            &[
                "--issuer-url",
                "http://127.0.0.1:1",
                "--as",
                "director",
                "report",
                "list",
            ],
        ),
        (
            2,
            &[
                "--as", "director", "report", "submit", "--origin", "bad-luck",
            ],
        ),
        (2, &["--as", "nobody", "report", "list"]),
        (4, &["--as", "ars-28", "report", "get", &reference]),
        (5, &["--as", "director", "case", "claim", &reference]),
        (5, &["--token", "not-a-token", "report", "list"]),
        (
            7,
            &[
                "--as",
                "director",
                "--intake-url",
                "http://127.0.0.1:1",
                "report",
                "list",
            ],
        ),
    ];
    for (code, arguments) in cases {
        let typed = desk.types(arguments).await;
        assert_eq!(typed.code(), code, "{arguments:?}: {}", typed.complaint());
        assert!(
            typed.complaint().starts_with("vigie: "),
            "{}",
            typed.complaint()
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_analyst_leads_a_case_by_the_reference_people_quote() {
    let desk = Desk::open().await;
    let reference = desk.submit().await;
    desk.case_opened(&reference).await;
    let analyst = async |arguments: &[&str]| {
        desk.types(&[&["--as", "analyst", "--json", "case"], arguments].concat())
            .await
    };

    assert_eq!(
        analyst(&["close", &reference]).await.code(),
        6,
        "not qualified yet"
    );
    assert_eq!(
        analyst(&["claim", &reference]).await.json()["state"],
        "CASE_STATE_IN_QUALIFICATION"
    );
    let qualified = analyst(&[
        "qualify",
        &reference,
        "--serious",
        "true",
        "--major",
        "true",
        "--care",
        "interruption",
    ])
    .await
    .json();
    assert_eq!(qualified["state"], "CASE_STATE_QUALIFIED");
    assert_eq!(qualified["confirmed"]["severity"]["major"], true);
    assert_eq!(
        qualified["confirmed"]["origin"], "ORIGIN_MALICIOUS",
        "what was not given stays"
    );
    assert_eq!(
        analyst(&["close", &reference, "--lessons", "Segmenter"])
            .await
            .json()["state"],
        "CASE_STATE_CLOSED"
    );
    let listed = analyst(&["list", "--state", "closed"]).await.json();
    assert_eq!(listed["cases"][0]["reference"], reference.as_str());
    let history = desk
        .types(&["--as", "analyst", "case", "show", &reference])
        .await
        .text();
    for action in ["opened", "claimed", "qualified", "closed"] {
        assert!(history.contains(action), "{history}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replay_sends_every_example_once_and_the_directory_is_searched_without_accents() {
    let desk = Desk::open().await;
    let folder = examples();
    let folder = folder.to_str().unwrap();
    let replayed = desk.types(&["--as", "importer", "replay", folder]).await;
    assert_eq!(replayed.code(), 0, "{}", replayed.complaint());
    let list = [
        "--as", "analyst", "--json", "report", "list", "--limit", "500",
    ];
    let first = desk.types(&list).await.json();
    let sent = first["reports"].as_array().unwrap().len();
    assert!(sent >= 12, "{sent}");
    assert_eq!(
        desk.types(&["--as", "importer", "replay", folder])
            .await
            .code(),
        0
    );
    let count = |listed: &Value| listed["reports"].as_array().unwrap().len();
    assert_eq!(
        count(&desk.types(&list).await.json()),
        sent,
        "a second replay changes nothing"
    );

    let found = desk
        .types(&[
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

    let watched = desk
        .types(&[
            "--as",
            "analyst",
            "--json",
            "watch",
            "--from-oldest",
            "--count",
            "5",
        ])
        .await;
    assert_eq!(watched.code(), 0, "{}", watched.complaint());
    let lines: Vec<Value> = watched
        .text()
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
        let total = desk.types(&breakdown).await.json()["total"].clone();
        total.as_u64() == Some(sent as u64)
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_line_of_a_directory_is_named_and_the_good_ones_are_kept() {
    let desk = Desk::open().await;
    let file = desk.home.path().join("directory.csv");
    let lines = "finess_et;name;category_code;commune\n340782085;Hôpital;355;Montpellier\n340782086;Faux;355;Nulle part\n";
    std::fs::write(&file, lines).unwrap();
    let imported = desk
        .types(&[
            "--as",
            "importer",
            "structure",
            "import",
            file.to_str().unwrap(),
        ])
        .await;
    assert_eq!(imported.code(), 0, "{}", imported.complaint());
    assert!(imported.text().contains("line 3"), "{}", imported.text());
    let json = desk
        .types(&[
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
    let desk = Desk::open().await;
    let file = desk.home.path().join("directory.csv");
    let path = file.to_str().unwrap();
    let import = ["--as", "importer", "--json", "structure", "import", path];
    let created = async |lines: &str, naming: &[&str]| {
        std::fs::write(&file, lines).unwrap();
        desk.types(&[&import[..], naming].concat()).await.json()["created"].clone()
    };
    let mapped = ["--map", "finess_et=N° FINESS", "--map", "name=Nom"];
    let ours = "n° finess;nom\n340782085;Hôpital\n";
    assert_eq!(created(ours, &mapped).await, Value::from(1));
    let sae = "an;fi;rs;dep;sir\n2022;010000024;CH DE FLEYRIAT;01;2,60100E+13\n";
    assert_eq!(created(sae, &["--layout", "sae"]).await, Value::from(1));

    let unnamed = desk.types(&import).await;
    assert_eq!(unnamed.code(), 3, "{}", unnamed.text());
    let why = unnamed.complaint();
    assert!(why.contains("finess_et"), "{why}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_command_speaks_the_language_of_the_locale_and_completes_itself() {
    let desk = Desk::open().await;
    assert!(
        desk.types_in("fr_FR.UTF-8", &["login", "--list"])
            .await
            .text()
            .contains("identité")
    );
    assert!(
        desk.types(&["login", "--list"])
            .await
            .text()
            .contains("identity")
    );
    assert!(
        desk.types(&["completions", "bash"])
            .await
            .text()
            .contains("_vigie")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_word_that_is_none_is_answered_with_those_there_are() {
    let desk = Desk::open().await;
    let typed = desk
        .types(&["--as", "analyst", "case", "list", "--state", "finished"])
        .await;
    assert_eq!(typed.code(), 2);
    for word in ["finished", "in_qualification", "closed"] {
        assert!(typed.complaint().contains(word), "{}", typed.complaint());
    }
    let hyphen = [
        "--as",
        "analyst",
        "case",
        "list",
        "--state",
        "in-qualification",
    ];
    assert_eq!(desk.types(&hyphen).await.code(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_false_alarm_is_withdrawn_by_the_reference_on_its_receipt() {
    let desk = Desk::open().await;
    let reference = desk.submit().await;
    let withdraw = [
        "--as", "director", "--json", "report", "withdraw", &reference, "--reason", "Exercice",
    ];
    let withdrawn = desk.types(&withdraw).await.json();
    assert_eq!(withdrawn["state"], "REPORT_STATE_WITHDRAWN");
    assert_eq!(desk.types(&withdraw).await.code(), 6, "only once");
}

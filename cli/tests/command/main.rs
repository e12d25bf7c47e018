//! The command as people and programs use it: the real binary, the real suite.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod accompaniment;
mod amending;
mod care;
mod causes;
mod deadlines;
mod declaring_once;
mod directory;
mod drafting;
mod env;
mod interrupted;
mod journeys;
mod linking;
mod live;
mod measures;
mod operating;
mod pages;
mod resolving;
mod roles;
mod searching;
mod typing;

use crate::env::{DRAFT, TestEnv};

#[tokio::test(flavor = "multi_thread")]
async fn a_director_logs_in_declares_and_finds_his_report_again() {
    let env = TestEnv::start().await;
    assert_eq!(
        env.run(&["report", "list"]).await.code(),
        5,
        "without a token"
    );
    assert_eq!(env.run(&["login", "director"]).await.code(), 0);

    let request_id = "0192f3a0-0000-7000-8000-000000000001";
    let retried = [
        &["report", "submit", "--request-id", request_id],
        &DRAFT[..],
    ]
    .concat();
    assert_eq!(
        env.run(&retried).await.code(),
        2,
        "the default of --found-at differs at every retry"
    );
    let found_at = ["--found-at", "2026-11-02T08:00:00Z", "--json"];
    let submit = [&retried[..], &found_at[..]].concat();
    let receipt = env.run(&submit).await.json();
    assert_eq!(
        env.run(&submit).await.json(),
        receipt,
        "the same request has the same receipt"
    );
    let reference = receipt["receipt"]["reference"].as_str().unwrap();
    let report = env
        .run(&["--json", "report", "get", reference])
        .await
        .json();
    assert_eq!(report["report_id"], receipt["receipt"]["report_id"]);
    assert_eq!(report["draft"]["declarant"]["family_name"], "Martin");
    assert!(
        env.run(&["report", "list"])
            .await
            .stdout()
            .contains(reference)
    );

    assert_eq!(env.run(&["logout"]).await.code(), 0);
    assert_eq!(env.run(&["report", "list"]).await.code(), 5);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_exit_code_tells_what_went_wrong() {
    let env = TestEnv::start().await;
    let reference = env.submit().await;

    let check = env
        .run(&[
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
        assert!(
            check.stdout().contains(field),
            "{field}: {}",
            check.stdout()
        );
    }
    let invalid = env
        .run(&[
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
        invalid.stderr().contains("draft.structure.finess"),
        "{}",
        invalid.stderr()
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
        let typed = env.run(arguments).await;
        assert_eq!(typed.code(), code, "{arguments:?}: {}", typed.stderr());
        assert!(typed.stderr().starts_with("vigie: "), "{}", typed.stderr());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_analyst_leads_a_case_by_the_reference_people_quote() {
    let env = TestEnv::start().await;
    let reference = env.submit().await;
    env.case_opened(&reference).await;
    let analyst = async |arguments: &[&str]| {
        env.run(&[&["--as", "analyst", "--json", "case"], arguments].concat())
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
    let history = env
        .run(&["--as", "analyst", "case", "show", &reference])
        .await
        .stdout();
    for action in ["opened", "claimed", "qualified", "closed"] {
        assert!(history.contains(action), "{history}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_director_and_the_agency_exchange_messages_on_a_case() {
    let env = TestEnv::start().await;
    let reference = env.submit().await;
    env.case_opened(&reference).await;
    let speaks = async |who: &str, to: &str, text: &str| {
        let post = ["message", "post", &reference, "--to", to, "--text", text];
        env.run(&[&["--as", who][..], &post[..]].concat()).await
    };
    let asked = "- Quels serveurs sont touchés ?";
    assert_eq!(speaks("analyst", "structure", asked).await.code(), 0);
    assert_eq!(speaks("ars-76", "agencies", "Transferts ?").await.code(), 0);
    assert_eq!(
        speaks("director", "structure", "Le dossier").await.code(),
        0
    );
    assert_eq!(speaks("director", "agencies", "Et vous ?").await.code(), 5);

    let texts = async |who: &str| {
        let list = ["--as", who, "--json", "message", "list", &reference];
        let listed = env.run(&list).await.json();
        let messages = listed["messages"].as_array().unwrap().clone();
        messages
            .iter()
            .map(|message| message["text"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(texts("director").await, ["Le dossier", asked]);
    assert_eq!(texts("ars-76").await, ["Le dossier", "Transferts ?", asked]);
    let list = ["--as", "ars-76", "message", "list", &reference];
    let shown = env.run_in("fr_FR.UTF-8", &list).await.stdout();
    assert!(
        shown.contains("agences seules") && shown.contains("Agent de l'ARS"),
        "{shown}"
    );

    let history = ["--as", "analyst", "--json", "case", "history", &reference];
    let history = env.run(&history).await.json();
    assert_eq!(history["entries"][0]["action"], "opened");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_command_speaks_the_language_of_the_locale_and_completes_itself() {
    let env = TestEnv::start().await;
    assert!(
        env.run_in("fr_FR.UTF-8", &["login", "--list"])
            .await
            .stdout()
            .contains("Directrice du CHU de Montpellier")
    );
    assert!(
        env.run(&["login", "--list"])
            .await
            .stdout()
            .contains("Director of the university hospital of Montpellier")
    );
    assert!(
        env.run(&["completions", "bash"])
            .await
            .stdout()
            .contains("_vigie")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_word_that_is_none_is_answered_with_those_there_are() {
    let env = TestEnv::start().await;
    let typed = env
        .run(&["--as", "analyst", "case", "list", "--state", "finished"])
        .await;
    assert_eq!(typed.code(), 2);
    for word in ["finished", "in_qualification", "closed"] {
        assert!(typed.stderr().contains(word), "{}", typed.stderr());
    }
    let hyphen = [
        "--as",
        "analyst",
        "case",
        "list",
        "--state",
        "in-qualification",
    ];
    assert_eq!(env.run(&hyphen).await.code(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_false_alarm_is_withdrawn_by_the_reference_on_its_receipt() {
    let env = TestEnv::start().await;
    let reference = env.submit().await;
    let withdraw = [
        "--as", "director", "--json", "report", "withdraw", &reference, "--reason", "Exercice",
    ];
    let withdrawn = env.run(&withdraw).await.json();
    assert_eq!(withdrawn["state"], "REPORT_STATE_WITHDRAWN");
    assert_eq!(env.run(&withdraw).await.code(), 6, "only once");
}

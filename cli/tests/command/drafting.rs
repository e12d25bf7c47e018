//! The form is read, and drafts are kept between two sittings.

use crate::env::{DRAFT, MONTPELLIER, TestEnv};

#[tokio::test(flavor = "multi_thread")]
async fn a_draft_is_saved_gone_on_with_and_sent_once() {
    let env = TestEnv::start().await;
    let director = async |words: &[&str]| {
        env.run(&[&["--as", "director", "--json"], words].concat())
            .await
    };
    let begun = ["draft", "save", "--description", "- Postes chiffrés"];
    let begun = director(&begun).await.json();
    let id = begun["draft_id"].as_str().unwrap();
    assert!(begun["draft"].get("structure").is_none(), "{begun}");

    // What a report needs is told when it is sent, and the draft is kept.
    let early = director(&["draft", "send", id]).await;
    assert_eq!(early.code(), 3);
    assert!(
        early.stderr().contains("draft.structure"),
        "{}",
        early.stderr()
    );

    let found_at = begun["draft"]["found_at"].clone();
    let on = [&["draft", "save", id], &DRAFT[..6]].concat();
    let on = director(&on).await.json();
    assert_eq!(on["draft"]["description"], "- Postes chiffrés");
    assert_eq!(on["draft"]["structure"]["finess"], MONTPELLIER);
    assert_eq!(on["draft"]["found_at"], found_at, "it stays as it was");
    let shown = ["--as", "director", "draft", "show", id];
    let shown = env.run_in("fr_FR.UTF-8", &shown).await.stdout();
    assert!(shown.contains("Incident de sécurité"), "{shown}");
    let listed = env.run(&["--as", "director", "draft", "list"]).await;
    assert!(listed.stdout().contains(id), "{}", listed.stdout());
    let others = env.run(&["--as", "ars-76", "draft", "show", id]).await;
    assert_eq!(others.code(), 4);

    let receipt = director(&["draft", "send", id]).await.json();
    let reference = receipt["receipt"]["reference"].as_str().unwrap();
    let report = director(&["report", "get", reference]).await.json();
    assert_eq!(report["draft"]["description"], "- Postes chiffrés");
    assert_eq!(director(&["draft", "send", id]).await.code(), 4, "once");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_draft_that_is_erased_is_gone() {
    let env = TestEnv::start().await;
    let save = [&["--as", "director", "--json", "draft", "save"], &DRAFT[..]];
    let saved = env.run(&save.concat()).await.json();
    let id = saved["draft_id"].as_str().unwrap();
    let delete = ["--as", "director", "draft", "delete", id];
    let retried = [&delete[..], &["--request-id", id]].concat();
    assert_eq!(env.run(&retried).await.code(), 0);
    assert_eq!(env.run(&retried).await.code(), 0);
    assert_eq!(env.run(&delete).await.code(), 4);
    let list = ["--as", "director", "--json", "draft", "list"];
    assert!(env.run(&list).await.json().get("drafts").is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_form_and_its_words_are_read_without_a_token_in_the_language_of_the_locale() {
    let env = TestEnv::start().await;
    for (locale, words) in [
        (
            "fr_FR.UTF-8",
            ["DÉCLARANT", "Date du constat", "10000 caractères au plus"],
        ),
        (
            "C.UTF-8",
            [
                "DECLARANT",
                "When it was noticed",
                "at most 10000 characters",
            ],
        ),
    ] {
        let shown = env.run_in(locale, &["report", "form"]).await.stdout();
        for word in words
            .into_iter()
            .chain(["declarant.email", "RGPD, art. 33"])
        {
            assert!(shown.contains(word), "{word}: {shown}");
        }
    }
    let form = [
        "--json",
        "report",
        "form",
        "--kind",
        "product-vulnerability",
    ];
    let form = env.run(&form).await.json();
    assert_eq!(form["kind"], "REPORT_KIND_PRODUCT_VULNERABILITY");
    let sections = form["sections"].as_array().unwrap().iter();
    let mut fields = sections.flat_map(|section| section["fields"].as_array().unwrap());
    let vendor = fields.find(|field| field["path"] == "vendor").unwrap();
    assert_eq!(vendor["required"], true);

    let types = ["vocabulary", "origin-type"];
    let types = env.run_in("fr_FR.UTF-8", &types).await.stdout();
    assert!(types.contains("Rançongiciel") && types.contains("Malveillante"));
    assert!(!types.contains("Quasi-incident"), "{types}");
    let all = env.run(&["vocabulary"]).await.stdout();
    assert!(all.contains("Near miss or suspicion"), "{all}");
    assert_eq!(env.run(&["vocabulary", "weather"]).await.code(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_for_declarants_shows_commands_that_work() {
    let env = TestEnv::start().await;
    // As beside `make run`.
    env.import_directory().await;
    let page = include_str!("../../../docs/declaring.md");
    let page = page.replace("\\\n", "");
    let commands: Vec<_> = page
        .lines()
        .filter_map(|it| it.strip_prefix("$ "))
        .collect();
    assert!(commands.len() >= 10, "{commands:?}");
    let (mut draft, mut reference, mut delegation) = (String::new(), String::new(), String::new());
    for command in commands {
        if command.contains("<reference>") {
            env.case_opened(&reference).await;
        }
        let line = command.replace("<draft>", &draft);
        let line = line.replace("<reference>", &reference);
        let line = line.replace("<delegation>", &delegation);
        let done = env.shell(&line).await;
        assert_eq!(done.code(), 0, "{line}: {}", done.stderr());
        let told = async |list: &[&str]| env.run(&[&["--json"], list].concat()).await.json();
        if command.starts_with("vigie draft save --") {
            let listed = told(&["draft", "list"]).await;
            listed["drafts"][0]["draft_id"]
                .as_str()
                .unwrap()
                .clone_into(&mut draft);
        } else if command.starts_with("vigie delegation grant") {
            let listed = told(&["delegation", "list", "--finess", "340782085"]).await;
            listed["delegations"][0]["delegation_id"]
                .as_str()
                .unwrap()
                .clone_into(&mut delegation);
        } else if command.starts_with("vigie draft send") {
            let listed = told(&["report", "list"]).await;
            listed["reports"][0]["reference"]
                .as_str()
                .unwrap()
                .clone_into(&mut reference);
        }
    }
}

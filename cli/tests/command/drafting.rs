//! Drafts are kept between two sittings.

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

//! The command in the hands of operators and of other programs.

use std::process::Command;

use crate::desk::{Desk, examples};

#[tokio::test(flavor = "multi_thread")]
async fn an_operator_sees_a_dead_delivery_and_sends_it_again() {
    let desk = Desk::open().await;
    desk.suite.mail.refuse_recipient("fssi@example.org", 550);
    desk.submit().await;
    let list = [
        "--as", "operator", "--json", "delivery", "list", "--state", "dead",
    ];
    let dead = testkit::eventually_some(async || {
        let listed = desk.types(&list).await.json();
        listed["deliveries"].get(0).cloned()
    })
    .await;
    assert_eq!(dead["last_error"], "refused_550");
    desk.suite.mail.refuse_nobody();
    let id = dead["delivery_id"].as_str().unwrap();
    let retry = ["--as", "operator", "delivery", "retry", id];
    assert_eq!(desk.types(&retry).await.code(), 0);
    desk.suite
        .mail
        .wait_for_mail(|mail| mail.to == ["fssi@example.org"])
        .await;
    assert_eq!(
        desk.types(&["--as", "analyst", "delivery", "list"])
            .await
            .code(),
        5
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operator_sees_how_far_each_consumer_is_and_that_nothing_is_parked() {
    let desk = Desk::open().await;
    desk.submit().await;
    for service in ["qualification", "notification", "statistics"] {
        let list = ["--as", "operator", "--json", "consumer", "list", service];
        testkit::eventually(async || {
            let listed = desk.types(&list).await.json();
            let own = listed["own"].as_array().cloned().unwrap_or_default();
            own.iter().any(|position| {
                position["producer"] == "intake" && position["applied"].as_u64() > Some(0)
            })
        })
        .await;
        let parked = ["--as", "operator", "--json", "consumer", "parked", service];
        assert_eq!(desk.types(&parked).await.json(), serde_json::json!({}));
    }
    let unknown = [
        "--as",
        "operator",
        "consumer",
        "skip",
        "statistics",
        "--producer",
        "intake",
        "--event",
        "0192f3a0-0000-7000-8000-000000000001",
    ];
    assert_eq!(desk.types(&unknown).await.code(), 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_command_prints_json_for_programs() {
    let desk = Desk::open().await;
    let folder = examples();
    let cases: [&[&str]; 4] = [
        &["login", "--list"],
        &["login", "director"],
        &["logout"],
        &["--as", "importer", "replay", folder.to_str().unwrap()],
    ];
    for arguments in cases {
        desk.types(&[arguments, &["--json"]].concat()).await.json();
    }
}

#[test]
fn output_that_nobody_reads_any_more_ends_the_command_quietly() {
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let ended = Command::new(env!("CARGO_BIN_EXE_vigie"))
        .args(["login", "--list"])
        .stdout(writer)
        .output()
        .unwrap();
    assert_eq!(ended.status.code(), Some(141));
    assert!(ended.stderr.is_empty(), "{ended:?}");
}

#[test]
fn what_cannot_be_shown_is_said_before_anything_is_started() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let ended = Command::new(env!("CARGO_BIN_EXE_vigie"))
        .args(["up", "--examples", "/nonexistent", "--data"])
        .arg(&data)
        .output()
        .unwrap();
    assert_eq!(ended.status.code(), Some(1));
    assert!(!data.exists());
}

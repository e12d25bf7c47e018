//! The command in the hands of operators and of other programs.

use std::process::Command;

use serde_json::Value;

use crate::env::TestEnv;

#[tokio::test(flavor = "multi_thread")]
async fn an_operator_sees_a_dead_delivery_and_sends_it_again() {
    let env = TestEnv::start().await;
    env.suite.mail.refuse_recipient("fssi@example.org", 550);
    env.submit().await;
    let list = [
        "--as", "operator", "--json", "delivery", "list", "--state", "dead",
    ];
    let dead = testkit::eventually_some(async || {
        let listed = env.run(&list).await.json();
        listed["deliveries"].get(0).cloned()
    })
    .await;
    assert_eq!(dead["last_error"], "refused_550");
    env.suite.mail.refuse_nobody();
    let id = dead["delivery_id"].as_str().unwrap();
    let retry = ["--as", "operator", "delivery", "retry", id];
    assert_eq!(env.run(&retry).await.code(), 0);
    env.suite
        .mail
        .wait_for_mail(|mail| mail.to == ["fssi@example.org"])
        .await;
    assert_eq!(
        env.run(&["--as", "analyst", "delivery", "list"])
            .await
            .code(),
        5
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operator_sees_how_far_each_consumer_is_and_that_nothing_is_parked() {
    let env = TestEnv::start().await;
    env.submit().await;
    for service in ["qualification", "notification", "statistics"] {
        let list = ["--as", "operator", "--json", "consumer", "list", service];
        testkit::eventually(async || {
            let listed = env.run(&list).await.json();
            let own = listed["own"].as_array().cloned().unwrap_or_default();
            own.iter().any(|position| {
                position["producer"] == "intake" && position["applied"].as_u64() > Some(0)
            })
        })
        .await;
        let parked = ["--as", "operator", "--json", "consumer", "parked", service];
        assert_eq!(env.run(&parked).await.json(), serde_json::json!({}));
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
    assert_eq!(env.run(&unknown).await.code(), 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_prober_sees_a_test_report_go_all_the_way_and_nobody_is_told() {
    let env = TestEnv::start().await;
    let token = env.run(&["login", "prober", "--print"]).await.stdout();
    let file = env.suite.folder().join("prober.token");
    std::fs::write(&file, token).unwrap();
    let probe = ["--token-file", file.to_str().unwrap(), "selftest", "--json"];
    let result = env.run(&probe).await.json();
    assert!(result["reference"].is_string(), "{result}");
    let (acknowledged, announced) = (&result["acknowledged_ms"], &result["announced_ms"]);
    assert!(announced.as_u64() >= acknowledged.as_u64(), "{result}");

    // A declaration afterwards, so that what would have come has come.
    env.submit().await;
    env.suite
        .mail
        .wait_for_mail(|mail| mail.to == ["fssi@example.org"])
        .await;
    let reference = result["reference"].as_str().unwrap();
    let mails = env.suite.mail.mails();
    assert!(mails.iter().all(|mail| !mail.text().contains(reference)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_test_that_people_would_be_told_of_is_not_sent() {
    let env = TestEnv::start().await;
    let refused = env.run(&["--as", "declarant", "selftest"]).await;
    assert_eq!(refused.code(), 2, "{}", refused.stderr());
    let list = ["--as", "analyst", "--json", "report", "list"];
    assert_eq!(env.run(&list).await.json()["reports"], Value::Null);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_command_prints_json_for_programs() {
    let env = TestEnv::start().await;
    let cases: [&[&str]; 3] = [&["login", "--list"], &["login", "director"], &["logout"]];
    for arguments in cases {
        env.run(&[arguments, &["--json"]].concat()).await.json();
    }
}

#[test]
fn output_that_nobody_reads_any_more_ends_the_command_quietly() {
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let ended = Command::new(env!("CARGO_BIN_EXE_vigie"))
        .args(["completions", "bash"])
        .stdout(writer)
        .output()
        .unwrap();
    assert_eq!(ended.status.code(), Some(141));
    assert!(ended.stderr.is_empty(), "{ended:?}");
}

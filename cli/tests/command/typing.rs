//! What people type, paste and save.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::process::Command;

use serde_json::{Value, json};

use crate::env::{DRAFT, MONTPELLIER, TestEnv};

#[tokio::test(flavor = "multi_thread")]
async fn a_description_that_is_a_list_is_declared_as_it_was_typed() {
    let env = TestEnv::start().await;
    let description = "- Postes chiffrés\n- Accueil sur papier";
    let submit = [
        &["--as", "director", "--json", "report", "submit"],
        &DRAFT[..6],
        &["--description", description],
    ];
    let receipt = env.run(&submit.concat()).await.json();
    let report = receipt["receipt"]["report_id"].as_str().unwrap();
    let get = ["--as", "director", "--json", "report", "get", report];
    let found = env.run(&get).await.json();
    assert_eq!(found["draft"]["description"], description);
}

fn request() -> Value {
    json!({"draft": {
        "kind": "REPORT_KIND_INCIDENT",
        "capacity": "DECLARANT_CAPACITY_DIRECTOR",
        "structure": {"finess": MONTPELLIER},
        "declarant": {"family_name": "Martin", "email": "direction@example.org"},
        "found_at": "2026-11-02T08:00:00Z",
        "description": "Hôpital à l'arrêt",
    }})
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_is_read_with_its_byte_order_mark_and_its_encoding_is_named() {
    let env = TestEnv::start().await;
    let file = env.home.path().join("report.json");
    let path = file.to_str().unwrap();
    let check = ["--as", "director", "report", "check", "--file", path];
    let text = request().to_string();

    fs::write(&file, format!("\u{feff}{text}\r\n")).unwrap();
    let taken = env.run(&check).await;
    assert_eq!(taken.code(), 0, "{}", taken.stderr());

    let utf_16: Vec<u8> = "\u{feff}"
        .encode_utf16()
        .chain(text.encode_utf16())
        .flat_map(u16::to_le_bytes)
        .collect();
    fs::write(&file, utf_16).unwrap();
    let refused = env.run(&check).await;
    assert_eq!(refused.code(), 2);
    assert!(refused.stderr().contains("UTF-16"), "{}", refused.stderr());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_saved_by_a_windows_editor_is_read() {
    let env = TestEnv::start().await;
    let token = env.run(&["login", "director", "--print"]).await.stdout();
    let file = env.home.path().join("token.txt");
    fs::write(&file, format!("\u{feff}{}\r\n", token.trim())).unwrap();
    let list = ["--token-file", file.to_str().unwrap(), "report", "list"];
    let listed = env.run(&list).await;
    assert_eq!(listed.code(), 0, "{}", listed.stderr());
}

#[tokio::test(flavor = "multi_thread")]
async fn times_are_those_of_paris_unless_utc_is_asked_for() {
    let env = TestEnv::start().await;
    let found_at = ["--found-at", "2026-07-14T22:30:00Z"];
    let submit = [
        &["--as", "director", "--json", "report", "submit"],
        &DRAFT[..],
        &found_at,
    ];
    let receipt = env.run(&submit.concat()).await.json();
    let reference = receipt["receipt"]["reference"].as_str().unwrap();
    let get = ["--as", "director", "report", "get", reference];
    let paris = env.run(&get).await.stdout();
    assert!(paris.contains("2026-07-15 00:30+02"), "{paris}");
    let utc = env.run(&[&get[..], &["--utc"]].concat()).await.stdout();
    assert!(utc.contains("2026-07-14 22:30Z"), "{utc}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_line_of_a_script_saved_on_windows_is_understood() {
    let env = TestEnv::start().await;
    let listed = env.run(&["--as", "director", "report", "list\r"]).await;
    assert_eq!(listed.code(), 0, "{}", listed.stderr());
}

#[test]
fn what_needs_the_suite_itself_is_run_by_the_program_beside() {
    let folder = tempfile::tempdir().unwrap();
    let vigie = folder.path().join("vigie");
    fs::copy(env!("CARGO_BIN_EXE_vigie"), &vigie).unwrap();
    let run = || {
        let words = ["--json", "log", "adopt", "--consumer", "intake", "--help"];
        let mut command = Command::new(&vigie);
        command.env_clear().args(words).output().unwrap()
    };
    let missing = run();
    assert_eq!(missing.status.code(), Some(2));
    let why = String::from_utf8(missing.stderr).unwrap();
    assert!(why.contains("vigie-dev"), "{why}");

    let dev = folder.path().join("vigie-dev");
    fs::write(&dev, "#!/bin/sh\necho \"$@\"\nexit 42\n").unwrap();
    fs::set_permissions(&dev, fs::Permissions::from_mode(0o755)).unwrap();
    let ended = run();
    assert_eq!(ended.status.code(), Some(42));
    let passed = String::from_utf8(ended.stdout).unwrap();
    assert_eq!(passed, "--json log adopt --consumer intake --help\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_impact_in_other_states_is_declared_shown_listed_and_counted_as_it_was_said() {
    let env = TestEnv::start().await;
    let mut references = Vec::new();
    for said in [
        &["--cross-border", "true"][..],
        &["--cross-border", "false"],
        &[],
    ] {
        let submit = ["--as", "director", "--json", "report", "submit"];
        let receipt = env.run(&[&submit, &DRAFT[..], said].concat()).await.json();
        let reference = receipt["receipt"]["reference"].as_str().unwrap();
        references.push(reference.to_owned());
    }
    let words = |line: &str| line.split_whitespace().collect::<Vec<_>>().join(" ");
    for (locale, name, answers) in [
        ("fr_FR.UTF-8", "Impact transfrontalier", ["oui", "non"]),
        ("C.UTF-8", "Cross-border impact", ["yes", "no"]),
    ] {
        let mut shown = Vec::new();
        for reference in &references {
            let get = ["--as", "director", "report", "get", reference];
            let report = env.run_in(locale, &get).await.stdout();
            shown.extend(
                report
                    .lines()
                    .map(words)
                    .filter(|line| line.starts_with(name)),
            );
        }
        assert_eq!(shown, answers.map(|answer| format!("{name} {answer}")));
    }
    let list = ["--as", "director", "report", "list"];
    for (only, expected) in [
        (&["--cross-border", "true"][..], &references[..1]),
        (&["--cross-border", "false"], &references[1..2]),
        (&[], &references),
    ] {
        let listed = env.run(&[&list, only].concat()).await.stdout();
        for reference in &references {
            let is_listed = listed.contains(reference);
            assert_eq!(
                is_listed,
                expected.contains(reference),
                "{only:?}: {listed}"
            );
        }
    }
    let breakdown = ["--as", "fssi", "--json", "stats", "breakdown", "--by"];
    let breakdown = [&breakdown[..], &["cross-border"]].concat();
    testkit::eventually(async || {
        let rows = env.run(&breakdown).await.json()["rows"].clone();
        let rows = rows.as_array().cloned().unwrap_or_default();
        let rows = rows.iter().map(|row| {
            let value = row["value"].as_str().unwrap_or_default();
            format!("{value} {}", row["share"]["numerator"])
        });
        rows.eq(["no 1", "not_said 1", "yes 1"])
    })
    .await;
}

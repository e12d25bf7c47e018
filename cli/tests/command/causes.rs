//! One cause, many structures.

use std::fs;

use serde_json::{Value, json};

use crate::env::{DRAFT, MONTPELLIER, TestEnv};

#[tokio::test(flavor = "multi_thread")]
async fn cases_of_one_cause_are_attached_listed_and_detached() {
    let env = TestEnv::start().await;
    let cause = env.submit().await;
    env.case_opened(&cause).await;
    let named = [
        &["--as", "director", "--json", "report", "submit"],
        &DRAFT[..],
        &["--cause", &cause],
    ];
    let receipt = env.run(&named.concat()).await.json();
    let named = receipt["receipt"]["reference"].as_str().unwrap();
    let other = env.submit().await;
    for reference in [named, &other] {
        env.case_opened(reference).await;
    }
    let as_analyst = async |words: &[&str]| {
        let words = [&["--as", "analyst", "--json", "case"], words].concat();
        env.run(&words).await
    };
    let parent = as_analyst(&["show", &cause]).await.json();
    assert_eq!(parent["children"], 1);
    let attach = ["attach", &other, "--to", &cause, "--note", "Même hébergeur"];
    let attached = as_analyst(&attach).await.json();
    assert_eq!(attached["parent_case_id"], parent["case_id"]);
    let listed = as_analyst(&["attached", &cause]).await.json();
    let mut found: Vec<_> = listed["cases"]
        .as_array()
        .unwrap()
        .iter()
        .map(|case| case["reference"].as_str().unwrap())
        .collect();
    found.sort_unstable();
    let mut expected = [named, other.as_str()];
    expected.sort_unstable();
    assert_eq!(found, expected);

    for reference in expected {
        let detached = as_analyst(&["detach", reference]).await.json();
        assert!(detached.get("parent_case_id").is_none(), "{detached}");
    }
    let suggested = ["attached", &cause, "--suggested"];
    let listed = as_analyst(&suggested).await.json();
    assert_eq!(listed["cases"][0]["reference"], named);
    let attach = ["attach", "--suggested", "--to", &cause];
    let attached = as_analyst(&attach).await.json();
    assert_eq!(attached["results"].as_array().unwrap().len(), 1);
    // Of several, what is not attached is named, and the command fails.
    let attach = ["attach", named, &cause, "--to", &cause];
    let attached = as_analyst(&attach).await;
    assert_eq!(attached.code(), 1);
    assert!(
        attached.stdout().contains("CONFLICT"),
        "{}",
        attached.stdout()
    );
}

fn draft(description: &str) -> Value {
    json!({
        "kind": "REPORT_KIND_INCIDENT",
        "capacity": "DECLARANT_CAPACITY_DIRECTOR",
        "structure": {"finess": MONTPELLIER},
        "declarant": {"family_name": "Martin", "email": "direction@example.org"},
        "found_at": "2026-11-02T08:00:00Z",
        "description": description,
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_of_drafts_is_declared_line_by_line_and_once_however_often_it_is_sent() {
    let env = TestEnv::start().await;
    let cause = env.submit().await;
    let file = env.home.path().join("drafts.jsonl");
    let path = file.to_str().unwrap();
    let submit = ["report", "submit-many", path, "--cause", &cause];
    let submit = [&["--as", "director", "--json"], &submit[..]].concat();
    let told = async || {
        let sent = env.run(&submit).await;
        let lines = sent.stdout();
        let lines = lines
            .lines()
            .map(|line| serde_json::from_str(line).unwrap());
        let mut lines: Vec<Value> = lines.collect();
        lines.sort_by_key(|line| line["index"].as_u64());
        (sent.code(), lines)
    };
    let first = draft("Hébergeur arrêté");
    let bad = draft("");
    fs::write(&file, format!("{first}\n\n{bad}\nnot a draft\n{first}\n")).unwrap();
    let (code, lines) = told().await;
    assert_eq!(code, 1);
    let [taken, refused, unread, again] = &lines[..] else {
        panic!("{lines:?}")
    };
    let places = [2, 3, 4].map(Value::from);
    let told_places = [refused, unread, again].map(|line| line["index"].clone());
    assert_eq!(told_places, places);
    assert_eq!(
        refused["failure"]["violations"][0]["field"],
        "draft.description"
    );
    assert_eq!(unread["failure"]["reason"], "BAD_FORMAT");
    // A line that stands there twice is one report.
    let reference = &taken["receipt"]["reference"];
    assert_eq!(&again["receipt"]["reference"], reference);

    let mended = draft("Hébergeur arrêté ailleurs");
    fs::write(&file, format!("{first}\n{mended}\n")).unwrap();
    let (code, lines) = told().await;
    assert_eq!((code, lines.len()), (0, 2), "{lines:?}");
    assert_eq!(&lines[0]["receipt"]["reference"], reference);
    let get = ["--as", "director", "--json", "report", "get"];
    for line in &lines {
        let reference = line["receipt"]["reference"].as_str().unwrap();
        let report = env.run(&[&get[..], &[reference]].concat()).await.json();
        assert_eq!(report["draft"]["cause_reference"], cause);
    }
    let listed = env
        .run(&["--as", "director", "--json", "report", "list"])
        .await;
    assert_eq!(listed.json()["reports"].as_array().unwrap().len(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_came_by_telephone_is_entered_by_the_cell_for_the_person_who_declared() {
    let env = TestEnv::start().await;
    let as_analyst = ["--as", "analyst", "--json", "report"];
    let alone = [&as_analyst, &["submit"][..], &DRAFT].concat();
    let refused = env.run(&alone).await;
    assert_eq!(refused.code(), 5);
    assert!(
        refused.stderr().contains("ON_BEHALF_REQUIRED"),
        "{}",
        refused.stderr()
    );
    let on_behalf = ["--on-behalf", "telephone"];
    let receipt = env.run(&[&alone[..], &on_behalf].concat()).await.json();
    let reference = receipt["receipt"]["reference"].as_str().unwrap();
    let report = env
        .run(&[&as_analyst[..], &["get", reference]].concat())
        .await;
    let report = report.json();
    assert_eq!(report["channel"], "CHANNEL_CELL");
    assert_eq!(report["entered_by"]["medium"], "MEDIUM_TELEPHONE");
    assert_eq!(report["entered_by"]["subject"], "analyst");
    assert_eq!(report["draft"]["declarant"]["family_name"], "Martin");
}

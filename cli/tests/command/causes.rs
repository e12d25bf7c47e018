//! One cause, many structures.

use crate::env::{DRAFT, TestEnv};

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

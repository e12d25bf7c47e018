//! The queue of the cell: its filters, and the search.

use crate::env::TestEnv;

#[tokio::test(flavor = "multi_thread")]
async fn a_case_is_found_by_words_and_by_whom_it_waits_for() {
    let env = TestEnv::start().await;
    let reference = env.submit().await;
    env.case_opened(&reference).await;
    let found = async |who: &str, words: &[&str]| {
        let words = [&["--as", who, "--json", "case"], words].concat();
        let listed = env.run(&words).await.json();
        let cases = listed["cases"].as_array().cloned().unwrap_or_default();
        let references = cases.iter().map(|case| case["reference"].as_str().unwrap());
        references.map(str::to_owned).collect::<Vec<_>>()
    };
    for words in [
        &["search", "poste", "chiffré"][..],
        &[
            "search",
            "POSTES",
            "--kind",
            "incident",
            "--origin",
            "malicious",
        ],
        &["list", "--waiting-for", "cell", "--severity", "ordinary"],
    ] {
        for who in ["analyst", "director"] {
            assert_eq!(
                found(who, words).await,
                std::slice::from_ref(&reference),
                "{who} {words:?}"
            );
        }
        assert!(found("ars-28", words).await.is_empty(), "{words:?}");
    }
    for words in [
        &["search", "postes", "messagerie"][..],
        &["search", "postes", "--kind", "near-miss"],
        &[
            "list",
            "--waiting-for",
            "declarant",
            "--waiting-for",
            "nobody",
        ],
        &["list", "--severity", "serious", "--severity", "major"],
    ] {
        assert!(found("analyst", words).await.is_empty(), "{words:?}");
    }

    let list = ["--as", "analyst", "case", "search", "postes"];
    let shown = env.run_in("fr_FR.UTF-8", &list).await.stdout();
    assert!(
        shown.contains("en attente de") && shown.contains("La cellule"),
        "{shown}"
    );
    let shown = env.run(&list).await.stdout();
    assert!(
        shown.contains("waiting for") && shown.contains("The cell"),
        "{shown}"
    );
    let refused = env.run(&["--as", "analyst", "case", "search", "x"]).await;
    assert_eq!(refused.code(), 3);
    assert!(refused.stderr().contains("query"), "{}", refused.stderr());
}

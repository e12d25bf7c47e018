//! What the structure says of its incident after it declared it.

use testkit::eventually;

use crate::env::TestEnv;

#[tokio::test(flavor = "multi_thread")]
async fn a_director_declares_the_resolution_and_the_cell_reads_it_on_the_case() {
    let env = TestEnv::start().await;
    let reference = env.submit().await;
    env.case_opened(&reference).await;
    let how = "- Postes réinstallés\n- Mots de passe changés";
    let resolve = ["--as", "director", "report", "resolve", &reference, "--how"];
    let resolve = [&resolve[..], &[how]].concat();

    let request_id = "0192f3a0-0000-7000-8000-000000000001";
    let retried = [&resolve[..], &["--request-id", request_id]].concat();
    assert_eq!(
        env.run(&retried).await.code(),
        2,
        "now would be another moment at every retry"
    );
    let early = [&resolve[..], &["--at", "2001-01-01T00:00:00Z"]].concat();
    assert_eq!(env.run(&early).await.code(), 3, "before it was noticed");
    let declared = env.run(&[&resolve[..], &["--json"]].concat()).await.json();
    assert_eq!(declared["resolution"]["number"], 1);
    assert_eq!(declared["resolution"]["how"], how);
    assert_eq!(env.run(&resolve).await.code(), 6, "only once");

    let show = ["--as", "analyst", "--json", "case", "show", &reference];
    eventually(async || env.run(&show).await.json()["state"] == "CASE_STATE_RESOLVED").await;
    let case = env.run(&show).await.json();
    assert_eq!(case["resolution"]["how"], how);
    let show = ["--as", "director", "case", "show", &reference];
    let shown = env.run_in("fr_FR.UTF-8", &show).await.stdout();
    assert!(
        shown.contains("Résolu le") && shown.contains("Postes réinstallés"),
        "{shown}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_director_keeps_a_timeline_that_the_cell_reads_in_its_order() {
    let env = TestEnv::start().await;
    let reference = env.submit().await;
    let add = async |at: &str, text: &str| {
        let add = ["--as", "director", "timeline", "add", &reference];
        env.run(&[&add[..], &["--at", at, "--text", text]].concat())
            .await
            .code()
    };
    assert_eq!(add("2026-11-02 08:00+01", "- Serveurs éteints").await, 0);
    assert_eq!(add("2026-11-01 23:30+01", "Courriel piégé ouvert").await, 0);
    assert_eq!(add("2999-01-01T00:00:00Z", "Demain").await, 3);
    assert_eq!(add("hier", "Hier").await, 2);

    let list = ["--as", "analyst", "--json", "timeline", "list", &reference];
    let listed = env.run(&list).await.json();
    let entries = listed["entries"].as_array().unwrap().clone();
    let texts: Vec<_> = entries.iter().map(|entry| entry["text"].clone()).collect();
    assert_eq!(texts, ["Courriel piégé ouvert", "- Serveurs éteints"]);
    assert_eq!(entries[0]["happened_at"], "2026-11-01T22:30:00Z");
    let list = ["--as", "director", "timeline", "list", &reference];
    let shown = env.run_in("fr_FR.UTF-8", &list).await.stdout();
    assert!(
        shown.contains("2026-11-01 23:30+01") && shown.contains("Déclarant"),
        "{shown}"
    );
}

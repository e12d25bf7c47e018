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

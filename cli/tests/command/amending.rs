//! A declaration that is completed after it was sent.

use crate::env::TestEnv;

#[tokio::test(flavor = "multi_thread")]
async fn a_director_completes_what_is_given_and_reads_what_it_changed() {
    let env = TestEnv::start().await;
    let reference = env.submit().await;
    let amend = async |options: &[&str]| {
        let amend = ["--as", "director", "--json", "report", "amend", &reference];
        env.run(&[&amend[..], options].concat()).await
    };
    let before = env
        .run(&["--as", "director", "--json", "report", "get", &reference])
        .await
        .json();
    assert_eq!(before["revision"], 1);

    let text = "- Serveurs chiffrés\n- Urgences détournées";
    let amended = amend(&["--description", text, "--care", "interruption"])
        .await
        .json();
    let report = &amended["report"];
    assert_eq!(report["revision"], 2);
    assert_eq!(report["stage"], "REPORT_STAGE_COMPLEMENT");
    assert_eq!(report["draft"]["description"], text);
    assert_eq!(
        report["draft"]["impacts"]["care"],
        "CARE_IMPACT_INTERRUPTION"
    );
    for kept in ["declarant", "found_at", "structure", "origin"] {
        assert_eq!(report["draft"][kept], before["draft"][kept], "{kept}");
    }
    assert!(amended["consequences"]["proposed_severity"]["serious"] == true);

    assert_eq!(amend(&["--kind", "threat"]).await.code(), 3, "immutable");
    assert_eq!(amend(&["--clear", "patients"]).await.code(), 3, "no field");
    assert_eq!(amend(&["--stage", "last"]).await.code(), 2, "no stage");
    let last = ["--stage", "final", "--clear", "impacts.care"];
    assert_eq!(amend(&last).await.json()["report"]["revision"], 3);
    assert_eq!(amend(&[]).await.code(), 6, "the final report was sent");

    let revisions = ["report", "revisions", &reference];
    let listed = env
        .run(&[&["--as", "director", "--json"], &revisions[..]].concat())
        .await
        .json();
    let listed = listed["revisions"].as_array().unwrap().clone();
    assert_eq!(listed.len(), 3);
    assert_eq!(listed[0]["changes"][0]["path"], "impacts.care");
    assert_eq!(
        listed[0]["changes"][0]["before"],
        "CARE_IMPACT_INTERRUPTION"
    );
    let shown = [&["--as", "analyst"], &revisions[..]].concat();
    let shown = env.run_in("fr_FR.UTF-8", &shown).await.stdout();
    assert!(
        shown.contains("Rapport final") && shown.contains("director"),
        "{shown}"
    );
}

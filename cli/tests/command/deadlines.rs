//! Deadlines, as receipts and cases show them.

use crate::env::{DRAFT, TestEnv};

#[tokio::test(flavor = "multi_thread")]
async fn a_director_and_the_cell_read_what_is_owed_until_when_in_both_languages() {
    let env = TestEnv::start_with(&[
        ("INTAKE_DEADLINE_PACK", "nis2"),
        ("QUALIFICATION_DEADLINE_PACK", "nis2"),
    ])
    .await;
    let check = [&["--as", "director", "report", "check"], &DRAFT[..]].concat();
    let checked = env.run(&check).await.stdout();
    assert!(
        checked.contains("Deadlines") && checked.contains("Incident notification → "),
        "{checked}"
    );
    let checked = env.run_in("fr_FR.UTF-8", &check).await.stdout();
    for said in [
        "Échéances",
        "Alerte précoce → ",
        "Notification d'incident → ",
        "Rapport final → après l'étape précédente",
        "Directive (UE) 2022/2555, art. 23(4)(d)",
    ] {
        assert!(checked.contains(said), "{said}: {checked}");
    }

    let reference = env.submit().await;
    env.case_opened(&reference).await;
    let shown = ["--as", "analyst", "case", "show", &reference];
    let text = env.run(&shown).await.stdout();
    assert!(
        text.contains("Early warning → ") && text.contains(", satisfied "),
        "{text}"
    );
    let shown = ["--as", "analyst", "--json", "case", "show", &reference];
    let case = env.run(&shown).await.json();
    let kinds: Vec<_> = case["deadlines"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| it["kind"].as_str().unwrap())
        .collect();
    assert_eq!(
        kinds,
        [
            "DEADLINE_KIND_EARLY_WARNING",
            "DEADLINE_KIND_NOTIFICATION",
            "DEADLINE_KIND_FINAL_REPORT"
        ]
    );
}

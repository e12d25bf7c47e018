//! Which structure a report is about, who speaks for it, and who declares for it.

use time::format_description::well_known::Rfc3339;

use crate::env::{MONTPELLIER, TestEnv};

/// Starts the suite with the hospital of the drafts in its directory.
async fn with_directory() -> TestEnv {
    let env = TestEnv::start().await;
    let file = env.home.path().join("directory.csv");
    let site =
        format!("finess_et,name,region_code,department\n{MONTPELLIER},CHU DE MONTPELLIER,76,34\n");
    std::fs::write(&file, site).unwrap();
    let path = file.to_str().unwrap();
    let import = ["--as", "importer", "--json", "structure", "import", path];
    assert_eq!(env.run(&import).await.json()["created"], 1);
    env
}

#[tokio::test(flavor = "multi_thread")]
async fn the_cell_and_the_agency_decide_on_a_link_and_the_director_reads_why() {
    let env = with_directory().await;
    let reference = env.submit().await;
    let reject = ["--as", "analyst", "--json", "report", "link", "reject"];
    let reject = [&reject[..], &[&reference, "--reason", "- Inconnu"]].concat();
    let rejected = env.run(&reject).await.json();
    assert_eq!(rejected["report"]["link"], "DECLARANT_LINK_REJECTED");
    let get = ["--as", "director", "report", "get", &reference];
    let shown = env.run_in("fr_FR.UTF-8", &get).await.stdout();
    assert!(shown.contains("Rejeté"), "{shown}");
    let revisions = ["--as", "director", "report", "revisions", &reference];
    let shown = env.run_in("fr_FR.UTF-8", &revisions).await.stdout();
    assert!(shown.contains("lien rejeté  - Inconnu"), "{shown}");

    let confirm = ["--as", "ars-76", "report", "link", "confirm", &reference];
    let shown = env.run_in("C", &confirm).await.stdout();
    assert!(shown.contains("Confirmed"), "{shown}");
    let attach = ["--as", "analyst", "report", "attach", &reference];
    let unknown = ["--finess", "2A0000014", "--reason", "Dit au téléphone"];
    let refused = env.run(&[&attach[..], &unknown].concat()).await;
    assert_eq!(refused.code(), 3, "no site of the directory");
    let same = ["--finess", MONTPELLIER, "--reason", "Vérifié", "--check"];
    let same = [&attach[..], &same, &["--json"]].concat();
    let preview = env.run(&same).await.json();
    assert_eq!(preview["consequences"]["agency"]["region"], "76");
    assert!(preview["leaves_your_sight"].is_null() && preview["report"].is_null());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_director_delegates_for_a_month_and_ends_it() {
    let env = with_directory().await;
    let until = platform::now() + time::Duration::days(30);
    let until = until.format(&Rfc3339).unwrap();
    let grant = ["--as", "director", "--json", "delegation", "grant"];
    let to = [
        "--finess",
        MONTPELLIER,
        "--to",
        "claire",
        "--name",
        "Claire D.",
    ];
    let grant = [&grant[..], &to, &["--until", &until]].concat();
    let granted = env.run(&grant).await.json();
    let delegation = &granted["delegation"];
    assert_eq!(delegation["running"], true);
    assert_eq!(delegation["delegate_name"], "Claire D.");

    let list = [
        "--as",
        "ars-76",
        "delegation",
        "list",
        "--finess",
        MONTPELLIER,
    ];
    let shown = env.run_in("fr_FR.UTF-8", &list).await.stdout();
    assert!(
        shown.contains("Claire D. (claire)") && shown.contains("en cours"),
        "{shown}"
    );
    let id = delegation["delegation_id"].as_str().unwrap();
    let end = ["--as", "director", "delegation", "end", id];
    let shown = env.run_in("C", &end).await.stdout();
    assert!(shown.contains("ended before its time"), "{shown}");
    assert_eq!(env.run(&end).await.code(), 6, "only once");
}

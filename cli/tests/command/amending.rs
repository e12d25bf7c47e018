//! A declaration that is completed after it was sent.

use crate::env::{DRAFT, TestEnv};

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
    let care = "Impact sur la prise en charge : – → Interruption de la prise en charge";
    assert!(shown.contains(care), "{shown}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_complaint_and_the_regions_concerned_are_said_by_options_and_shown() {
    let env = TestEnv::start().await;
    let reference = env.submit().await;
    let amend = async |who: &str, options: &[&str]| {
        let amend = ["--as", who, "--json", "report", "amend", &reference];
        env.run(&[&amend[..], options].concat()).await
    };
    let details = [
        "--complaint-filed",
        "true",
        "--cnil-notified",
        "false",
        "--systems",
        "- Annuaire",
        "--measures-taken",
        "Réseau coupé",
        "--persons",
        "1200",
        "--reach",
        "region",
        "--may-affect-others",
    ];
    let amended = amend("director", &details).await.json();
    assert_eq!(amended["report"]["draft"]["complaint_filed"], true);
    assert_eq!(amended["report"]["draft"]["cnil_notified"], false);
    let regions = ["--region", "76", "--region", "93"];
    let not_hers = amend("director", &regions).await;
    assert_eq!(not_hers.code(), 3, "{}", not_hers.stderr());
    assert_eq!(amend("ars-76", &regions).await.code(), 0);

    let get = ["--as", "director", "report", "get", &reference];
    let shown = env.run_in("fr_FR.UTF-8", &get).await.stdout();
    let words = |line: &str| line.split_whitespace().collect::<Vec<_>>().join(" ");
    let lines: Vec<String> = shown.lines().map(words).collect();
    for line in [
        "Plainte déposée oui",
        "CNIL notifiée non",
        "Systèmes - Annuaire",
        "Mesures prises Réseau coupé",
        "Personnes touchées 1200",
        "Portée Régional",
        "Région Occitanie (76)",
        "Régions concernées Occitanie (76), Provence-Alpes-Côte d'Azur (93)",
    ] {
        assert!(lines.iter().any(|it| it == line), "{line}: {shown}");
    }

    let flaw = [
        &["--as", "director", "report", "check"],
        &DRAFT[..6],
        &["--kind", "product_vulnerability", "--description", "Faille"],
    ];
    let vague = env.run(&flaw.concat()).await;
    assert_eq!(vague.code(), 3, "{}", vague.stdout());
    let named = [
        &flaw.concat()[..],
        &["--vendor", "Éditeur", "--product", "Agenda"],
    ];
    assert_eq!(env.run(&named.concat()).await.code(), 0);
}

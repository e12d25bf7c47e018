//! Measures on a case.

use crate::env::TestEnv;

#[tokio::test(flavor = "multi_thread")]
async fn the_cell_and_a_director_agree_on_measures_by_the_reference_and_their_numbers() {
    let env = TestEnv::start().await;
    let reference = env.submit().await;
    env.case_opened(&reference).await;
    let measure = async |who: &str, words: &[&str]| {
        env.run(&[&["--as", who, "--json", "measure"], words].concat())
            .await
    };
    let ask = ["ask", &reference, "--text", "- Comment restaurer ?"];
    let asked = measure("director", &ask).await.json();
    assert_eq!(asked["state"], "MEASURE_STATE_ASKED_FOR");
    let propose = ["propose", &reference, "--code", "ransomware-isolate"];
    assert_eq!(
        measure("analyst", &propose).await.code(),
        6,
        "not qualified"
    );
    let qualify = ["--as", "analyst", "case", "qualify", &reference];
    assert_eq!(env.run(&qualify).await.code(), 0);

    let proposed = measure("analyst", &propose).await.json();
    assert_eq!(proposed["number"], 2);
    assert_eq!(proposed["catalogue_code"], "ransomware-isolate");
    let answer = [
        "propose",
        &reference,
        "--answers",
        "1",
        "--kind",
        "remediation",
        "--title",
        "Restaurer",
        "--text",
        "1. Hors ligne",
    ];
    let answered = measure("analyst", &answer).await.json();
    assert_eq!(answered["measure_id"], asked["measure_id"]);

    let retried = "0192f3a0-0000-7000-8000-000000000002";
    let accept = ["accept", &reference, "2", "--request-id", retried];
    let accepted = measure("director", &accept).await.json();
    assert_eq!(accepted["state"], "MEASURE_STATE_ACCEPTED");
    assert_eq!(measure("director", &accept).await.json(), accepted);
    let complete = ["complete", &reference, "2"];
    let done = measure("ars-76", &complete).await.json();
    assert_eq!(done["state"], "MEASURE_STATE_DONE");
    let decline = ["decline", &reference, "1", "--reason", "- Déjà fait"];
    let declined = measure("director", &decline).await.json();
    assert_eq!(declined["reason"], "- Déjà fait");
    let other = [
        "propose",
        &reference,
        "--kind",
        "improvement",
        "--title",
        "Segmenter",
        "--text",
        "Le réseau",
    ];
    assert_eq!(measure("analyst", &other).await.code(), 0);
    let withdraw = ["withdraw", &reference, "3"];
    assert_eq!(measure("analyst", &withdraw).await.code(), 0);
    assert_eq!(
        measure("director", &["accept", &reference, "4"])
            .await
            .code(),
        4
    );

    let list = ["--as", "director", "measure", "list", &reference];
    let shown = env.run_in("fr_FR.UTF-8", &list).await.stdout();
    for word in [
        "retirée",
        "réalisée",
        "refusée",
        "Motif",
        "- Déjà fait",
        "Agent de l'ARS",
    ] {
        assert!(shown.contains(word), "{word}: {shown}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_catalogue_is_read_in_the_language_of_the_reader() {
    let env = TestEnv::start().await;
    let catalogue = [
        "--as",
        "director",
        "measure",
        "catalogue",
        "--origin-type",
        "telecom-loss",
        "--kind",
        "emergency",
    ];
    let french = env.run_in("fr_FR.UTF-8", &catalogue).await.stdout();
    let line = french.lines().nth(1).unwrap();
    assert!(line.starts_with("telecom-fallback "), "{french}");
    assert!(line.contains("Mesure d'urgence  Lien coupé"), "{french}");
    let english = env
        .run(&[&catalogue[..], &["--text"]].concat())
        .await
        .stdout();
    assert!(
        english.contains("Line down") && english.contains("Do not: "),
        "{english}"
    );
    let listed = env
        .run(&[&catalogue[..], &["--json", "--limit", "1"]].concat())
        .await;
    assert_eq!(listed.json()["entries"][0]["code"], "telecom-fallback");
    let unknown = [
        "--as",
        "director",
        "measure",
        "catalogue",
        "--origin-type",
        "luck",
    ];
    assert_eq!(env.run(&unknown).await.code(), 2);
}

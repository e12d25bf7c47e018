//! How a structure is accompanied, from its request to the outcome.

use crate::env::TestEnv;

#[tokio::test(flavor = "multi_thread")]
async fn a_director_asks_for_accompaniment_and_the_cell_gives_it() {
    let env = TestEnv::start().await;
    let reference = env.submit().await;
    env.case_opened(&reference).await;
    let accompaniment = async |who: &str, verb: &str, words: &[&str]| {
        let words = [
            &["--as", who, "--json", "accompaniment", verb, &reference],
            words,
        ]
        .concat();
        env.run(&words).await
    };
    let asked = accompaniment("director", "ask", &["--need", "- Annuaire"]).await;
    assert_eq!(asked.json()["state"], "ACCOMPANIMENT_STATE_ASKED");
    let of_cell = ["--giver", "cell", "--offer", "Deux analystes"];
    let refused = accompaniment("ars-76", "offer", &of_cell).await;
    assert_eq!(refused.code(), 5, "an agency offers its own");
    let offered = accompaniment("analyst", "offer", &of_cell).await.json();
    assert_eq!(
        (&offered["number"], &offered["need"]),
        (&1.into(), &"- Annuaire".into())
    );
    let neither = accompaniment("director", "answer", &["1"]).await;
    assert_eq!(neither.code(), 2, "neither accepted nor declined");
    let accepted = accompaniment("director", "answer", &["1", "accept"]).await;
    assert_eq!(accepted.json()["state"], "ACCOMPANIMENT_STATE_ACCEPTED");
    assert_eq!(accompaniment("analyst", "begin", &["1"]).await.code(), 0);
    assert_eq!(
        accompaniment("analyst", "begin", &["1"]).await.code(),
        6,
        "only once"
    );
    assert_eq!(accompaniment("analyst", "begin", &["2"]).await.code(), 4);
    let ended = accompaniment("analyst", "end", &["1", "--outcome", "Reconstruit"]).await;
    assert_eq!(ended.json()["outcome"], "Reconstruit");

    let of_body = [
        "--giver",
        "regional-support-body",
        "--name",
        "e-santé Occitanie",
    ];
    let offer = [&of_body[..], &["--offer", "Un audit"]].concat();
    assert_eq!(
        accompaniment("ars-76", "offer", &offer).await.json()["number"],
        2
    );
    let list = ["--as", "director", "accompaniment", "list", &reference];
    let shown = env.run_in("fr_FR.UTF-8", &list).await.stdout();
    assert!(
        shown.contains("GRADeS e-santé Occitanie") && shown.contains("Terminé"),
        "{shown}"
    );
    let listed = accompaniment("fssi", "list", &["--limit", "1"])
        .await
        .json();
    assert_eq!(listed["accompaniments"][0]["number"], 2);
}

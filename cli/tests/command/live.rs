//! What others have read and changed, as the command line shows it.

use serde_json::Value;

use crate::env::TestEnv;

#[tokio::test(flavor = "multi_thread")]
async fn a_message_says_who_has_read_it_and_a_note_stays_inside() {
    let env = TestEnv::start().await;
    let reference = env.submit().await;
    env.case_opened(&reference).await;
    let message = async |who: &str, rest: &[&str]| {
        let args = [
            &["--as", who, "message", rest[0], &reference][..],
            &rest[1..],
        ];
        env.run_in("fr_FR.UTF-8", &args.concat()).await
    };
    let nothing = message("director", &["read"]).await;
    assert_eq!(nothing.stdout().trim(), "Rien à lire.");
    let asked = ["post", "--text", "Quels serveurs ?"];
    assert_eq!(message("analyst", &asked).await.code(), 0);
    let note = ["post", "--to", "internal", "--text", "Client connu"];
    assert_eq!(message("analyst", &note).await.code(), 0);
    assert_eq!(message("director", &note).await.code(), 5);

    let read = message("director", &["read"]).await;
    assert_eq!(read.stdout().trim(), "Lu jusqu'au message 1.");
    let listed = message("analyst", &["list"]).await.stdout();
    assert!(listed.contains("lu par la structure le"), "{listed}");
    assert!(!listed.contains("Client connu"), "{listed}");
    let english = ["--as", "analyst", "message", "list", &reference];
    let english = env.run_in("en_GB.UTF-8", &english).await.stdout();
    assert!(english.contains("read by the structure on"), "{english}");
    let notes = message("analyst", &["list", "--internal"]).await.stdout();
    assert!(
        notes.contains("Client connu") && notes.contains("interne"),
        "{notes}"
    );
    let notes = message("ars-76", &["list", "--internal"]).await.stdout();
    assert!(!notes.contains("Client connu"), "{notes}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_watch_of_cases_goes_on_from_its_cursor() {
    let env = TestEnv::start().await;
    let reference = env.submit().await;
    env.case_opened(&reference).await;
    let begun = ["--as", "analyst", "--json", "case", "watch", "--count", "0"];
    let cursor = env.run(&begun).await.json()["cursor"]
        .as_str()
        .unwrap()
        .to_owned();
    let claim = ["--as", "analyst", "case", "claim", &reference];
    assert_eq!(env.run(&claim).await.code(), 0);
    let watch = ["case", "watch", "--count", "1", "--cursor", &cursor];
    let told = env
        .run(&[&["--as", "analyst", "--json"][..], &watch].concat())
        .await;
    assert_eq!(told.code(), 0, "{}", told.stderr());
    let told = told.stdout();
    let last: Value = serde_json::from_str(told.lines().last().unwrap()).unwrap();
    assert_eq!(last["changed"]["reference"], reference.as_str());
    let elsewhere = [&["--as", "analyst"][..], &watch, &["--region", "28"]].concat();
    let told = env.run_in("fr_FR.UTF-8", &elsewhere).await.stdout();
    assert!(told.contains("hors de ce filtre"), "{told}");
}

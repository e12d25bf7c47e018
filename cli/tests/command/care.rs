//! What an incident does to care, as an agency records it and the DGS reads it.

use crate::env::TestEnv;

#[tokio::test(flavor = "multi_thread")]
async fn an_agency_records_corrects_and_ends_what_the_health_authority_reads() {
    let env = TestEnv::start().await;
    let reference = env.submit().await;
    env.case_opened(&reference).await;
    let care = async |who: &str, words: &[&str]| {
        let words = [&["--as", who, "--json", "care"], words].concat();
        env.run(&words).await
    };
    let list = ["list", reference.as_str()];
    assert_eq!(care("dgs", &list).await.code(), 4, "no impact on care yet");

    let begun_at = "2026-11-02T08:00:00+01:00";
    let record = ["record", &reference, "--kind", "service-closed"];
    let said = [
        "--service",
        "Réanimation",
        "--description",
        "- Patients vers Nîmes",
        "--begun-at",
        begun_at,
    ];
    let recorded = care("ars-76", &[&record[..], &said[..]].concat())
        .await
        .json();
    assert_eq!(
        (&recorded["number"], &recorded["region"]),
        (&1.into(), &"76".into())
    );
    assert_eq!(
        care("ars-76", &record).await.code(),
        3,
        "nothing is said of it"
    );

    let update = ["update", &reference, "1", "--persons", "14"];
    let updated = care("ars-76", &update).await.json();
    let draft = &updated["draft"];
    assert_eq!(draft["persons"], 14);
    assert_eq!(
        draft["service_name"], "Réanimation",
        "what was not given stays"
    );
    assert_eq!(care("ars-76", &["update", &reference, "2"]).await.code(), 4);
    assert_eq!(care("director", &list).await.code(), 5);

    let read = care("dgs", &list).await.json();
    assert_eq!(read["consequences"][0]["draft"], *draft);
    let words = ["--as", "dgs", "care", "list", &reference];
    let shown = env.run_in("fr_FR.UTF-8", &words).await.stdout();
    assert!(
        shown.contains("Service fermé") && shown.contains("- Patients vers Nîmes"),
        "{shown}"
    );

    let ended = care("analyst", &["end", &reference, "1"]).await.json();
    assert!(ended["ended_at"].is_string(), "{ended}");
    assert_eq!(care("analyst", &["end", &reference, "1"]).await.code(), 6);
    let words = ["--as", "dgs", "--json", "case", "show", &reference];
    let told = env.run(&words).await.json();
    assert_eq!(
        told["proposed"]["impacts"]["care"],
        "CARE_IMPACT_INTERRUPTION"
    );
    assert_eq!(told["history"][1]["action"], "care_recorded");
}

//! The journeys of the documentation, walked as they stand.

use crate::pages::{FRENCH, NEXT_CALL, walk};

#[tokio::test(flavor = "multi_thread")]
async fn the_journeys_of_the_documentation_lead_from_the_first_alarm_to_the_closed_case() {
    let walked = Box::pin(walk("docs/journeys.md", FRENCH, NEXT_CALL)).await;
    let show = async |name: &str| {
        let show = [
            "--as",
            "analyst",
            "--json",
            "case",
            "show",
            walked.real(name),
        ];
        walked.env.run(&show).await.json()
    };
    let night = show("SIG-2026-7K3M9Q4").await;
    assert_eq!(night["state"], "CASE_STATE_CLOSED");
    assert_eq!(night["confirmed"]["severity"]["major"], true);
    assert_eq!(night["pilot"], "fssi");
    let outage = show("SIG-2026-2B8N4T1").await;
    assert_eq!(outage["state"], "CASE_STATE_CLOSED");
    let attached = walked.real("SIG-2026-2B8N4T1");
    let list = ["--as", "analyst", "--json", "case", "attached", attached];
    let attached = walked
        .env
        .run(&[&list[..], &["--limit", "200"]].concat())
        .await;
    assert_eq!(attached.json()["cases"].as_array().unwrap().len(), 199);
}

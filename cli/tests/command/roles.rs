//! The days of those who work with Vigie, walked as their pages show them.

use crate::pages::{FRENCH, NO_FURTHER_CALL, walk};

#[tokio::test(flavor = "multi_thread")]
async fn the_day_of_a_director_without_it_staff() {
    Box::pin(walk("docs/roles/director.md", FRENCH, NO_FURTHER_CALL)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_day_of_the_security_officer_of_a_hospital() {
    Box::pin(walk(
        "docs/roles/security-officer.md",
        FRENCH,
        NO_FURTHER_CALL,
    ))
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_day_of_a_regional_agent() {
    Box::pin(walk(
        "docs/roles/regional-agent.md",
        FRENCH,
        NO_FURTHER_CALL,
    ))
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_day_of_an_analyst_of_the_cell() {
    Box::pin(walk("docs/roles/analyst.md", FRENCH, NO_FURTHER_CALL)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_night_of_whoever_is_on_call() {
    Box::pin(walk("docs/roles/on-call.md", FRENCH, NO_FURTHER_CALL)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_day_of_the_national_security_officer() {
    Box::pin(walk("docs/roles/fssi.md", FRENCH, NO_FURTHER_CALL)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_day_of_the_health_authority() {
    Box::pin(walk(
        "docs/roles/health-authority.md",
        FRENCH,
        NO_FURTHER_CALL,
    ))
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_day_of_the_importer_and_the_operator() {
    Box::pin(walk("docs/roles/operator.md", "C.UTF-8", NO_FURTHER_CALL)).await;
}

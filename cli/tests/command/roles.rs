//! The days of those who work with Vigie, walked as their pages show them.

use crate::pages::{FRENCH, walk};

#[tokio::test(flavor = "multi_thread")]
async fn the_day_of_a_director_without_it_staff() {
    walk("docs/roles/director.md", FRENCH).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_day_of_the_security_officer_of_a_hospital() {
    walk("docs/roles/security-officer.md", FRENCH).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_day_of_a_regional_agent() {
    walk("docs/roles/regional-agent.md", FRENCH).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_day_of_an_analyst_of_the_cell() {
    walk("docs/roles/analyst.md", FRENCH).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_night_of_whoever_is_on_call() {
    walk("docs/roles/on-call.md", FRENCH).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_day_of_the_national_security_officer() {
    walk("docs/roles/fssi.md", FRENCH).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_day_of_the_health_authority() {
    walk("docs/roles/health-authority.md", FRENCH).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_day_of_the_importer_and_the_operator() {
    walk("docs/roles/operator.md", "C.UTF-8").await;
}

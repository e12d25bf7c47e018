//! Whether an answer knows what it does not know.

use proto::events::v1::ReportSubmitted;

use crate::{
    story::{events, report},
    world::{World, current},
};

const MONTH: &str = "2026-11";

#[tokio::test]
async fn figures_are_not_called_up_to_date_while_a_producer_is_away() {
    let world = World::start("away").await;
    world.intake.announce(&events([report(1)])).await;
    let replica = world.counted().await;
    world.qualification.stop().await;
    let overview = replica.overview(MONTH, MONTH).await;
    assert!(!overview.up_to_date);
    assert_eq!(current(&overview, "reports"), 1);
}

#[tokio::test]
async fn an_event_kept_aside_is_not_called_counted_and_stops_no_other() {
    let world = World::start("parked").await;
    let unreadable = ReportSubmitted {
        structure: None,
        ..report(1)
    };
    world
        .intake
        .announce(&events([unreadable, report(2)]))
        .await;
    let replica = world.replica().await;
    testkit::eventually(async || {
        current(&replica.overview(MONTH, MONTH).await, "reports") == 1
            && world.parked().await == ["no_structure"]
    })
    .await;
    assert!(!replica.overview(MONTH, MONTH).await.up_to_date);
    world.is_exact().await;
}

#[tokio::test]
async fn figures_of_a_stopped_consumer_are_not_called_up_to_date() {
    let world = World::start("stopped").await;
    world.intake.announce(&events([report(1)])).await;
    let replica = world.counted().await;
    sqlx::query(
        "update consumer_offset set stopped = 'LOG_REINCARNATED' where producer = 'intake'",
    )
    .execute(&world.pool)
    .await
    .unwrap();
    assert!(!replica.overview(MONTH, MONTH).await.up_to_date);
}

impl World {
    async fn parked(&self) -> Vec<String> {
        sqlx::query_scalar("select reason from parked_event")
            .fetch_all(&self.pool)
            .await
            .unwrap()
    }
}

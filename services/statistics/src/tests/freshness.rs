//! Whether an answer knows what it does not know.

use crate::{CONSUMER, NAME};
use platform::Caller;
use proto::events::v1::ReportSubmitted;

use crate::tests::{
    env::{TestEnv, current},
    story::{events, report},
};

const MONTH: &str = "2026-11";

#[tokio::test]
async fn figures_are_not_called_up_to_date_while_a_producer_is_away() {
    let env = TestEnv::start().await;
    env.intake().announce(&events([report(1)])).await;
    let replica = env.counted().await;
    env.qualification().stop().await;
    let overview = replica.overview(MONTH, MONTH).await;
    assert!(!overview.up_to_date);
    assert_eq!(current(&overview, "reports"), 1);
}

#[tokio::test]
async fn an_event_kept_aside_is_not_called_counted_and_stops_no_other() {
    let env = TestEnv::start().await;
    let unreadable = ReportSubmitted {
        structure: None,
        ..report(1)
    };
    env.intake()
        .announce(&events([unreadable, report(2)]))
        .await;
    let replica = env.start_replica().await;
    testkit::eventually(async || {
        current(&replica.overview(MONTH, MONTH).await, "reports") == 1
            && env.parked().await == ["no_structure"]
    })
    .await;
    assert!(!replica.overview(MONTH, MONTH).await.up_to_date);
    env.is_seamless().await;
}

#[tokio::test]
async fn figures_of_a_stopped_consumer_are_not_called_up_to_date() {
    let env = TestEnv::start().await;
    env.intake().announce(&events([report(1)])).await;
    let replica = env.counted().await;
    sqlx::query(
        "update consumer_offset set stopped = 'LOG_REINCARNATED' where producer = 'intake'",
    )
    .execute(&env.pool)
    .await
    .unwrap();
    assert!(!replica.overview(MONTH, MONTH).await.up_to_date);
}

#[tokio::test]
async fn the_consumers_of_facts_are_watched_and_operated_under_the_name_of_the_service() {
    let env = TestEnv::start().await;
    let replica = env.counted().await;
    let metrics = replica.metrics.encode();
    let watched = r#"eventlog_consumer_stopped{consumer="statistics",producer="intake"} 0"#;
    assert!(metrics.contains(watched), "{metrics}");
    assert!(!metrics.contains(CONSUMER), "{metrics}");
    replica.stop().await;

    let mut conn = env.pool.acquire().await.unwrap();
    let operator = Caller::service("operator");
    eventlog::adopt(&mut conn, NAME, "intake", &operator, platform::now())
        .await
        .unwrap();
    let starting_over: Vec<String> = sqlx::query_scalar(
        "select distinct consumer || ' of ' || producer from consumer_offset
         where incarnation is null",
    )
    .fetch_all(&env.pool)
    .await
    .unwrap();
    assert_eq!(starting_over, ["statistics/facts of intake"]);
}

impl TestEnv {
    async fn parked(&self) -> Vec<String> {
        sqlx::query_scalar("select reason from parked_event")
            .fetch_all(&self.pool)
            .await
            .unwrap()
    }
}

//! The log over gRPC: to the consumers of an allow-list, within bounds.

use std::sync::Arc;

use eventlog::{NewEvent, Snapshot, SnapshotPage, event_log_service};
use platform::Caller;
use proto::{
    eventlog::v1::{
        DescribeRequest, ReadRequest, ShardPosition, SnapshotRequest,
        event_log_service_client::EventLogServiceClient, snapshot_response::Part,
    },
    events::v1::{ReportWithdrawn, StructureRecorded},
};
use sqlx::PgConnection;
use tonic::{Code, Request, Status};
use tonic_types::StatusExt as _;
use uuid::Uuid;

use crate::{
    env::{BY_GRPC, Running, TestEnv},
    ledger::Ledger,
};

/// A producer without any state.
pub(crate) struct Nothing;

#[async_trait::async_trait]
impl Snapshot for Nothing {
    async fn page(
        &self,
        _: &mut PgConnection,
        _: Option<String>,
        _: u16,
    ) -> platform::Result<SnapshotPage> {
        Ok(SnapshotPage::default())
    }
}

/// A producer whose state has no end.
struct Endless;

#[async_trait::async_trait]
impl Snapshot for Endless {
    async fn page(
        &self,
        _: &mut PgConnection,
        _: Option<String>,
        _: u16,
    ) -> platform::Result<SnapshotPage> {
        std::future::pending().await
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn only_services_of_the_allow_list_may_read() {
    let env = TestEnv::new("allow_list").await;
    let service = || {
        let service = event_log_service(
            env.log.clone(),
            env.intake.clone(),
            Arc::new(Nothing),
            &["qualification"],
        );
        EventLogServiceClient::new(service)
    };
    let call = |caller: Option<Caller>| {
        let mut request = Request::new(DescribeRequest {});
        if let Some(caller) = caller {
            request.extensions_mut().insert(caller);
        }
        request
    };
    let allowed = service()
        .describe(call(Some(Caller::service("qualification"))))
        .await;
    assert_eq!(allowed.unwrap().into_inner().producer, "intake");

    let other = service()
        .describe(call(Some(Caller::service("statistics"))))
        .await;
    assert_eq!(reason(&other.unwrap_err()), "CONSUMER_NOT_ALLOWED");
    let mut person = Caller::anonymous();
    person.subject = "qualification".to_owned();
    let person = service().describe(call(Some(person))).await;
    assert_eq!(reason(&person.unwrap_err()), "CONSUMER_NOT_ALLOWED");
    let nobody = service().describe(call(None)).await;
    assert_eq!(nobody.unwrap_err().code(), Code::Unauthenticated);
}

#[tokio::test(flavor = "multi_thread")]
async fn snapshots_leave_room_for_reads() {
    let env = TestEnv::new("room").await;
    let pool = env.intake.options().clone().max_connections(2);
    let pool = pool.connect_lazy_with((*env.intake.connect_options()).clone());
    let service = event_log_service(env.log.clone(), pool, Arc::new(Endless), &["qualification"]);
    let mut client = EventLogServiceClient::new(service);
    let mut first = client
        .snapshot(as_consumer(SnapshotRequest::default()))
        .await
        .unwrap()
        .into_inner();
    let description = first.message().await.unwrap().unwrap();
    assert!(matches!(description.part, Some(Part::Description(_))));
    let second = client
        .snapshot(as_consumer(SnapshotRequest::default()))
        .await;
    assert_eq!(reason(&second.err().unwrap()), "SNAPSHOTS_BUSY");
    let described = client.describe(as_consumer(DescribeRequest {})).await;
    assert_eq!(described.unwrap().into_inner().producer, "intake");

    drop(first);
    testkit::eventually(async || {
        let mut client = client.clone();
        client
            .snapshot(as_consumer(SnapshotRequest::default()))
            .await
            .is_ok()
    })
    .await;
}

fn as_consumer<T>(message: T) -> Request<T> {
    let mut request = Request::new(message);
    request
        .extensions_mut()
        .insert(Caller::service("qualification"));
    request
}

#[tokio::test(flavor = "multi_thread")]
async fn a_read_names_known_shards_once_and_asks_for_no_more_than_a_thousand_events() {
    let env = TestEnv::new("bounds").await;
    for (request, field) in [
        (read(&[(4, 0)], 1), "after"),
        (read(&[(1, 0), (1, 0)], 1), "after"),
        (read(&[(1, 0)], 1001), "max_events"),
        (
            ReadRequest {
                incarnation: "other".to_owned(),
                ..read(&[(1, 1)], 1)
            },
            "incarnation",
        ),
    ] {
        let refused = EventLogServiceClient::new(env.channel())
            .read(request)
            .await
            .unwrap_err();
        assert_eq!(refused.code(), Code::InvalidArgument);
        let details = refused.get_error_details();
        assert_eq!(
            details.bad_request().unwrap().field_violations[0].field,
            field
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_ends_at_the_number_of_events_asked_for_and_names_the_heads() {
    let env = TestEnv::new("page").await;
    let (first, second) = (env.subject_in(0), env.subject_in(1));
    env.append(&first, &["a", "b", "c"]).await;
    env.append(&second, &["d"]).await;
    let page = EventLogServiceClient::new(env.channel())
        .read(read(&[(0, 0), (1, 0)], 2))
        .await;
    let page = page.unwrap().into_inner();
    let places: Vec<(u32, u64)> = page
        .events
        .iter()
        .map(|event| (event.shard, event.position))
        .collect();
    assert_eq!(places, [(0, 1), (0, 2)]);
    let heads: Vec<(u32, u64)> = page
        .heads
        .iter()
        .map(|head| (head.shard, head.position))
        .collect();
    assert_eq!(heads, [(0, 3), (1, 1)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn each_refusal_of_a_position_has_its_reason() {
    let env = TestEnv::new("reasons").await;
    env.append(&env.subject_in(0), &["a", "b"]).await;
    let mut conn = env.intake.acquire().await.unwrap();
    let incarnation = env.log.incarnation(&mut conn).await.unwrap().to_string();
    let mut client = EventLogServiceClient::new(env.channel());

    let other = ReadRequest {
        incarnation: uuid::Uuid::nil().to_string(),
        ..read(&[(0, 1)], 1)
    };
    let refused = client.read(other).await.unwrap_err();
    assert_eq!(
        (refused.code(), reason(&refused)),
        (Code::FailedPrecondition, "LOG_REINCARNATED".to_owned())
    );

    let above = ReadRequest {
        incarnation: incarnation.clone(),
        ..read(&[(0, 3)], 1)
    };
    let refused = client.read(above).await.unwrap_err();
    assert_eq!(
        (refused.code(), reason(&refused)),
        (Code::FailedPrecondition, "OFFSET_ABOVE_HEAD".to_owned())
    );

    sqlx::query("update eventlog_floor set position = 2 where shard = 0")
        .execute(&mut *conn)
        .await
        .unwrap();
    let below = ReadRequest {
        incarnation,
        ..read(&[(0, 1)], 1)
    };
    let refused = client.read(below).await.unwrap_err();
    assert_eq!(
        (refused.code(), reason(&refused)),
        (Code::OutOfRange, "BELOW_FLOOR".to_owned())
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_read_for_one_consumer_leaves_out_the_others_events_and_says_how_far_it_looked() {
    let env = TestEnv::new("for_one").await;
    let subject = env.subject_in(0);
    env.append_structures(3).await;
    env.append(&subject, &["a", "b"]).await;
    env.append_structures(1).await;
    let page = async |consumer: &str, max_events| {
        let request = ReadRequest {
            consumer: consumer.to_owned(),
            ..read(&[(0, 0), (1, 0)], max_events)
        };
        let mut client = EventLogServiceClient::new(env.channel());
        let answer = client.read(request).await.unwrap().into_inner();
        let positions: Vec<u64> = answer.events.iter().map(|event| event.position).collect();
        let reached = answer
            .reached
            .iter()
            .map(|place| (place.shard, place.position));
        (positions, reached.collect::<Vec<_>>())
    };
    assert_eq!(
        page("qualification", 10).await,
        (vec![4, 5], vec![(0, 6), (1, 0)])
    );
    assert_eq!(page("qualification", 2).await, (vec![4, 5], vec![(0, 6)]));
    assert_eq!(page("qualification", 1).await, (vec![4], vec![(0, 4)]));
    assert_eq!(page("intake", 10).await, (vec![], vec![(0, 6), (1, 0)]));
    // Whoever names no consumer gets everything: an earlier release.
    assert_eq!(
        page("", 10).await,
        (vec![1, 2, 3, 4, 5, 6], vec![(0, 6), (1, 0)])
    );
    assert_eq!(page("", 4).await, (vec![1, 2, 3, 4], vec![(0, 4)]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_consumer_passes_over_thousands_of_events_that_it_is_never_sent() {
    let env = TestEnv::new("thousands").await;
    env.append_structures(25_000).await;
    env.append(&env.subject_in(0), &["a"]).await;
    env.append(&env.subject_in(1), &["b"]).await;
    let consumer = Running::consumer(env.consumer(&Ledger::new()));
    env.until_applied(2).await;
    env.until_caught_up().await;
    consumer.stop().await;
    assert_eq!(env.heads().await[0], 25_001);
    assert_eq!(env.metric(BY_GRPC).to_string(), "2");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_snapshot_for_one_consumer_holds_what_it_must_apply() {
    let env = TestEnv::new("snapshot_for_one").await;
    let service = event_log_service(
        env.log.clone(),
        env.intake.clone(),
        Arc::new(Directory),
        &["qualification"],
    );
    let mut client = EventLogServiceClient::new(service);
    for (consumer, expected) in [("", 1005), ("qualification", 5), ("intake", 0)] {
        let request = SnapshotRequest {
            consumer: consumer.to_owned(),
            ..SnapshotRequest::default()
        };
        let mut parts = client
            .snapshot(as_consumer(request))
            .await
            .unwrap()
            .into_inner();
        let mut events = 0;
        while let Some(response) = parts.message().await.unwrap() {
            if let Some(Part::Events(batch)) = response.part {
                events += batch.events.len();
            }
        }
        assert_eq!(events, expected, "{consumer}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_snapshot_that_holds_nothing_for_a_consumer_says_how_far_it_came() {
    let env = TestEnv::new("snapshot_for_nobody").await;
    let service = event_log_service(
        env.log.clone(),
        env.intake.clone(),
        Arc::new(Directory),
        &["qualification"],
    );
    let mut client = EventLogServiceClient::new(service);
    let cursors = async |client: &mut EventLogServiceClient<_>, after: &str| {
        let request = SnapshotRequest {
            after: after.to_owned(),
            consumer: "intake".to_owned(),
        };
        let mut parts = client
            .snapshot(as_consumer(request))
            .await
            .unwrap()
            .into_inner();
        let mut cursors = Vec::new();
        while let Some(response) = parts.message().await.unwrap() {
            if let Some(Part::Events(batch)) = response.part {
                assert_eq!(batch.events, []);
                cursors.push(batch.cursor);
            }
        }
        cursors
    };
    assert_eq!(cursors(&mut client, "").await, ["256", "512", "768"]);
    assert_eq!(cursors(&mut client, "512").await, ["768"]);
}

/// A producer of a thousand structures and five reports.
struct Directory;

#[async_trait::async_trait]
impl Snapshot for Directory {
    async fn page(
        &self,
        _: &mut PgConnection,
        after: Option<String>,
        limit: u16,
    ) -> platform::Result<SnapshotPage> {
        let first: usize = after.map_or(0, |after| after.parse().unwrap());
        let last = 1005.min(first + usize::from(limit));
        let events = (first..last).map(|n| {
            let (id, now) = (Uuid::from_u128(n as u128), platform::now());
            if n < 1000 {
                let structure = StructureRecorded::default();
                NewEvent::new(id, format!("structure/{n}"), now, &structure)
            } else {
                NewEvent::new(id, format!("report/{n}"), now, &ReportWithdrawn::default())
            }
        });
        Ok(SnapshotPage {
            events: events.collect(),
            next: (last < 1005).then(|| last.to_string()),
        })
    }
}

fn read(after: &[(u32, u64)], max_events: u32) -> ReadRequest {
    let after = after
        .iter()
        .map(|&(shard, position)| ShardPosition { shard, position });
    ReadRequest {
        incarnation: String::new(),
        after: after.collect(),
        max_events,
        consumer: String::new(),
    }
}

fn reason(status: &Status) -> String {
    let details = status.get_error_details();
    details
        .error_info()
        .map(|info| info.reason.clone())
        .unwrap_or_default()
}

//! Rule 8: what the first release wrote is read by this one, byte for byte.

use std::sync::{Arc, Mutex};

use eventlog::{Apply, ApplyError, Event, Maintenance};
use futures::stream::BoxStream;
use prost::Message as _;
use proto::{
    Payload,
    eventlog::v1::{
        DescribeRequest, DescribeResponse, ReadRequest, ReadResponse, ReportOffsetsRequest,
        ReportOffsetsResponse, ShardPosition, SnapshotRequest, SnapshotResponse,
        event_log_service_server::{EventLogService, EventLogServiceServer},
    },
    events::v1::{CaseChanged, ReportContactsErased, ReportSubmitted, ReportWithdrawn},
};
use sqlx::PgConnection;
use time::{Duration, macros::datetime};
use tonic::{Request, Response, Status, service::Routes};

use crate::env::{CONSUMER, Running, SHARDS, TestEnv, serve};

/// A log of four shards: all six types of the first release.
const ROWS: &str = include_str!("../fixtures/first_release.sql");
/// The same log as its `Read` answered.
const ANSWER: &str = include_str!("../fixtures/first_release_read.hex");

/// Reads every payload that names it and keeps what it says, in one line.
#[derive(Default)]
struct Lines(Mutex<Vec<String>>);

#[async_trait::async_trait]
impl Apply for Lines {
    fn accepts(&self, _: &str) -> bool {
        true
    }

    async fn apply(&self, _: &mut PgConnection, events: &[Event]) -> Result<(), ApplyError> {
        for event in events {
            self.0.lock().unwrap().push(line(event)?);
        }
        Ok(())
    }
}

fn line(event: &Event) -> Result<String, ApplyError> {
    let says = match event.event_type.as_str() {
        ReportSubmitted::TYPE => {
            let report: ReportSubmitted = event.decode()?;
            let sealed = report.sealed_personal_data.to_vec();
            let key = event.data_key.clone().unwrap_or_default();
            let text = report.text.unwrap_or_default().description;
            format!("{text}, {sealed:?} under {}", String::from_utf8_lossy(&key))
        }
        ReportWithdrawn::TYPE => event.decode::<ReportWithdrawn>()?.reason,
        ReportContactsErased::TYPE => event.decode::<ReportContactsErased>()?.reference,
        CaseChanged::TYPE => {
            let case: CaseChanged = event.decode()?;
            format!("{}, revision {}", case.note, case.revision)
        }
        other => other.to_owned(),
    };
    Ok(format!("{} {says}", event.position))
}

const SUBMITTED: &str = "1 Postes chiffrés, [1, 2, 3, 254, 255] under a wrapped key";
const CHANGED: &str = "2 Rappel à 14 h, revision 3";
const WITHDRAWN: &str = "4 Fausse alerte";
const ERASED: &str = "5 SIG-2026-7K3M9Q4";

#[tokio::test(flavor = "multi_thread")]
async fn rows_of_the_first_release_are_for_the_consumers_of_their_types() {
    let env = TestEnv::with_rows("first_rows", ROWS).await;
    for (name, expected) in [
        (CONSUMER, vec![SUBMITTED, WITHDRAWN, ERASED]),
        ("statistics", vec![SUBMITTED, CHANGED, WITHDRAWN]),
        ("statistics/facts", vec![SUBMITTED, CHANGED, WITHDRAWN]),
    ] {
        let lines = Arc::new(Lines::default());
        let consumer = env.consumer_of(&env.channel(), name, Arc::<Lines>::clone(&lines));
        let consumer = Running::consumer(consumer);
        until_at(&env, name, [0, 5, 0, 1]).await;
        consumer.stop().await;
        assert_eq!(*lines.0.lock().unwrap(), expected, "{name}");
    }
    let mut conn = env.intake.acquire().await.unwrap();
    let first = &env.log.page(&mut conn, 1, 0, 1).await.unwrap()[0];
    assert_eq!(first.consumers, None);
    assert_eq!(first.time, datetime!(2026-11-30 00:53:20.123456 UTC));
    let trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    assert_eq!(first.traceparent.as_deref(), Some(trace));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_of_the_first_release_goes_on_and_ends_its_partition_with_the_month() {
    let env = TestEnv::with_rows("first_goes_on", ROWS).await;
    let maintenance = Maintenance::new(env.log.clone(), env.intake.clone(), Duration::days(30));
    maintenance
        .step(datetime!(2026-12-01 00:00:30 UTC))
        .await
        .unwrap();
    for shard in 0..SHARDS {
        env.append(&env.subject_in(shard), &["new"]).await;
    }
    assert_eq!(env.heads().await, [1, 6, 1, 2]);
    let rows: Vec<(String, i64, Option<Vec<String>>)> = sqlx::query_as(
        "select tableoid::regclass::text, count(*), consumers from event
         group by 1, 3 order by 1, 2",
    )
    .fetch_all(&env.intake)
    .await
    .unwrap();
    let named = ["qualification", "notification", "statistics"].map(str::to_owned);
    let named = Some(named.to_vec());
    assert_eq!(
        rows,
        [
            ("event_0".to_owned(), 3, named.clone()),
            ("event_0".to_owned(), 6, None),
            ("event_from_6".to_owned(), 1, named),
        ]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_of_the_first_release_moves_the_offset_past_what_is_not_for_the_consumer() {
    let env = TestEnv::new("first_answer").await;
    let digits: String = ANSWER.lines().skip(1).collect();
    let bytes: Vec<u8> = (0..digits.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&digits[at..at + 2], 16).unwrap())
        .collect();
    let answer = ReadResponse::decode(bytes.as_slice()).unwrap();
    assert_eq!(answer.events.len(), 6);
    let first = EventLogServiceServer::new(FirstRelease(answer));
    let (channel, _producer) = serve(Routes::new(first)).await;

    let lines = Arc::new(Lines::default());
    let consumer = env.consumer_of(&channel, CONSUMER, Arc::<Lines>::clone(&lines));
    let consumer = Running::consumer(consumer);
    until_at(&env, CONSUMER, [0, 5, 0, 1]).await;
    consumer.stop().await;
    assert_eq!(*lines.0.lock().unwrap(), [SUBMITTED, WITHDRAWN, ERASED]);
}

async fn until_at(env: &TestEnv, consumer: &str, positions: [i64; 4]) {
    testkit::eventually(async || {
        let offsets: Vec<i64> = sqlx::query_scalar(
            "select position from consumer_offset where consumer = $1 order by shard",
        )
        .bind(consumer)
        .fetch_all(&env.qualification)
        .await
        .unwrap();
        offsets == positions
    })
    .await;
}

/// A producer of the first release: it leaves nothing out, whatever is asked.
struct FirstRelease(ReadResponse);

#[tonic::async_trait]
impl EventLogService for FirstRelease {
    type SnapshotStream = BoxStream<'static, Result<SnapshotResponse, Status>>;

    async fn describe(
        &self,
        _: Request<DescribeRequest>,
    ) -> Result<Response<DescribeResponse>, Status> {
        Ok(Response::new(DescribeResponse {
            producer: "intake".to_owned(),
            incarnation: self.0.incarnation.clone(),
            shards: u32::from(SHARDS),
            heads: self.0.heads.clone(),
            floors: Vec::new(),
        }))
    }

    async fn read(&self, request: Request<ReadRequest>) -> Result<Response<ReadResponse>, Status> {
        let after = request.into_inner().after;
        let mut answer = self.0.clone();
        answer.events.retain(|event| {
            let follows = |place: &ShardPosition| {
                place.shard == event.shard && place.position < event.position
            };
            after.iter().any(follows)
        });
        Ok(Response::new(answer))
    }

    async fn snapshot(
        &self,
        _: Request<SnapshotRequest>,
    ) -> Result<Response<Self::SnapshotStream>, Status> {
        Err(Status::unimplemented("not asked for"))
    }

    async fn report_offsets(
        &self,
        _: Request<ReportOffsetsRequest>,
    ) -> Result<Response<ReportOffsetsResponse>, Status> {
        Ok(Response::new(ReportOffsetsResponse {}))
    }
}

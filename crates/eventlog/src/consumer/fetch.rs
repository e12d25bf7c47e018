//! Where events come from: the streams of Redis, and the producer itself.

use std::{collections::BTreeMap, time::Duration};

use platform::Error;
use proto::eventlog::v1::{
    DescribeRequest, DescribeResponse, ReadRequest, ReadResponse, ReportOffsetsRequest,
    ShardPosition, SnapshotRequest, SnapshotResponse,
    event_log_service_client::EventLogServiceClient, snapshot_response,
};
use tokio::time::Instant;
use tonic::{Code, Request, Status, Streaming, transport::Channel};
use tonic_types::StatusExt as _;
use uuid::Uuid;

use super::{ConsumerContext, StepError};
use crate::{
    Description, Event, Streams,
    backoff::Backoff,
    segment::Segment,
    stream::{Entries, History, Listener},
    wire,
};

/// The longest that a read of the streams waits.
pub(super) const BLOCK: Duration = Duration::from_secs(1);
/// How many events a read of a stream, and hence a batch, holds at most.
pub(super) const BATCH: u16 = 256;
const ASK_TIMEOUT: Duration = Duration::from_secs(5);
const REPORT_TIMEOUT: Duration = Duration::from_secs(1);
const MAX_EVENTS: u32 = 1000;

/// Where a consumer reads: from the producer, and faster where there is Redis.
#[derive(Clone, Debug)]
pub struct Source {
    channel: Channel,
    streams: Option<Streams>,
}

impl Source {
    /// Reads over a channel to the producer's internal listener.
    pub fn new(channel: Channel, streams: Option<Streams>) -> Self {
        Self { channel, streams }
    }
}

/// The producer as a consumer talks to it.
pub(super) struct Producer {
    name: &'static str,
    /// The whole name of the consumer, under which it reports.
    consumer: &'static str,
    /// The service that reads: the one that events name.
    service: &'static str,
    client: EventLogServiceClient<Channel>,
    streams: Option<Streams>,
    listener: Option<Listener>,
    connect_at: Instant,
    backoff: Backoff,
}

/// What the streams told.
pub(super) enum StreamRead {
    /// Entries of some shards.
    Entries(Vec<Entries>),
    /// Nothing within the time.
    Nothing,
    /// There is no Redis now.
    Unavailable,
}

/// What the producer answered.
pub(super) struct ReadResult {
    pub(super) segments: BTreeMap<u16, Segment>,
    pub(super) heads: BTreeMap<u16, u64>,
}

/// A snapshot under way.
pub(super) struct Incoming {
    pub(super) description: Description,
    service: &'static str,
    stream: Streaming<SnapshotResponse>,
}

/// A part of a snapshot.
pub(super) struct Part {
    /// Its events by shard.
    pub(super) events: BTreeMap<u16, Vec<Event>>,
    /// Names everything up to here; empty where a snapshot cannot be broken off.
    pub(super) cursor: String,
}

impl Producer {
    pub(super) fn new(context: &ConsumerContext, source: Source) -> Self {
        let name = context.producer;
        Self {
            name,
            consumer: context.name,
            service: context.service(),
            client: EventLogServiceClient::new(source.channel),
            streams: source.streams,
            listener: None,
            connect_at: Instant::now(),
            backoff: Backoff::new(format!("Redis, for the log of {name}")),
        }
    }

    /// Waits for what follows these positions in the streams. A cluster of which a
    /// node is away is as good as away.
    pub(super) async fn listen(
        &mut self,
        incarnation: Uuid,
        after: &[(u16, u64)],
        block: Duration,
    ) -> StreamRead {
        let Some(streams) = &self.streams else {
            return StreamRead::Unavailable;
        };
        if Instant::now() < self.connect_at {
            return StreamRead::Unavailable;
        }
        let history = History {
            producer: self.name,
            incarnation,
        };
        let read = async {
            let mut listener = match self.listener.take().filter(Listener::is_current) {
                Some(listener) => listener,
                None => streams.listen(BLOCK).await?,
            };
            let entries = listener
                .read(&history, after, BATCH, block.min(BLOCK))
                .await?;
            Ok::<_, redis::RedisError>((listener, entries))
        };
        match read.await {
            Ok((listener, entries)) => {
                self.backoff.reset();
                self.listener = Some(listener);
                if entries.is_empty() {
                    StreamRead::Nothing
                } else {
                    StreamRead::Entries(entries)
                }
            }
            Err(error) => {
                self.connect_at = Instant::now() + self.backoff.failed(&error);
                StreamRead::Unavailable
            }
        }
    }

    /// Asks the producer for what follows these positions.
    pub(super) async fn read(
        &mut self,
        incarnation: Uuid,
        after: &[(u16, u64)],
    ) -> Result<ReadResult, StepError> {
        let mut request = Request::new(ReadRequest {
            incarnation: incarnation.to_string(),
            after: after
                .iter()
                .map(|&(shard, position)| shard_position(shard, position))
                .collect(),
            max_events: MAX_EVENTS,
            consumer: self.service.to_owned(),
        });
        request.set_timeout(ASK_TIMEOUT);
        let response = self
            .client
            .read(request)
            .await
            .map_err(|status| step_error(&status))?
            .into_inner();
        let heads = response.heads.iter();
        let heads = heads.map(|head| Ok((shard_number(head.shard)?, head.position)));
        Ok(ReadResult {
            heads: heads.collect::<Result<_, StepError>>()?,
            segments: segments(response, after, self.service)?,
        })
    }

    /// Asks which log it is.
    pub(super) async fn describe(&mut self) -> Result<Description, StepError> {
        let mut request = Request::new(DescribeRequest {});
        request.set_timeout(ASK_TIMEOUT);
        let response = self
            .client
            .describe(request)
            .await
            .map_err(|status| step_error(&status))?;
        description(&response.into_inner())
    }

    /// Asks for the full state.
    pub(super) async fn snapshot(&mut self, after: String) -> Result<Incoming, StepError> {
        let response = self
            .client
            .snapshot(SnapshotRequest {
                after,
                consumer: self.service.to_owned(),
            })
            .await
            .map_err(|status| step_error(&status))?;
        let mut stream = response.into_inner();
        let first = stream
            .message()
            .await
            .map_err(|status| step_error(&status))?;
        match first.and_then(|message| message.part) {
            Some(snapshot_response::Part::Description(first)) => Ok(Incoming {
                description: description(&first)?,
                service: self.service,
                stream,
            }),
            _ => Err(malformed()),
        }
    }

    /// Tells the producer how far the consumer has applied.
    pub(super) async fn report(
        &mut self,
        incarnation: Uuid,
        applied: &[(u16, u64)],
    ) -> Result<(), Status> {
        let mut request = Request::new(ReportOffsetsRequest {
            incarnation: incarnation.to_string(),
            applied: applied
                .iter()
                .map(|&(shard, position)| shard_position(shard, position))
                .collect(),
            consumer: self.consumer.to_owned(),
        });
        request.set_timeout(REPORT_TIMEOUT);
        self.client.report_offsets(request).await?;
        Ok(())
    }
}

impl Incoming {
    /// The next part of the state; `None` at the end.
    pub(super) async fn next(&mut self) -> Result<Option<Part>, StepError> {
        let Some(message) = self
            .stream
            .message()
            .await
            .map_err(|status| step_error(&status))?
        else {
            return Ok(None);
        };
        let Some(snapshot_response::Part::Events(batch)) = message.part else {
            return Err(malformed());
        };
        let shards = u16::try_from(self.description.heads.len()).map_err(|_| malformed())?;
        let mut events: BTreeMap<u16, Vec<Event>> = BTreeMap::new();
        for envelope in batch.events {
            let mut event = wire::from_cloud_event(0, 0, envelope).map_err(Error::internal)?;
            if !event.is_for(self.service) {
                continue;
            }
            event.shard = vocabulary::shard_of(&event.subject, shards);
            events.entry(event.shard).or_default().push(event);
        }
        Ok(Some(Part {
            events,
            cursor: batch.cursor,
        }))
    }
}

/// What an answer of the producer holds of each shard for a consumer. An answer of an
/// earlier release leaves nothing out, and does not say how far it reached.
fn segments(
    response: ReadResponse,
    after: &[(u16, u64)],
    consumer: &str,
) -> Result<BTreeMap<u16, Segment>, StepError> {
    let mut events: BTreeMap<u16, Vec<Event>> = BTreeMap::new();
    for placed in response.events {
        let shard = shard_number(placed.shard)?;
        let envelope = placed.event.unwrap_or_default();
        let event =
            wire::from_cloud_event(shard, placed.position, envelope).map_err(Error::internal)?;
        events.entry(shard).or_default().push(event);
    }
    let mut reached: BTreeMap<u16, u64> = BTreeMap::new();
    for place in response.reached {
        reached.insert(shard_number(place.shard)?, place.position);
    }
    let mut segments = BTreeMap::new();
    for &(shard, after) in after {
        let mut events = events.remove(&shard).unwrap_or_default();
        let last = events.last().map_or(after, |last| last.position);
        let end = reached.remove(&shard);
        let follows = match end {
            Some(end) => {
                let first = events.first().map_or(after + 1, |first| first.position);
                after < first && events.is_sorted_by_key(|event| event.position) && last <= end
            }
            None => (after + 1..)
                .zip(&events)
                .all(|(position, event)| event.position == position),
        };
        if !follows {
            let gap = Error::unavailable("LOG_WITH_A_GAP", "the producer's answer does not follow");
            return Err(gap.into());
        }
        let end = end.unwrap_or(last);
        events.retain(|event| event.is_for(consumer));
        if end > after {
            segments.insert(
                shard,
                Segment {
                    shard,
                    after,
                    end,
                    events,
                },
            );
        }
    }
    Ok(segments)
}

/// What a refusal of the producer means to a consumer.
fn step_error(status: &Status) -> StepError {
    let details = status.get_error_details();
    let reason = details.error_info().map_or("", |info| info.reason.as_str());
    match (status.code(), reason) {
        (Code::FailedPrecondition, "LOG_REINCARNATED" | "OFFSET_ABOVE_HEAD") => {
            StepError::Stop(reason.to_owned())
        }
        (Code::OutOfRange, "BELOW_FLOOR") => StepError::BelowFloor,
        (code, _) => StepError::Retry(Error::unavailable(
            "PRODUCER_UNAVAILABLE",
            format!("the producer of the log answers {code:?} {reason}"),
        )),
    }
}

fn malformed() -> StepError {
    StepError::Retry(Error::unavailable(
        "MALFORMED_ANSWER",
        "the producer's answer is not understood",
    ))
}

fn description(response: &DescribeResponse) -> Result<Description, StepError> {
    let positions = |list: &[ShardPosition]| {
        let mut positions = vec![0; usize::try_from(response.shards).ok()?];
        for entry in list {
            *positions.get_mut(usize::try_from(entry.shard).ok()?)? = entry.position;
        }
        Some(positions)
    };
    Ok(Description {
        incarnation: Uuid::try_parse(&response.incarnation).map_err(|_| malformed())?,
        heads: positions(&response.heads).ok_or_else(malformed)?,
        floors: positions(&response.floors).ok_or_else(malformed)?,
    })
}

fn shard_number(shard: u32) -> Result<u16, StepError> {
    u16::try_from(shard).map_err(|_| malformed())
}

fn shard_position(shard: u16, position: u64) -> ShardPosition {
    ShardPosition {
        shard: u32::from(shard),
        position,
    }
}

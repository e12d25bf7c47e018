//! Serves the log to the consumers of an allow-list, from PostgreSQL.

use std::{collections::BTreeSet, pin::Pin, sync::Arc, time::Duration};

use futures::{Stream, StreamExt as _};
use platform::{Caller, Error, Result};
use proto::eventlog::v1::{
    DescribeRequest, DescribeResponse, PositionedEvent, ReadRequest, ReadResponse,
    ReportOffsetsRequest, ReportOffsetsResponse, ShardPosition, SnapshotRequest, SnapshotResponse,
    event_log_service_server::{EventLogService, EventLogServiceServer},
};
use sqlx::{PgConnection, PgPool};
use tokio::sync::Semaphore;
use tonic::{Request, Response, Status};
use uuid::Uuid;

use super::snapshot;
use crate::{
    Description, Event, Log, Snapshot,
    log::{PAGE_BYTES, Stretch},
    wire,
};

const DEFAULT_EVENTS: u32 = 256;
const MAX_EVENTS: u32 = 1000;
/// How many positions of a shard are looked through for the events of one consumer.
const LOOKED_THROUGH: u64 = 10_000;
/// The most bytes of what follows the slash in the name of a consumer.
const MAX_KEPT: usize = 63;
/// When a consumer may ask again for a snapshot that found no room.
const RETRY_AFTER: Duration = Duration::from_secs(5);

/// The gRPC service of a log, for the internal listener. Reads go through a small
/// pool of their own, so that consumers never starve the service; only services
/// in `allowed` may call.
pub fn event_log_service(
    log: Log,
    read_pool: PgPool,
    snapshot: Arc<dyn Snapshot>,
    allowed: &'static [&'static str],
) -> EventLogServiceServer<impl EventLogService> {
    // A snapshot holds a connection to its end: half of the pool is left to reads.
    let room = read_pool.options().get_max_connections() / 2;
    EventLogServiceServer::new(LogService {
        log,
        read_pool,
        snapshot,
        snapshots: Arc::new(Semaphore::new(room.max(1) as usize)),
        allowed,
    })
}

struct LogService {
    log: Log,
    read_pool: PgPool,
    snapshot: Arc<dyn Snapshot>,
    /// Room for snapshots that are read at once.
    snapshots: Arc<Semaphore>,
    allowed: &'static [&'static str],
}

/// Where a consumer wants to read on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct After {
    shard: u16,
    position: u64,
}

impl After {
    /// Whether the log reaches further.
    fn is_behind(self, log: &Description) -> bool {
        self.position < log.heads[usize::from(self.shard)]
    }
}

impl LogService {
    /// The service that calls, if it may read this log.
    fn service<'a, T>(&self, request: &'a Request<T>) -> Result<&'a str> {
        let caller = Caller::of(request)?;
        let name = caller.subject.as_str();
        if caller.has(vocabulary::Role::Service) && self.allowed.contains(&name) {
            Ok(name)
        } else {
            Err(Error::permission_denied(
                "CONSUMER_NOT_ALLOWED",
                "ce service ne peut pas lire ce journal",
            ))
        }
    }

    /// Reads the positions of a request: known shards, at most once each.
    fn positions(&self, field: &str, positions: &[ShardPosition]) -> Result<Vec<After>> {
        let mut seen = BTreeSet::new();
        let parsed = positions.iter().map(|entry| {
            let shard = u16::try_from(entry.shard)
                .ok()
                .filter(|&shard| shard < self.log.shards());
            let shard = shard.ok_or_else(|| {
                Error::invalid(field, "UNKNOWN_SHARD", "le journal n'a pas cette partition")
            })?;
            if !seen.insert(shard) {
                return Err(Error::invalid(
                    field,
                    "DUPLICATE",
                    "cette partition est répétée",
                ));
            }
            Ok(After {
                shard,
                position: entry.position,
            })
        });
        parsed.collect()
    }

    async fn read_page(&self, request: ReadRequest) -> Result<ReadResponse> {
        let after = self.positions("after", &request.after)?;
        let max_events = match request.max_events {
            0 => DEFAULT_EVENTS,
            1..=MAX_EVENTS => request.max_events,
            _ => {
                return Err(Error::invalid(
                    "max_events",
                    "OUT_OF_RANGE",
                    "de 1 à 1 000, ou 0 pour 256",
                ));
            }
        };
        let mut conn = self.read_pool.acquire().await?;
        let log = self.log.describe(&mut conn).await?;
        check_incarnation(&log, &request.incarnation, &after)?;
        check_bounds(&log, &after)?;
        let consumer = Some(request.consumer.as_str()).filter(|name| !name.is_empty());
        let (events, reached) = self
            .read_shards(&mut conn, &log, &after, max_events, consumer)
            .await?;
        // A partition may have been dropped since: what was not found may be gone.
        if after.iter().any(|after| after.is_behind(&log)) {
            check_bounds(&self.log.describe(&mut conn).await?, &after)?;
        }
        let heads = after.iter().map(|after| ShardPosition {
            shard: u32::from(after.shard),
            position: log.heads[usize::from(after.shard)],
        });
        Ok(ReadResponse {
            incarnation: log.incarnation.to_string(),
            heads: heads.collect(),
            events: events.iter().map(placed).collect(),
            reached,
        })
    }

    async fn read_shards(
        &self,
        conn: &mut PgConnection,
        log: &Description,
        after: &[After],
        max_events: u32,
        consumer: Option<&str>,
    ) -> Result<(Vec<Event>, Vec<ShardPosition>)> {
        let mut room = u16::try_from(max_events).unwrap_or(u16::MAX);
        let mut bytes = PAGE_BYTES;
        let mut events: Vec<Event> = Vec::new();
        let mut reached = Vec::new();
        for place @ &After { shard, position } in after {
            if room == 0 || bytes <= 0 {
                break;
            }
            // Nothing is looked for where there is nothing, as in each second of an idle suite.
            if !place.is_behind(log) {
                reached.push(ShardPosition {
                    shard: u32::from(shard),
                    position,
                });
                continue;
            }
            let head = log.heads[usize::from(shard)];
            let stretch = Stretch {
                shard,
                after: position,
                until: head.min(position + LOOKED_THROUGH),
            };
            let page = self
                .log
                .page_of(conn, stretch, room, bytes, consumer)
                .await?;
            room -= u16::try_from(page.events.len()).unwrap_or(room).min(room);
            bytes -= page.events.iter().map(volume).sum::<i64>();
            events.extend(page.events);
            reached.push(ShardPosition {
                shard: u32::from(shard),
                position: page.reached,
            });
        }
        Ok((events, reached))
    }

    async fn register(&self, consumer: &str, request: &ReportOffsetsRequest) -> Result<()> {
        let applied = self.positions("applied", &request.applied)?;
        let mut conn = self.read_pool.acquire().await?;
        let log = self.log.describe(&mut conn).await?;
        check_incarnation(&log, &request.incarnation, &applied)?;
        for after in &applied {
            check_above(&log, *after)?;
        }
        let shards: Vec<i32> = applied.iter().map(|after| i32::from(after.shard)).collect();
        let positions: Vec<i64> = applied
            .iter()
            .map(|after| after.position.cast_signed())
            .collect();
        sqlx::query!(
            "insert into eventlog_registration (consumer, shard, position, reported_at)
             select $1, shard, position, $4
             from unnest($2::integer [], $3::bigint []) as a (shard, position)
             order by shard
             on conflict (consumer, shard) do update
             set position = excluded.position, reported_at = excluded.reported_at",
            consumer,
            &shards,
            &positions,
            platform::now(),
        )
        .execute(&mut *conn)
        .await?;
        Ok(())
    }
}

#[tonic::async_trait]
impl EventLogService for LogService {
    type SnapshotStream = Pin<Box<dyn Stream<Item = Result<SnapshotResponse, Status>> + Send>>;

    async fn describe(
        &self,
        request: Request<DescribeRequest>,
    ) -> Result<Response<DescribeResponse>, Status> {
        self.service(&request)?;
        let mut conn = self.read_pool.acquire().await.map_err(Error::from)?;
        let log = self.log.describe(&mut conn).await?;
        Ok(Response::new(described(&self.log, &log)))
    }

    async fn read(&self, request: Request<ReadRequest>) -> Result<Response<ReadResponse>, Status> {
        self.service(&request)?;
        Ok(Response::new(self.read_page(request.into_inner()).await?))
    }

    async fn snapshot(
        &self,
        request: Request<SnapshotRequest>,
    ) -> Result<Response<Self::SnapshotStream>, Status> {
        self.service(&request)?;
        let SnapshotRequest { after, consumer } = request.into_inner();
        let room = Arc::clone(&self.snapshots).try_acquire_owned();
        let room = room.map_err(|_| {
            Error::exhausted(
                "SNAPSHOTS_BUSY",
                "trop d'instantanés sont lus à la fois ; réessayez",
                RETRY_AFTER,
            )
        })?;
        let stream = snapshot::stream(
            self.log.clone(),
            self.read_pool.clone(),
            Arc::clone(&self.snapshot),
            snapshot::Wanted {
                after: Some(after).filter(|after| !after.is_empty()),
                consumer: Some(consumer).filter(|consumer| !consumer.is_empty()),
            },
            room,
        );
        Ok(Response::new(
            stream.map(|part| part.map_err(Status::from)).boxed(),
        ))
    }

    async fn report_offsets(
        &self,
        request: Request<ReportOffsetsRequest>,
    ) -> Result<Response<ReportOffsetsResponse>, Status> {
        let consumer = consumer_of(self.service(&request)?, &request.get_ref().consumer)?;
        self.register(consumer, request.get_ref()).await?;
        Ok(Response::new(ReportOffsetsResponse {}))
    }
}

/// The consumer of a service that a report names: the service itself, or the service with a
/// slash and what the consumer keeps. A report of an earlier release names none.
fn consumer_of<'a>(service: &'a str, named: &'a str) -> Result<&'a str> {
    if named.is_empty() {
        return Ok(service);
    }
    let (owner, kept) = match named.split_once('/') {
        Some((owner, kept)) => (owner, Some(kept)),
        None => (named, None),
    };
    if owner != service {
        return Err(Error::permission_denied(
            "CONSUMER_NOT_OWN",
            "ce consommateur est celui d'un autre service",
        ));
    }
    if !kept.is_none_or(is_slug) {
        return Err(Error::invalid(
            "consumer",
            "BAD_FORMAT",
            "le nom du service est attendu, seul ou suivi de « /tables »",
        ));
    }
    Ok(named)
}

fn is_slug(text: &str) -> bool {
    let is_known = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-');
    (1..=MAX_KEPT).contains(&text.len()) && text.bytes().all(is_known)
}

fn check_incarnation(log: &Description, named: &str, after: &[After]) -> Result<()> {
    if named.is_empty() && after.iter().all(|after| after.position == 0) {
        return Ok(());
    }
    let named = Uuid::try_parse(named)
        .map_err(|_| Error::invalid("incarnation", "BAD_FORMAT", "un UUID est attendu"))?;
    if named == log.incarnation {
        Ok(())
    } else {
        Err(Error::failed_precondition(
            "LOG_REINCARNATED",
            "le journal a une autre histoire depuis sa restauration",
        ))
    }
}

fn check_bounds(log: &Description, after: &[After]) -> Result<()> {
    for after in after {
        check_above(log, *after)?;
        if after.position < log.floors[usize::from(after.shard)] {
            return Err(below_floor());
        }
    }
    Ok(())
}

fn check_above(log: &Description, after: After) -> Result<()> {
    if after.position > log.heads[usize::from(after.shard)] {
        return Err(Error::failed_precondition(
            "OFFSET_ABOVE_HEAD",
            "une position n'a jamais été écrite : la base a été restaurée",
        ));
    }
    Ok(())
}

fn below_floor() -> Error {
    Error::out_of_range(
        "BELOW_FLOOR",
        "des événements suivant une position ont été supprimés : partez d'un instantané",
    )
}

pub(super) fn described(log: &Log, description: &Description) -> DescribeResponse {
    let positions = |list: &[u64]| {
        let numbered = (0..).zip(list);
        numbered
            .map(|(shard, &position)| ShardPosition { shard, position })
            .collect()
    };
    DescribeResponse {
        producer: log.producer().to_owned(),
        incarnation: description.incarnation.to_string(),
        shards: u32::from(log.shards()),
        heads: positions(&description.heads),
        floors: positions(&description.floors),
    }
}

fn placed(event: &Event) -> PositionedEvent {
    PositionedEvent {
        shard: u32::from(event.shard),
        position: event.position,
        event: Some(wire::to_cloud_event(event)),
    }
}

fn volume(event: &Event) -> i64 {
    i64::try_from(event.payload.len() + event.subject.len() + 512).unwrap_or(PAGE_BYTES)
}

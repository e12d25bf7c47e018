//! What an operator does about consumers, audited.

use futures::FutureExt as _;
use platform::{AuditEntry, Caller, Error, Outcome, PageToken, Result, audit};
use prost_types::Timestamp;
use proto::eventlog::v1::{
    ConsumerPosition, ListConsumersRequest, ListConsumersResponse, ListParkedEventsRequest,
    ListParkedEventsResponse, ParkedEvent, RetryParkedEventsRequest, RetryParkedEventsResponse,
    SkipParkedEventRequest, SkipParkedEventResponse, UnregisterConsumerRequest,
    UnregisterConsumerResponse,
    consumer_service_server::{ConsumerService, ConsumerServiceServer},
};
use serde_json::json;
use sqlx::{PgConnection, PgPool};
use time::OffsetDateTime;
use tonic::{Request, Response, Status};
use uuid::Uuid;

use crate::{
    ConsumerHandle, Log,
    consumer::{self, ConsumerContext, ParkedRow, Retried, retry, skip},
    in_transaction,
};

const DEFAULT_PAGE: u32 = 100;
const MAX_PAGE: u32 = 1000;

/// The gRPC service by which operators see and help the consumers of a service,
/// and those registered with its own log, when it has one.
pub fn consumer_service(
    pool: PgPool,
    log: Option<Log>,
    consumers: Vec<ConsumerHandle>,
) -> ConsumerServiceServer<impl ConsumerService> {
    ConsumerServiceServer::new(Operators {
        pool,
        log,
        consumers,
    })
}

struct Operators {
    pool: PgPool,
    log: Option<Log>,
    consumers: Vec<ConsumerHandle>,
}

impl Operators {
    /// The consumer of this name, or of the service of this name.
    fn consumer(&self, name: &str, producer: &str) -> Result<&ConsumerHandle> {
        let is_meant = |core: &ConsumerContext| name == core.name || name == core.service();
        self.consumers
            .iter()
            .find(|handle| is_meant(&handle.0) && handle.0.producer == producer)
            .ok_or(Error::NotFound("consumer"))
    }

    async fn own(&self) -> Result<Vec<ConsumerPosition>> {
        let rows = sqlx::query!(
            "select consumer, producer, shard, position, moved_at from consumer_offset
             order by consumer, producer, shard"
        )
        .fetch_all(&self.pool)
        .await?;
        let positions = rows.into_iter().map(|row| {
            let is_of =
                |core: &ConsumerContext| core.name == row.consumer && core.producer == row.producer;
            let handle = self.consumers.iter().find(|handle| is_of(&handle.0));
            let heads = handle.map(ConsumerHandle::heads);
            let shard = u16::try_from(row.shard).unwrap_or_default();
            let head = heads.and_then(|heads| heads.get(&shard).copied());
            ConsumerPosition {
                consumer: row.consumer,
                producer: row.producer,
                shard: u32::from(shard),
                applied: row.position.cast_unsigned(),
                head: head.unwrap_or_default(),
                moved_at: Some(timestamp(row.moved_at)),
            }
        });
        Ok(positions.collect())
    }

    async fn registered(&self) -> Result<Vec<ConsumerPosition>> {
        let Some(log) = &self.log else {
            return Ok(Vec::new());
        };
        let rows = sqlx::query!(
            "select r.consumer, r.shard, r.position, r.reported_at, h.position as head
             from eventlog_registration r inner join eventlog_head h using (shard)
             order by r.consumer, r.shard"
        )
        .fetch_all(&self.pool)
        .await?;
        let positions = rows.into_iter().map(|row| ConsumerPosition {
            consumer: row.consumer,
            producer: log.producer().to_owned(),
            shard: row.shard.cast_unsigned(),
            applied: row.position.cast_unsigned(),
            head: row.head.cast_unsigned(),
            moved_at: Some(timestamp(row.reported_at)),
        });
        Ok(positions.collect())
    }

    async fn parked(&self, request: &ListParkedEventsRequest) -> Result<ListParkedEventsResponse> {
        let size = match request.page_size {
            0 => DEFAULT_PAGE,
            size @ 1..=MAX_PAGE => size,
            _ => {
                return Err(Error::invalid(
                    "page_size",
                    "OUT_OF_RANGE",
                    "de 1 à 1 000, ou 0 pour 100",
                ));
            }
        };
        let after: i64 = PageToken::decode(&request.page_token, FILTER)?.unwrap_or(0);
        let rows = consumer::list(&self.pool, after, i64::from(size)).await?;
        let full = rows.len() >= size as usize;
        let last = rows.last().map(|row| row.arrival).filter(|_| full);
        Ok(ListParkedEventsResponse {
            events: rows.into_iter().map(parked_event).collect(),
            next_page_token: last
                .map(|last| PageToken::encode(&last, FILTER))
                .unwrap_or_default(),
        })
    }

    async fn retry(
        &self,
        caller: &Caller,
        request: &RetryParkedEventsRequest,
    ) -> Result<RetryParkedEventsResponse> {
        let context = &self.consumer(&request.consumer, &request.producer)?.0;
        let subject = request.subject.as_str();
        let with = (context.as_ref(), caller, subject);
        let retried = in_transaction(&self.pool, &with, |conn, &(context, caller, subject)| {
            retry_and_note(conn, context, caller, subject).boxed()
        })
        .await?;
        context.apply.committed();
        let retried = retried.ok_or(Error::NotFound("parked event"))?;
        Ok(RetryParkedEventsResponse {
            applied: retried.applied,
            still_parked: retried.still_parked,
        })
    }

    async fn skip(&self, caller: &Caller, request: &SkipParkedEventRequest) -> Result<()> {
        let context = &self.consumer(&request.consumer, &request.producer)?.0;
        let event_id = Uuid::try_parse(&request.event_id)
            .map_err(|_| Error::invalid("event_id", "BAD_FORMAT", "un UUID est attendu"))?;
        let with = (context.as_ref(), caller, event_id);
        let skipped = in_transaction(&self.pool, &with, |conn, &(context, caller, event_id)| {
            skip_and_note(conn, context, caller, event_id).boxed()
        })
        .await?;
        context.apply.committed();
        skipped.map(|_| ()).ok_or(Error::NotFound("parked event"))
    }

    async fn unregister(&self, caller: &Caller, consumer: &str) -> Result<()> {
        let with = (caller, consumer);
        let forgotten = in_transaction(&self.pool, &with, |conn, &(caller, consumer)| {
            unregister_and_note(conn, caller, consumer).boxed()
        })
        .await?;
        if forgotten > 0 {
            Ok(())
        } else {
            Err(Error::NotFound("consumer"))
        }
    }
}

async fn retry_and_note(
    conn: &mut PgConnection,
    context: &ConsumerContext,
    caller: &Caller,
    subject: &str,
) -> Result<Option<Retried>> {
    let retried = retry(conn, context, subject).await?;
    let outcome = retried.map_or(Outcome::NotVisible, |_| Outcome::Done);
    let detail = json!({ "applied": retried.map(|r| r.applied), "producer": context.producer });
    note(conn, caller, "log.parked.retry", subject, outcome, detail).await?;
    Ok(retried)
}

async fn skip_and_note(
    conn: &mut PgConnection,
    context: &ConsumerContext,
    caller: &Caller,
    event_id: Uuid,
) -> Result<Option<String>> {
    let subject = skip(conn, context, event_id).await?;
    // Nobody waits behind it any more.
    let retried = match &subject {
        Some(subject) => retry(conn, context, subject).await?,
        None => None,
    };
    let outcome = if subject.is_some() {
        Outcome::Done
    } else {
        Outcome::NotVisible
    };
    let detail = json!({
        "applied": retried.map(|r| r.applied),
        "producer": context.producer,
        "subject": subject,
    });
    note(
        conn,
        caller,
        "log.parked.skip",
        &event_id.to_string(),
        outcome,
        detail,
    )
    .await?;
    Ok(subject)
}

async fn unregister_and_note(
    conn: &mut PgConnection,
    caller: &Caller,
    consumer: &str,
) -> Result<u64> {
    let forgotten = sqlx::query!(
        "delete from eventlog_registration where consumer = $1",
        consumer
    )
    .execute(&mut *conn)
    .await?
    .rows_affected();
    let outcome = if forgotten > 0 {
        Outcome::Done
    } else {
        Outcome::NotVisible
    };
    note(
        conn,
        caller,
        "log.consumer.unregister",
        consumer,
        outcome,
        json!({}),
    )
    .await?;
    Ok(forgotten)
}

/// There is one list of parked events.
const FILTER: &[u8] = b"parked events";

#[tonic::async_trait]
impl ConsumerService for Operators {
    async fn list_consumers(
        &self,
        request: Request<ListConsumersRequest>,
    ) -> Result<Response<ListConsumersResponse>, Status> {
        let caller = Caller::of(&request)?;
        let response = ListConsumersResponse {
            own: self.own().await?,
            registered: self.registered().await?,
        };
        self.note_access(caller, "log.consumer.list").await?;
        Ok(Response::new(response))
    }

    async fn list_parked_events(
        &self,
        request: Request<ListParkedEventsRequest>,
    ) -> Result<Response<ListParkedEventsResponse>, Status> {
        let caller = Caller::of(&request)?;
        let response = self.parked(request.get_ref()).await?;
        self.note_access(caller, "log.parked.list").await?;
        Ok(Response::new(response))
    }

    async fn retry_parked_events(
        &self,
        request: Request<RetryParkedEventsRequest>,
    ) -> Result<Response<RetryParkedEventsResponse>, Status> {
        let response = self.retry(Caller::of(&request)?, request.get_ref()).await?;
        Ok(Response::new(response))
    }

    async fn skip_parked_event(
        &self,
        request: Request<SkipParkedEventRequest>,
    ) -> Result<Response<SkipParkedEventResponse>, Status> {
        self.skip(Caller::of(&request)?, request.get_ref()).await?;
        Ok(Response::new(SkipParkedEventResponse {}))
    }

    async fn unregister_consumer(
        &self,
        request: Request<UnregisterConsumerRequest>,
    ) -> Result<Response<UnregisterConsumerResponse>, Status> {
        let caller = Caller::of(&request)?;
        self.unregister(caller, &request.get_ref().consumer).await?;
        Ok(Response::new(UnregisterConsumerResponse {}))
    }
}

impl Operators {
    async fn note_access(&self, caller: &Caller, action: &'static str) -> Result<()> {
        let mut conn = self.pool.acquire().await?;
        note(&mut conn, caller, action, "all", Outcome::Done, json!({})).await
    }
}

async fn note(
    conn: &mut PgConnection,
    caller: &Caller,
    action: &'static str,
    object: &str,
    outcome: Outcome,
    detail: serde_json::Value,
) -> Result<()> {
    let at = platform::now();
    audit(
        conn,
        AuditEntry {
            caller,
            action,
            object,
            outcome,
            detail,
            at,
        },
    )
    .await
}

fn parked_event(row: ParkedRow) -> ParkedEvent {
    ParkedEvent {
        event_id: row.event_id.to_string(),
        consumer: row.consumer,
        producer: row.producer,
        subject: row.subject,
        r#type: row.event_type,
        shard: row.shard.cast_unsigned(),
        position: row.position.cast_unsigned(),
        reason: row.reason,
        parked_at: Some(timestamp(row.parked_at)),
    }
}

fn timestamp(at: OffsetDateTime) -> Timestamp {
    Timestamp {
        seconds: at.unix_timestamp(),
        nanos: at.nanosecond().cast_signed(),
    }
}

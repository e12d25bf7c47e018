//! Events that could not be applied, kept aside until someone decides.

use std::collections::{BTreeMap, HashSet};

use sqlx::{PgConnection, PgPool};
use time::OffsetDateTime;
use uuid::Uuid;

use super::{ConsumerContext, batch, offset};
use crate::{ApplyError, Event};

/// The reason of an event whose subject has parked events before it.
pub(super) const BEHIND: &str = "behind_a_parked_event";
/// The reason of an event whose type this release does not know.
pub(super) const UNKNOWN: &str = "unknown_type";
/// The reason of an event that meets what only a later release can change.
pub(crate) const LATER: &str = "later_release";
/// The reason of an event whose statement does not fit the schema, or may not be run: a
/// defect, a migration that is not through, or a right that is missing.
pub(crate) const SCHEMA: &str = "schema_mismatch";
/// The reason of an event at which the database itself failed.
pub(crate) const DATABASE: &str = "database_fault";

/// A parked event, as an operator sees it.
#[derive(Debug)]
pub(crate) struct ParkedRow {
    pub(crate) arrival: i64,
    pub(crate) consumer: String,
    pub(crate) producer: String,
    pub(crate) event_id: Uuid,
    pub(crate) event_type: String,
    pub(crate) subject: String,
    pub(crate) shard: i32,
    pub(crate) position: i64,
    pub(crate) reason: String,
    pub(crate) parked_at: OffsetDateTime,
}

/// What came of applying parked events again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Retried {
    pub(crate) applied: u32,
    pub(crate) still_parked: u32,
}

/// Which of the events' subjects have parked events.
pub(super) async fn subjects_of(
    conn: &mut PgConnection,
    context: &ConsumerContext,
    events: &[Event],
) -> Result<HashSet<String>, sqlx::Error> {
    let shards: Vec<i32> = events.iter().map(|event| i32::from(event.shard)).collect();
    let subjects: Vec<&str> = events.iter().map(|event| event.subject.as_str()).collect();
    let blocked = sqlx::query_scalar!(
        "select distinct subject from parked_event
         where consumer = $1 and producer = $2 and shard = any($3) and subject = any($4)",
        context.name,
        context.producer,
        &shards,
        &subjects as &[&str],
    )
    .fetch_all(conn)
    .await?;
    Ok(blocked.into_iter().collect())
}

/// Parks events, each with its reason.
pub(super) async fn park(
    conn: &mut PgConnection,
    context: &ConsumerContext,
    events: &[(&Event, &'static str)],
) -> Result<(), sqlx::Error> {
    let now = platform::now();
    for (event, reason) in events {
        if *reason != BEHIND {
            tracing::error!(
                parent: &event.span(),
                eventlog.consumer = context.name,
                eventlog.producer = context.producer,
                event.id = %event.id,
                event.r#type = %event.event_type,
                event.shard = event.shard,
                event.position = event.position,
                reason,
                "an event could not be applied and is kept aside with later ones of its subject: \
                 retry or skip it",
            );
        }
        sqlx::query!(
            "insert into parked_event
             (consumer, producer, event_id, shard, position, event_type, subject, recorded_at,
              traceparent, payload, data_key, reason, parked_at, consumers)
             values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)
             on conflict do nothing",
            context.name,
            context.producer,
            event.id,
            i32::from(event.shard),
            event.position.cast_signed(),
            event.event_type,
            event.subject,
            event.time,
            event.traceparent,
            event.payload.as_ref(),
            event.data_key,
            reason,
            now,
            event.consumers.as_deref(),
        )
        .execute(&mut *conn)
        .await?;
    }
    Ok(())
}

/// The subjects that wait for something other than an operator, each with the type of
/// the event that holds up the others. Not those that this release cannot apply either;
/// none while the consumer is stopped.
pub(super) async fn waiting(
    context: &ConsumerContext,
) -> platform::Result<BTreeMap<String, String>> {
    let rows = sqlx::query!(
        r#"select subject, event_type, reason, consumers is not null as "named!"
         from parked_event
         where consumer = $1 and producer = $2 and reason = any($3) and not exists (
             select from consumer_offset
             where consumer = $1 and producer = $2 and stopped is not null
         )"#,
        context.name,
        context.producer,
        &[UNKNOWN, LATER, SCHEMA, DATABASE] as &[&str],
    )
    .fetch_all(&context.pool)
    .await?;
    let due = rows.into_iter().filter(|row| {
        row.reason != UNKNOWN || !awaits_upgrade(context, &row.event_type, row.named)
    });
    Ok(due.map(|row| (row.subject, row.event_type)).collect())
}

/// Whether only a later release can apply a parked event. What named its consumers was
/// parked because it names this one; of what an earlier release parked, a type that the
/// contract knows by now, and not for this consumer, waits for nothing.
fn awaits_upgrade(context: &ConsumerContext, event_type: &str, named: bool) -> bool {
    let for_this =
        || proto::consumers_of(event_type).is_none_or(|known| known.contains(&context.service()));
    !context.apply.accepts(event_type) && (named || for_this())
}

/// Applies the parked events of a subject again, in order, as far as they can be.
/// `None` when it has none.
pub(crate) async fn retry(
    conn: &mut PgConnection,
    context: &ConsumerContext,
    subject: &str,
) -> platform::Result<Option<Retried>> {
    let shard = sqlx::query_scalar!(
        "select shard from parked_event
         where consumer = $1 and producer = $2 and subject = $3
         limit 1",
        context.name,
        context.producer,
        subject,
    )
    .fetch_optional(&mut *conn)
    .await?;
    let Some(shard) = shard else {
        return Ok(None);
    };
    let shard = u16::try_from(shard).expect("a log has at most 1,024 shards");
    // Whoever holds the offset's row applies: nobody parks meanwhile.
    offset::wait_for(conn, context, shard).await?;
    let events = load(conn, context, subject).await?;
    if events.is_empty() {
        return Ok(None);
    }
    let mut applied: Vec<Uuid> = Vec::new();
    for event in &events {
        if awaits_upgrade(context, &event.event_type, event.consumers.is_some()) {
            // Nothing stands before it now but its own type.
            blame(conn, context, event.id, UNKNOWN).await?;
            break;
        }
        if context.apply.accepts(&event.event_type) {
            let mut savepoint = sqlx::Connection::begin(&mut *conn).await?;
            match batch::apply_all(&mut savepoint, context, std::slice::from_ref(event)).await {
                Ok(()) => savepoint.commit().await?,
                Err(ApplyError::Transient(error)) => return Err(error),
                Err(ApplyError::Poison(class)) => {
                    savepoint.rollback().await?;
                    blame(conn, context, event.id, class).await?;
                    break;
                }
            }
        }
        applied.push(event.id);
    }
    let still_parked = events.len() - applied.len();
    forget(conn, context, &applied).await?;
    Ok(Some(Retried {
        applied: u32::try_from(applied.len()).unwrap_or(u32::MAX),
        still_parked: u32::try_from(still_parked).unwrap_or(u32::MAX),
    }))
}

/// Drops a parked event for good; returns its subject.
pub(crate) async fn skip(
    conn: &mut PgConnection,
    context: &ConsumerContext,
    event_id: Uuid,
) -> platform::Result<Option<String>> {
    let shard = sqlx::query_scalar!(
        "select shard from parked_event where consumer = $1 and producer = $2 and event_id = $3",
        context.name,
        context.producer,
        event_id,
    )
    .fetch_optional(&mut *conn)
    .await?;
    let Some(shard) = shard else {
        return Ok(None);
    };
    let shard = u16::try_from(shard).expect("a log has at most 1,024 shards");
    // Nobody must park a later event of the subject behind one that goes.
    offset::wait_for(conn, context, shard).await?;
    let skipped = sqlx::query_scalar!(
        "delete from parked_event where consumer = $1 and producer = $2 and event_id = $3
         returning subject",
        context.name,
        context.producer,
        event_id,
    )
    .fetch_optional(conn)
    .await?;
    Ok(skipped)
}

/// Lists parked events of all consumers of the schema, oldest first.
pub(crate) async fn list(
    pool: &PgPool,
    after: i64,
    limit: i64,
) -> platform::Result<Vec<ParkedRow>> {
    let rows = sqlx::query_as!(
        ParkedRow,
        "select arrival, consumer, producer, event_id, event_type, subject, shard, position, reason,
                parked_at
         from parked_event where arrival > $1 order by arrival limit $2",
        after,
        limit,
    )
    .fetch_all(pool)
    .await?;
    Ok(rows)
}

/// How many events the consumer has parked.
pub(super) async fn count(context: &ConsumerContext) -> platform::Result<i64> {
    let count = sqlx::query_scalar!(
        r#"select count(*) as "count!" from parked_event where consumer = $1 and producer = $2"#,
        context.name,
        context.producer,
    )
    .fetch_one(&context.pool)
    .await?;
    Ok(count)
}

async fn load(
    conn: &mut PgConnection,
    context: &ConsumerContext,
    subject: &str,
) -> platform::Result<Vec<Event>> {
    let rows = sqlx::query!(
        "select shard, position, event_id, event_type, subject, recorded_at, traceparent, payload,
                data_key, consumers
         from parked_event where consumer = $1 and producer = $2 and subject = $3 order by arrival",
        context.name,
        context.producer,
        subject,
    )
    .fetch_all(conn)
    .await?;
    let events = rows.into_iter().map(|row| Event {
        shard: u16::try_from(row.shard).expect("a log has at most 1,024 shards"),
        position: row.position.cast_unsigned(),
        id: row.event_id,
        event_type: row.event_type,
        source: format!("/vigie/{}", context.producer),
        subject: row.subject,
        time: row.recorded_at,
        traceparent: row.traceparent,
        payload: row.payload.into(),
        data_key: row.data_key,
        consumers: row.consumers,
    });
    Ok(events.collect())
}

async fn blame(
    conn: &mut PgConnection,
    context: &ConsumerContext,
    event_id: Uuid,
    class: &str,
) -> platform::Result<()> {
    sqlx::query!(
        "update parked_event set reason = $4 where consumer = $1 and producer = $2 and event_id = $3",
        context.name,
        context.producer,
        event_id,
        class,
    )
    .execute(conn)
    .await?;
    Ok(())
}

async fn forget(
    conn: &mut PgConnection,
    context: &ConsumerContext,
    applied: &[Uuid],
) -> platform::Result<()> {
    sqlx::query!(
        "delete from parked_event where consumer = $1 and producer = $2 and event_id = any($3)",
        context.name,
        context.producer,
        applied,
    )
    .execute(conn)
    .await?;
    Ok(())
}

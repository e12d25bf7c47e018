//! Streams the full state of a producer.

use std::sync::Arc;

use futures::Stream;
use platform::Result;
use prost::Message as _;
use proto::eventlog::v1::{CloudEvent, EventBatch, SnapshotResponse, snapshot_response::Part};
use sqlx::PgPool;
use tokio::sync::OwnedSemaphorePermit;

use super::log_service::described;
use crate::{Log, NewEvent, Snapshot, log::PAGE_BYTES, wire};

const SNAPSHOT_PAGE: u16 = 256;

/// Which part of the state is asked for.
pub(super) struct Wanted {
    /// What follows this cursor.
    pub(super) after: Option<String>,
    /// Only what this consumer must apply.
    pub(super) consumer: Option<String>,
}

/// Streams the state after a cursor from one repeatable-read transaction, with the
/// heads that go with it.
pub(super) fn stream(
    log: Log,
    pool: PgPool,
    source: Arc<dyn Snapshot>,
    wanted: Wanted,
    room: OwnedSemaphorePermit,
) -> impl Stream<Item = Result<SnapshotResponse>> + Send {
    async_stream::try_stream! {
        let _room = room;
        let mut transaction = pool
            .begin_with("begin isolation level repeatable read read only")
            .await?;
        // The consumer applies while it reads: the transaction may wait for it.
        sqlx::query!("set local idle_in_transaction_session_timeout = '60s'")
            .execute(&mut *transaction)
            .await?;
        let description = log.describe(&mut transaction).await?;
        yield part(Part::Description(described(&log, &description)));
        let mut cursor = wanted.after;
        loop {
            let page = source.page(&mut transaction, cursor, SNAPSHOT_PAGE).await?;
            cursor = page.next;
            let mut events = page.events;
            if let Some(consumer) = wanted.consumer.as_deref() {
                events.retain(|event| event.consumers.contains(&consumer));
            }
            let mut batches = batches(&log, events);
            if batches.is_empty() && cursor.is_some() {
                // Else whoever breaks off where nothing is for it begins again.
                batches.push(Vec::new());
            }
            let mut batches = batches.into_iter().peekable();
            while let Some(events) = batches.next() {
                let whole = batches.peek().is_none();
                let cursor = cursor.clone().filter(|_| whole).unwrap_or_default();
                yield part(Part::Events(EventBatch { events, cursor }));
            }
            if cursor.is_none() {
                break;
            }
        }
    }
}

/// Envelopes in batches of at most 1 MiB.
fn batches(log: &Log, events: Vec<NewEvent>) -> Vec<Vec<CloudEvent>> {
    let mut batches: Vec<Vec<CloudEvent>> = Vec::new();
    let mut room = 0;
    for event in events {
        let shard = log.shard_of(&event.subject);
        // The trace is that of the snapshot, not of the fact.
        let event = event.with_traceparent(None);
        let envelope = wire::to_cloud_event(&event.at(shard, 0, log.source()));
        let size = i64::try_from(envelope.encoded_len()).unwrap_or(PAGE_BYTES);
        match batches.last_mut() {
            Some(batch) if size <= room => batch.push(envelope),
            _ => {
                batches.push(vec![envelope]);
                room = PAGE_BYTES;
            }
        }
        room -= size;
    }
    batches
}

fn part(part: Part) -> SnapshotResponse {
    SnapshotResponse { part: Some(part) }
}

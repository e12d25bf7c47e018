//! The present state as events: the notifications of the last thirty days.

use async_trait::async_trait;
use eventlog::{Log, NewEvent, Snapshot, SnapshotPage};
use platform::{Error, Result};
use proto::events::v1::NotificationRaised;
use sqlx::PgConnection;

use super::cursor::CURSOR_LIFE;

/// Tells the notifications that are still kept, shard after shard.
pub(crate) struct RecentNotifications {
    /// Our own log.
    pub(crate) log: Log,
}

#[async_trait]
impl Snapshot for RecentNotifications {
    async fn page(
        &self,
        conn: &mut PgConnection,
        after: Option<String>,
        limit: u16,
    ) -> Result<SnapshotPage> {
        let (shard, position) = match after.as_deref() {
            None => (0, 0),
            Some(text) => place(text).ok_or_else(|| Error::internal("a cursor of no snapshot"))?,
        };
        let events = self.log.page(conn, shard, position, limit).await?;
        let next = match events.last() {
            Some(last) => Some((shard, last.position)),
            None => Some((shard + 1, 0)).filter(|(shard, _)| *shard < self.log.shards()),
        };
        let oldest = platform::now() - CURSOR_LIFE;
        let kept = events
            .iter()
            .filter(|event| event.time >= oldest)
            .map(|event| {
                let payload: NotificationRaised = event.decode().map_err(Error::internal)?;
                let new: NewEvent =
                    NewEvent::new(event.id, event.subject.clone(), event.time, &payload);
                Ok(new.with_traceparent(event.traceparent.clone()))
            });
        Ok(SnapshotPage {
            events: kept.collect::<Result<_>>()?,
            next: next.map(|(shard, position)| format!("{shard}:{position}")),
        })
    }
}

fn place(text: &str) -> Option<(u16, u64)> {
    let (shard, position) = text.split_once(':')?;
    Some((shard.parse().ok()?, position.parse().ok()?))
}

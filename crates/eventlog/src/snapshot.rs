//! The full state of a producer, told as events.

use async_trait::async_trait;
use sqlx::PgConnection;

use crate::NewEvent;

/// Tells the present state of a service as events that rebuild it, under the ids
/// they had at first.
///
/// A consumer that starts below the floor of the log begins here.
#[async_trait]
pub trait Snapshot: Send + Sync + 'static {
    /// The state that follows a cursor of an earlier page, in an order of the
    /// implementation's own, as seen by the repeatable-read transaction of
    /// `conn`. A cursor holds in later transactions and in the next release: a
    /// consumer goes on from it when its stream broke off.
    async fn page(
        &self,
        conn: &mut PgConnection,
        after: Option<String>,
        limit: u16,
    ) -> platform::Result<SnapshotPage>;
}

/// A part of the state.
#[derive(Clone, Debug, Default)]
pub struct SnapshotPage {
    /// Events that rebuild this part.
    pub events: Vec<NewEvent>,
    /// Where the next part begins; `None` after the last one.
    pub next: Option<String>,
}

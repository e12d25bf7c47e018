//! What a consumer does with the events it is given.

use async_trait::async_trait;
use sqlx::PgConnection;

use crate::Event;

/// Applies the events of one producer's log.
///
/// Applying is total: what does not fit the state becomes a visible note, not an
/// error. Effects must also be replay-safe: ids come from
/// [`vocabulary::derived_id`] and inserts say `on conflict do nothing`, because a
/// snapshot or a replay after a restore meets what exists.
#[async_trait]
pub trait Apply: Send + Sync + 'static {
    /// What to do with events of a type.
    fn accepts(&self, event_type: &str) -> Acceptance;

    /// Applies events of one shard, in order, inside the transaction that moves
    /// the offset. Own events are appended last.
    async fn apply(
        &self,
        conn: &mut PgConnection,
        shard: u16,
        events: &[Event],
    ) -> Result<(), ApplyError>;

    /// Called after the commit, to wake relays and deliveries.
    fn committed(&self) {}
}

/// What a consumer does with an event type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Acceptance {
    /// Known: applied.
    Apply,
    /// Known, and of no interest here: passed over.
    Ignore,
    /// Unknown: kept aside and applied after the upgrade that knows it.
    Park,
}

/// Why events were not applied.
#[derive(Debug, thiserror::Error)]
pub enum ApplyError {
    /// It would fail again however often it is tried. Holds the error class that
    /// an operator reads, never contents.
    #[error("the event cannot be applied ({0})")]
    Poison(&'static str),
    /// It may work later: tried for ever.
    #[error(transparent)]
    Transient(platform::Error),
}

impl From<platform::Error> for ApplyError {
    fn from(error: platform::Error) -> Self {
        Self::Transient(error)
    }
}

impl From<sqlx::Error> for ApplyError {
    /// What PostgreSQL says about the data is deterministic (SQLSTATE classes 22
    /// and 23); everything else may pass.
    fn from(error: sqlx::Error) -> Self {
        let code = error
            .as_database_error()
            .and_then(sqlx::error::DatabaseError::code);
        match code.as_deref().and_then(|code| code.get(..2)) {
            Some("22") => Self::Poison("data_exception"),
            Some("23") => Self::Poison("constraint_violated"),
            _ => Self::Transient(error.into()),
        }
    }
}

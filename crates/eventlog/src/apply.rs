//! What a consumer does with the events it is given.

use async_trait::async_trait;
use sqlx::PgConnection;

use crate::{
    Event,
    consumer::{DATABASE, LATER, SCHEMA},
};

/// Applies the events of one producer's log.
///
/// Applying is total: what does not fit the state becomes a visible note, not an
/// error. Effects must also be replay-safe: ids come from [`vocabulary::derived_id`], and what
/// exists is looked for, or inserts say `on conflict do nothing`, because a snapshot or a replay
/// after a restore meets what exists.
#[async_trait]
pub trait Apply: Send + Sync + 'static {
    /// Whether this release knows how to apply events of a type. It is asked about
    /// events that are for this consumer; those of an unknown type are kept aside and
    /// applied after the upgrade that knows them.
    fn accepts(&self, event_type: &str) -> bool;

    /// Applies events inside the transaction that moves the offsets. They are of one
    /// shard or of several, which nobody else applies meanwhile, and those of a shard
    /// come in order; at least one is given. Own events are appended last.
    async fn apply(&self, conn: &mut PgConnection, events: &[Event]) -> Result<(), ApplyError>;

    /// Called after the commit, to wake publishers and deliveries.
    fn committed(&self) {}
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

impl ApplyError {
    /// Why an event waits for the release that wrote what it meets; like one of an
    /// unknown type, that release applies it without being asked.
    pub const LATER_RELEASE: Self = Self::Poison(LATER);
}

impl From<platform::Error> for ApplyError {
    /// A refusal would be repeated, and so would what PostgreSQL says about the
    /// data (SQLSTATE classes 21, 22, 23 and 54), about the statement (42) or about
    /// itself (XX), and a row that this release cannot read; everything else may pass.
    fn from(error: platform::Error) -> Self {
        use platform::Error;
        match &error {
            Error::Invalid(_)
            | Error::NotFound(_)
            | Error::AlreadyExists(_)
            | Error::FailedPrecondition(_)
            | Error::OutOfRange(_)
            | Error::Unauthenticated(_)
            | Error::PermissionDenied(_) => Self::Poison(error.code()),
            Error::Internal(_) => match error
                .sql_state()
                .as_deref()
                .and_then(|state| state.get(..2))
            {
                Some("22") => Self::Poison("data_exception"),
                Some("23") => Self::Poison("constraint_violated"),
                Some("21" | "54") => Self::Poison("statement_refused"),
                Some("42") => Self::Poison(SCHEMA),
                Some("XX") => Self::Poison(DATABASE),
                _ if error.is_unreadable_row() => Self::Poison("unreadable_row"),
                _ => Self::Transient(error),
            },
            Error::Aborted(_) | Error::Exhausted { .. } | Error::Unavailable { .. } => {
                Self::Transient(error)
            }
        }
    }
}

impl From<sqlx::Error> for ApplyError {
    fn from(error: sqlx::Error) -> Self {
        platform::Error::from(error).into()
    }
}

#[cfg(test)]
mod tests {
    use platform::Error;

    use super::*;

    #[test]
    fn a_refusal_of_the_domain_would_be_repeated() {
        let error = ApplyError::from(Error::failed_precondition("WRONG_STATE", "closed"));
        assert!(matches!(error, ApplyError::Poison("WRONG_STATE")));
    }

    #[test]
    fn a_row_of_another_release_stays_unreadable() {
        let error = sqlx::Error::ColumnDecode {
            index: "situation".to_owned(),
            source: "unknown variant".into(),
        };
        let error = ApplyError::from(error);
        assert!(matches!(error, ApplyError::Poison("unreadable_row")));
    }

    #[test]
    fn what_is_away_may_come_back() {
        let error = ApplyError::from(sqlx::Error::PoolTimedOut);
        assert!(matches!(error, ApplyError::Transient(_)));
    }
}

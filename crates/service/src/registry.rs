//! Which feature applies which event.

use std::sync::Arc;

use async_trait::async_trait;
use eventlog::{Apply, ApplyError, Event, Log, NewEvent};
use proto::Payload;
use sqlx::PgConnection;
use tokio::sync::Notify;

/// Applies events in a feature.
#[async_trait]
pub trait Feature: Send + Sync + 'static {
    /// Applies events in their order, inside the transaction that moves the offset; gives
    /// back what that announces. Total and safe under replay, as [`Apply`] says.
    async fn apply(
        &self,
        conn: &mut PgConnection,
        events: &[Event],
    ) -> Result<Vec<NewEvent>, ApplyError>;
}

/// The features of a service by the events that they apply.
pub struct Registry {
    features: Vec<(&'static str, Arc<dyn Feature>)>,
    log: Log,
    wakes: Vec<Arc<Notify>>,
}

impl Registry {
    /// A registry whose features announce in `log`.
    pub fn announcing(log: Log) -> Self {
        Self {
            features: Vec::new(),
            log,
            wakes: Vec::new(),
        }
    }

    /// Wakes these when what was applied is committed.
    #[must_use]
    pub fn waking<'w>(mut self, wakes: impl IntoIterator<Item = &'w Arc<Notify>>) -> Self {
        self.wakes.extend(wakes.into_iter().cloned());
        self
    }

    /// Lets a feature apply the events of one type.
    #[must_use]
    pub fn on<P: Payload>(mut self, feature: &Arc<impl Feature>) -> Self {
        let feature = Arc::clone(feature) as Arc<dyn Feature>;
        self.features.push((P::TYPE, feature));
        self
    }

    fn feature(&self, event_type: &str) -> Option<&Arc<dyn Feature>> {
        let mut features = self.features.iter();
        let found = features.find(|(applied, _)| *applied == event_type);
        found.map(|(_, feature)| feature)
    }

    /// Whether two events are applied by the same feature, in one call.
    fn together(&self, one: &Event, other: &Event) -> bool {
        match (
            self.feature(&one.event_type),
            self.feature(&other.event_type),
        ) {
            (Some(one), Some(other)) => Arc::ptr_eq(one, other),
            (one, other) => one.is_none() && other.is_none(),
        }
    }
}

#[async_trait]
impl Apply for Registry {
    fn accepts(&self, event_type: &str) -> bool {
        self.feature(event_type).is_some()
    }

    async fn apply(&self, conn: &mut PgConnection, events: &[Event]) -> Result<(), ApplyError> {
        let mut announced = Vec::new();
        for run in events.chunk_by(|one, other| self.together(one, other)) {
            if let Some(feature) = run
                .first()
                .and_then(|event| self.feature(&event.event_type))
            {
                announced.extend(feature.apply(conn, run).await?);
            }
        }
        self.log.append(conn, &announced).await?;
        Ok(())
    }

    fn committed(&self) {
        self.log.committed();
        for wake in &self.wakes {
            wake.notify_waiters();
        }
    }
}

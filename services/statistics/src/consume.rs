//! Which events of intake and qualification go where.

mod progress;

use async_trait::async_trait;
use eventlog::{Apply, ApplyError, Event};
use proto::{
    Payload,
    events::v1::{CaseChanged, ReportAmended, ReportAttached, ReportSubmitted, ReportWithdrawn},
};
use sqlx::PgConnection;

pub(crate) use progress::{Heads, Progress};

use crate::facts;

/// Keeps the facts.
pub(crate) struct FactConsumer;

#[async_trait]
impl Apply for FactConsumer {
    fn accepts(&self, event_type: &str) -> bool {
        matches!(
            event_type,
            ReportSubmitted::TYPE
                | ReportAmended::TYPE
                | ReportAttached::TYPE
                | ReportWithdrawn::TYPE
                | CaseChanged::TYPE
        )
    }

    async fn apply(&self, conn: &mut PgConnection, events: &[Event]) -> Result<(), ApplyError> {
        facts::apply(conn, events).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_event_that_names_this_service_is_applied() {
        for event_type in proto::types_for("statistics") {
            assert!(FactConsumer.accepts(event_type), "{event_type}");
        }
    }
}

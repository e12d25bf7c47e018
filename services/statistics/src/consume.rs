//! Which events of intake and qualification go where.

mod progress;

use async_trait::async_trait;
use eventlog::{Acceptance, Apply, ApplyError, Event};
use proto::{
    Payload,
    events::v1::{
        CaseChanged, ReportContactsErased, ReportSubmitted, ReportWithdrawn, StructureRecorded,
    },
};
use sqlx::PgConnection;

pub(crate) use progress::{Heads, Progress};

use crate::facts;

/// Keeps the facts.
pub(crate) struct FactConsumer;

#[async_trait]
impl Apply for FactConsumer {
    fn accepts(&self, event_type: &str) -> Acceptance {
        match event_type {
            ReportSubmitted::TYPE | ReportWithdrawn::TYPE | CaseChanged::TYPE => Acceptance::Apply,
            // A report carries what is counted of its structure; contacts are not kept here.
            StructureRecorded::TYPE | ReportContactsErased::TYPE => Acceptance::Ignore,
            _ => Acceptance::Park,
        }
    }

    async fn apply(&self, conn: &mut PgConnection, events: &[Event]) -> Result<(), ApplyError> {
        facts::apply(conn, events).await
    }
}

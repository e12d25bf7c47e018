//! The events of intake and qualification, applied to facts and counters.

mod progress;

use std::collections::{BTreeSet, btree_map::Entry};

use async_trait::async_trait;
use eventlog::{Apply, ApplyError, Event};
use proto::{
    Payload,
    events::v1::{CaseChanged, ReportSubmitted, ReportWithdrawn},
};
use sqlx::PgConnection;
use uuid::Uuid;

pub(crate) use progress::{Heads, Progress};

use crate::{
    convert::{Learnt, Unreadable, case_changed, report_submitted, report_withdrawn},
    domain::{Counts, difference},
    store,
};

/// Counts what happened. Learning the same again changes nothing, so that a
/// replay or a snapshot leaves no trace.
pub(crate) struct Count;

#[async_trait]
impl Apply for Count {
    fn accepts(&self, event_type: &str) -> bool {
        matches!(
            event_type,
            ReportSubmitted::TYPE | ReportWithdrawn::TYPE | CaseChanged::TYPE
        )
    }

    async fn apply(&self, conn: &mut PgConnection, events: &[Event]) -> Result<(), ApplyError> {
        let mut learnt = Vec::with_capacity(events.len());
        for event in events {
            learnt.extend(event.span().in_scope(|| read(event))?);
        }
        let reports: BTreeSet<Uuid> = learnt.iter().map(|learnt| learnt.report_id).collect();
        if reports.is_empty() {
            return Ok(());
        }
        let before = store::lock(conn, &reports).await?;
        let mut after = before.clone();
        for Learnt {
            report_id,
            knowledge,
        } in learnt
        {
            if let Entry::Occupied(mut fact) = after.entry(report_id) {
                fact.get_mut().learn(knowledge);
            }
        }
        let mut moved = Counts::new();
        for (old, new) in before.values().zip(after.values()) {
            for (counter, count) in difference(old, new) {
                *moved.entry(counter).or_default() += count;
            }
        }
        store::save(conn, after.values()).await?;
        // One of the shards that nobody else applies meanwhile.
        let shard = events.first().map_or(0, |event| event.shard);
        store::add(conn, shard, &moved).await?;
        Ok(())
    }
}

/// What an event tells; nothing when it is a test.
fn read(event: &Event) -> Result<Option<Learnt>, ApplyError> {
    let learnt = match event.event_type.as_str() {
        ReportSubmitted::TYPE => report_submitted(&event.decode()?),
        ReportWithdrawn::TYPE => report_withdrawn(&event.decode()?),
        CaseChanged::TYPE => case_changed(&event.decode()?),
        _ => Err("unexpected_type"),
    };
    learnt.map_err(|class: Unreadable| ApplyError::Poison(class))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_event_that_names_this_service_is_applied() {
        for event_type in proto::types_for("statistics") {
            assert!(Count.accepts(event_type), "{event_type}");
        }
    }
}

//! What intake learns from the log of cases.

use std::collections::BTreeMap;

use async_trait::async_trait;
use eventlog::{Apply, ApplyError, Event};
use proto::{Payload as _, events::v1::CaseChanged};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::{convert, domain::CaseChange, store};

/// Keeps on each report where its case stands, to show the declarant.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cases;

#[async_trait]
impl Apply for Cases {
    fn accepts(&self, event_type: &str) -> bool {
        event_type == CaseChanged::TYPE
    }

    async fn apply(&self, conn: &mut PgConnection, events: &[Event]) -> Result<(), ApplyError> {
        // One statement updates a report once: the greatest revision stands for all.
        let mut latest: BTreeMap<Uuid, CaseChange> = BTreeMap::new();
        for event in events {
            let change = convert::case_change(event)?;
            let known = latest.entry(change.report_id).or_insert(change);
            if known.progress.revision < change.progress.revision {
                *known = change;
            }
        }
        let changes: Vec<CaseChange> = latest.into_values().collect();
        store::record_cases(conn, &changes).await?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_event_that_names_this_service_is_applied() {
        for event_type in proto::types_for("intake") {
            assert!(Cases.accepts(event_type), "{event_type}");
        }
    }
}

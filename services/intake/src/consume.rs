//! What intake learns from the log of cases.

use std::collections::BTreeMap;

use async_trait::async_trait;
use eventlog::{Apply, ApplyError, Event};
use proto::{Payload as _, events::v1::CaseChanged};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::{
    convert,
    domain::{CaseChange, CaseStanding, follow},
    store,
};

/// Keeps on each report where its case stands, to show the declarant.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cases;

#[async_trait]
impl Apply for Cases {
    fn accepts(&self, event_type: &str) -> bool {
        event_type == CaseChanged::TYPE
    }

    async fn apply(&self, conn: &mut PgConnection, events: &[Event]) -> Result<(), ApplyError> {
        let mut told: BTreeMap<Uuid, Vec<CaseChange>> = BTreeMap::new();
        for event in events {
            let change = convert::case_change(event)?;
            told.entry(change.report_id).or_default().push(change);
        }
        let report_ids: Vec<Uuid> = told.keys().copied().collect();
        let known = store::lock_cases(conn, &report_ids).await?;
        let followed: Vec<(Uuid, CaseStanding)> = known
            .into_iter()
            .filter_map(|(report_id, known)| {
                let standing = follow(known, told.get(&report_id)?)?;
                Some((report_id, standing))
            })
            .collect();
        store::record_cases(conn, &followed).await?;
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

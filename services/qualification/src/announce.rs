//! What the service tells the others, from its own log.

use std::collections::HashMap;

use async_trait::async_trait;
use eventlog::{NewEvent, Snapshot, SnapshotPage};
use sqlx::PgConnection;
use uuid::Uuid;
use vocabulary::derived_id;

use crate::{
    convert,
    domain::{Case, Change},
    store,
};

/// Announces a change of a case. The id derives from the case and the revision:
/// the same change always announces itself under the same id.
pub(crate) fn change(case: &Case, change: &Change) -> NewEvent {
    let revision = change.revision.to_be_bytes();
    let id = derived_id("case_changed", &[change.case_id.as_bytes(), &revision]);
    let subject = format!("case/{}", change.case_id);
    NewEvent::new(id, subject, change.at, &convert::case_changed(case, change))
}

/// The present state of all cases: the latest change of each. Consumers let the
/// greatest revision win.
#[derive(Debug)]
pub(crate) struct AllCases;

#[async_trait]
impl Snapshot for AllCases {
    async fn page(
        &self,
        conn: &mut PgConnection,
        after: Option<String>,
        limit: u16,
    ) -> platform::Result<SnapshotPage> {
        let after = after.map(|cursor| Uuid::try_parse(&cursor)).transpose();
        let after = after.map_err(platform::Error::internal)?;
        let case_ids = store::case_ids_after(conn, after, i64::from(limit)).await?;
        let full = case_ids.len() == usize::from(limit);
        let cases = store::read_cases(conn, &case_ids).await?;
        let latest: HashMap<Uuid, Change> = store::latest_entries(conn, &case_ids)
            .await?
            .into_iter()
            .map(|change| (change.case_id, change))
            .collect();
        let events = cases.iter().filter_map(|case| {
            let latest = latest.get(&case.id)?;
            // No trace: the request that asks for the snapshot caused none of it.
            Some(change(case, latest).with_traceparent(None))
        });
        Ok(SnapshotPage {
            events: events.collect(),
            next: case_ids.last().filter(|_| full).map(Uuid::to_string),
        })
    }
}

//! What the service tells the others, from its own log.

use std::collections::HashMap;

use async_trait::async_trait;
use eventlog::{Log, NewEvent, Snapshot, SnapshotPage};
use sqlx::PgConnection;
use uuid::Uuid;
use vocabulary::derived_id;

use crate::{
    convert,
    domain::Case,
    store::{self, Entry},
};

/// The history of the log that changes are announced in.
///
/// A restore brings revisions back below those that consumers have seen, and
/// they let the greatest win: in each later history the announced revisions
/// begin above all that the earlier ones can have reached.
#[derive(Clone, Copy, Debug)]
pub(crate) struct History {
    /// What the announced revisions count on from: 0 in the first history, then
    /// the second of the reincarnation, which no case changes often enough to
    /// have outrun.
    base: u64,
}

impl History {
    /// The present history.
    pub(crate) async fn of(log: &Log, conn: &mut PgConnection) -> platform::Result<Self> {
        let since = log.reincarnated_at(conn).await?;
        let base = since.and_then(|since| u64::try_from(since.unix_timestamp()).ok());
        Ok(Self {
            base: base.unwrap_or_default(),
        })
    }
}

/// Announces a change of a case.
pub(crate) fn change(case: &Case, entry: &Entry, history: History) -> NewEvent {
    let change = &entry.change;
    let subject = format!("case/{}", change.case_id);
    let payload = convert::case_changed(case, change, history.base + change.revision);
    NewEvent::new(id(entry), subject, change.at, &payload)
}

/// The same change always announces itself under the same id. What an event
/// caused derives from that event: applied again after a restore, it announces
/// nothing new. What a person did derives from its moment too, because after a
/// restore another change takes the revision of the lost one.
fn id(entry: &Entry) -> Uuid {
    let change = &entry.change;
    let case_id = change.case_id.as_bytes();
    if let Some(event_id) = &entry.cause {
        return derived_id("case_changed", &[case_id, event_id.as_bytes()]);
    }
    let revision = change.revision.to_be_bytes();
    let at = change.at.unix_timestamp_nanos().to_be_bytes();
    derived_id("case_changed", &[case_id, &revision, &at])
}

/// The present state of all cases: the latest change of each. Consumers let the
/// greatest revision win.
#[derive(Debug)]
pub(crate) struct AllCases {
    /// The log that the changes were announced in.
    pub(crate) log: Log,
}

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
        let history = History::of(&self.log, conn).await?;
        let latest: HashMap<Uuid, Entry> = store::latest_entries(conn, &case_ids)
            .await?
            .into_iter()
            .map(|entry| (entry.change.case_id, entry))
            .collect();
        let events = cases.iter().filter_map(|case| {
            let latest = latest.get(&case.id)?;
            // No trace: the request that asks for the snapshot caused none of it.
            Some(change(case, latest, history).with_traceparent(None))
        });
        Ok(SnapshotPage {
            events: events.collect(),
            next: case_ids.last().filter(|_| full).map(Uuid::to_string),
        })
    }
}

//! What the log of cases tells of reports.

use std::collections::BTreeMap;

use async_trait::async_trait;
use eventlog::{ApplyError, Event, NewEvent};
use proto::events::v1::CaseChanged;
use service::{Feature, wire::moment};
use sqlx::PgConnection;
use uuid::Uuid;
use vocabulary::{CaseState, Word as _};

use super::{CaseChange, CaseProgress, CaseStanding, decide::follow, store};

/// Keeps on each report where its case stands.
#[derive(Clone, Copy, Debug)]
pub(crate) struct CaseEvents;

#[async_trait]
impl Feature for CaseEvents {
    async fn apply(
        &self,
        conn: &mut PgConnection,
        events: &[Event],
    ) -> Result<Vec<NewEvent>, ApplyError> {
        let mut told: BTreeMap<Uuid, Vec<CaseChange>> = BTreeMap::new();
        for event in events {
            let (report_id, change) = case_change(event)?;
            told.entry(report_id).or_default().push(change);
        }
        let report_ids: Vec<Uuid> = told.keys().copied().collect();
        let known = store::lock(conn, &report_ids).await?.into_iter();
        let followed: Vec<(Uuid, CaseStanding)> = known
            .filter_map(|(id, known)| Some((id, follow(known, told.get(&id)?)?)))
            .collect();
        store::record(conn, &followed).await?;
        Ok(Vec::new())
    }
}

/// Reads what the log of cases tells of a report.
fn case_change(event: &Event) -> Result<(Uuid, CaseChange), ApplyError> {
    let change: CaseChanged = event.decode()?;
    let id = |text: &str| Uuid::try_parse(text).map_err(|_| ApplyError::Poison("bad_id"));
    let changed_at = change.changed_at.as_ref().and_then(moment);
    let report_id = id(&change.report_id)?;
    let change = CaseChange {
        progress: CaseProgress {
            case_id: id(&change.case_id)?,
            state: CaseState::heard(change.state),
            revision: change.revision,
            resolutions: change.resolution_number,
        },
        at: changed_at.unwrap_or(event.time),
    };
    Ok((report_id, change))
}

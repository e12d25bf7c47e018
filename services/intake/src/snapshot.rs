//! The full state of intake, told as events.

use async_trait::async_trait;
use eventlog::{NewEvent, Snapshot, SnapshotPage};
use platform::{Error, Result};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::{reports, resolution, structures};

/// Tells the structures, then the reports with their resolutions and withdrawals, under the
/// ids their events had at first.
#[derive(Clone, Copy, Debug)]
pub(crate) struct State;

/// Cursors name what they follow: a structure by its FINESS or a report by its id.
const STRUCTURE: &str = "structure/";
const REPORT: &str = "report/";

#[async_trait]
impl Snapshot for State {
    async fn page(
        &self,
        conn: &mut PgConnection,
        after: Option<String>,
        limit: u16,
    ) -> Result<SnapshotPage> {
        let after = after.as_deref();
        if let Some(report) = after.and_then(|cursor| cursor.strip_prefix(REPORT)) {
            return all_reports(conn, report, limit).await;
        }
        let after = after.and_then(|cursor| cursor.strip_prefix(STRUCTURE));
        all_structures(conn, after, limit).await
    }
}

async fn all_structures(
    conn: &mut PgConnection,
    after: Option<&str>,
    limit: u16,
) -> Result<SnapshotPage> {
    let found = structures::structures_after(conn, after, i64::from(limit)).await?;
    let next = match found.last() {
        Some(last) if found.len() == usize::from(limit) => {
            format!("{STRUCTURE}{}", last.structure.finess)
        }
        _ => REPORT.to_owned(),
    };
    Ok(SnapshotPage {
        events: found.iter().map(structures::recorded).collect(),
        next: Some(next),
    })
}

async fn all_reports(conn: &mut PgConnection, after: &str, limit: u16) -> Result<SnapshotPage> {
    let after = match after {
        "" => None,
        id => Some(Uuid::try_parse(id).map_err(Error::internal)?),
    };
    let found = reports::reports_after(conn, after, i64::from(limit)).await?;
    let next = found
        .last()
        .filter(|_| found.len() == usize::from(limit))
        .map(|report| format!("{REPORT}{}", report.id));
    let report_ids: Vec<Uuid> = found.iter().map(|report| report.id).collect();
    let resolutions = resolution::resolutions_of(conn, &report_ids).await?;
    let events = found.iter().flat_map(|report| {
        let resolutions = resolutions.get(&report.id).into_iter().flatten();
        let withdrawal = report
            .withdrawal
            .as_ref()
            .map(|withdrawal| reports::withdrawn(report, withdrawal));
        std::iter::once(reports::submitted(report))
            .chain(resolutions.map(|it| resolution::resolved(report, it)))
            .chain(withdrawal)
    });
    Ok(SnapshotPage {
        events: events.collect::<Vec<NewEvent>>(),
        next,
    })
}

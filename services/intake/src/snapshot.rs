//! The full state of intake, told as events.

use async_trait::async_trait;
use eventlog::{NewEvent, Snapshot, SnapshotPage};
use platform::{Error, Result};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::{convert, domain::Report, store};

/// Tells the structures, then the reports with their withdrawals, under the ids
/// their events had at first.
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
        match after.and_then(|cursor| cursor.strip_prefix(REPORT)) {
            Some(report) => reports(conn, report, limit).await,
            None => {
                structures(
                    conn,
                    after.and_then(|cursor| cursor.strip_prefix(STRUCTURE)),
                    limit,
                )
                .await
            }
        }
    }
}

async fn structures(
    conn: &mut PgConnection,
    after: Option<&str>,
    limit: u16,
) -> Result<SnapshotPage> {
    let structures = store::structures_after(conn, after, i64::from(limit)).await?;
    let next = match structures.last() {
        Some(last) if structures.len() == usize::from(limit) => {
            format!("{STRUCTURE}{}", last.structure.finess)
        }
        _ => REPORT.to_owned(),
    };
    Ok(SnapshotPage {
        events: structures.iter().map(convert::recorded).collect(),
        next: Some(next),
    })
}

async fn reports(conn: &mut PgConnection, after: &str, limit: u16) -> Result<SnapshotPage> {
    let after = match after {
        "" => None,
        id => Some(Uuid::try_parse(id).map_err(Error::internal)?),
    };
    let reports = store::page(conn, after, i64::from(limit)).await?;
    let next = reports
        .last()
        .filter(|_| reports.len() == usize::from(limit))
        .map(Report::subject);
    let events = reports.iter().flat_map(|report| {
        let withdrawal = report
            .withdrawal
            .as_ref()
            .map(|withdrawal| convert::withdrawn(report, withdrawal));
        std::iter::once(convert::submitted(report)).chain(withdrawal)
    });
    Ok(SnapshotPage {
        events: events.collect::<Vec<NewEvent>>(),
        next,
    })
}

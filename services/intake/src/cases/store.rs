//! Where cases stand, at rest beside their reports.

use serde_json::{Value, json};
use service::wire::timestamptz;
use sqlx::PgConnection;
use uuid::Uuid;
use vocabulary::{CaseState, Word as _};

use super::{CaseProgress, CaseStanding};

/// Where the cases of these reports stand, as far as it is known; the reports are held
/// until the end of the transaction.
pub(super) async fn lock(
    conn: &mut PgConnection,
    report_ids: &[Uuid],
) -> sqlx::Result<Vec<(Uuid, Option<CaseStanding>)>> {
    let rows = sqlx::query!(
        "select report_id, case_id, case_state, case_revision, case_ended_at, case_resolutions
         from report
         where report_id = any($1) order by report_id for update",
        report_ids,
    );
    let rows = rows.fetch_all(conn).await?.into_iter().map(|row| {
        let known = row.case_id.zip(row.case_revision);
        let standing = known.map(|(case_id, revision)| CaseStanding {
            progress: CaseProgress {
                case_id,
                state: row.case_state.as_deref().map(CaseState::stored),
                revision: revision.cast_unsigned(),
                resolutions: row.case_resolutions.unwrap_or_default().cast_unsigned(),
            },
            ended_at: row.case_ended_at,
        });
        (row.report_id, standing)
    });
    Ok(rows.collect())
}

/// Keeps where the cases of locked reports stand.
pub(super) async fn record(
    conn: &mut PgConnection,
    cases: &[(Uuid, CaseStanding)],
) -> sqlx::Result<()> {
    let rows = cases.iter().map(|(report_id, standing)| {
        json!({
            "report_id": report_id,
            "case_id": standing.progress.case_id,
            "case_state": standing.progress.state,
            "case_revision": standing.progress.revision,
            "case_ended_at": standing.ended_at.map(timestamptz),
            "case_resolutions": standing.progress.resolutions,
        })
    });
    sqlx::query!(
        "update report
         set case_id = new.case_id, case_state = new.case_state,
             case_revision = new.case_revision, case_ended_at = new.case_ended_at,
             case_resolutions = new.case_resolutions
         from jsonb_populate_recordset(null::report, $1) as new
         where report.report_id = new.report_id",
        rows.collect::<Value>(),
    )
    .execute(conn)
    .await?;
    Ok(())
}

//! Decisions on links at rest.

use platform::Result;
use sqlx::PgConnection;

use super::LinkDecision;
use crate::reports::Report;

/// Keeps a decision as that of the revision which the report is at.
pub(super) async fn insert(
    conn: &mut PgConnection,
    report: &Report,
    decision: &LinkDecision,
) -> Result<()> {
    let lost = decision.no_longer_visible_to.iter();
    let lost: Vec<String> = lost.map(ToString::to_string).collect();
    sqlx::query!(
        "insert into link_decision (report_id, declared_revision, kind, no_longer_visible_to,
                                    sealed_reason)
         values ($1, $2, $3, $4, $5)",
        report.id,
        report.declared_revision().cast_signed(),
        decision.kind.as_str(),
        &lost,
        decision.sealed_reason.as_deref(),
    )
    .execute(conn)
    .await?;
    Ok(())
}

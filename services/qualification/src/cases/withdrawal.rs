//! Withdrawals that came before their report, at rest.

use sqlx::PgConnection;
use uuid::Uuid;

/// A report that was withdrawn before its submission was applied here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct EarlyWithdrawal {
    /// The report.
    pub(super) report_id: Uuid,
    /// The event that said so.
    pub(super) event_id: Uuid,
    /// Why, in the declarant's words.
    pub(super) reason: String,
}

/// Keeps a withdrawal until its report comes.
pub(super) async fn keep(
    conn: &mut PgConnection,
    withdrawal: &EarlyWithdrawal,
) -> platform::Result<()> {
    sqlx::query!(
        "insert into early_withdrawal (report_id, event_id, reason) values ($1, $2, $3)
         on conflict do nothing",
        withdrawal.report_id,
        withdrawal.event_id,
        withdrawal.reason,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Takes what was kept about these reports.
pub(super) async fn take(
    conn: &mut PgConnection,
    report_ids: &[Uuid],
) -> platform::Result<Vec<EarlyWithdrawal>> {
    let taken = sqlx::query_as!(
        EarlyWithdrawal,
        "delete from early_withdrawal where report_id = any($1)
         returning report_id, event_id, reason",
        report_ids,
    )
    .fetch_all(conn)
    .await?;
    Ok(taken)
}

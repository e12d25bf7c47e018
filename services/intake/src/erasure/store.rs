//! Contacts that are kept, and how they are erased.

use platform::Result;
use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;
use vocabulary::{CaseState, Channel, Word as _};

use super::Treatment;
use crate::reports::ReportName;

struct Row {
    report_id: Uuid,
    reference: String,
    channel: String,
    received_at: OffsetDateTime,
    case_state: Option<String>,
    case_ended_at: Option<OffsetDateTime>,
}

impl From<Row> for Treatment {
    fn from(row: Row) -> Self {
        Self {
            report_id: row.report_id,
            reference: row.reference,
            channel: Channel::stored(&row.channel),
            received_at: row.received_at,
            state: row.case_state.as_deref().map(CaseState::stored),
            case_ended_at: row.case_ended_at,
        }
    }
}

/// The next reports whose contacts are kept, by id.
pub(super) async fn with_contacts(
    conn: &mut PgConnection,
    after: Option<Uuid>,
    limit: i64,
) -> Result<Vec<Treatment>> {
    let rows = sqlx::query_as!(
        Row,
        "select report_id, reference, channel, received_at, case_state, case_ended_at from report
         where wrapped_key is not null and ($1::uuid is null or report_id > $1)
         order by report_id limit $2",
        after,
        limit,
    );
    let rows = rows.fetch_all(conn).await?;
    Ok(rows.into_iter().map(Treatment::from).collect())
}

/// Those of these reports whose contacts are kept, held until the end of the transaction.
pub(super) async fn lock_with_contacts(
    conn: &mut PgConnection,
    report_ids: &[Uuid],
) -> Result<Vec<Treatment>> {
    let rows = sqlx::query_as!(
        Row,
        "select report_id, reference, channel, received_at, case_state, case_ended_at from report
         where report_id = any($1) and wrapped_key is not null
         order by report_id for update",
        report_ids,
    );
    let rows = rows.fetch_all(conn).await?;
    Ok(rows.into_iter().map(Treatment::from).collect())
}

/// The id of the report that has this id or reference.
pub(super) async fn id_of(conn: &mut PgConnection, name: &ReportName) -> Result<Option<Uuid>> {
    let (id, reference) = match name {
        ReportName::Id(id) => (Some(*id), None),
        ReportName::Reference(reference) => (None, Some(reference.as_str())),
    };
    let id = sqlx::query_scalar!(
        "select report_id from report where report_id = $1 or reference = $2",
        id,
        reference,
    );
    Ok(id.fetch_optional(conn).await?)
}

/// Keeps when it was first seen that the cases of these reports have ended.
pub(super) async fn record_ends(
    conn: &mut PgConnection,
    report_ids: &[Uuid],
    seen_at: OffsetDateTime,
) -> Result<()> {
    sqlx::query!(
        "update report set case_ended_at = $2 where report_id = any($1) and case_ended_at is null",
        report_ids,
        seen_at,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Destroys the keys of locked reports, with what rests under them and the hash of their
/// requests, against which contacts could be guessed.
pub(super) async fn erase_contacts(conn: &mut PgConnection, report_ids: &[Uuid]) -> Result<()> {
    sqlx::query!(
        "with revisions as (
             update report_revision set sealed_contacts = null where report_id = any($1)
         )
         update report set sealed_contacts = null, wrapped_key = null, request_hash = '',
                revision = revision + 1
         where report_id = any($1)",
        report_ids,
    )
    .execute(conn)
    .await?;
    Ok(())
}

//! Which cases are attached to one, at rest.

use std::cmp::Reverse;

use platform::Result;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::cases::{Case, read_cases};

/// Reads the cases attached to one that these parties see, the latest first.
pub(super) async fn attached(
    conn: &mut PgConnection,
    to: &Case,
    parties: &[String],
    before: Option<Uuid>,
    limit: i64,
) -> Result<Vec<Case>> {
    let found = sqlx::query_scalar!(
        "select case_id from case_file
         where parent_case_id = $1 and visible_to && $2 and ($3::uuid is null or case_id < $3)
         order by case_id desc
         limit $4",
        to.id,
        parties,
        before,
        limit,
    )
    .fetch_all(&mut *conn)
    .await?;
    latest_first(conn, &found).await
}

/// Reads the cases attached to none whose declarations name the report of this one, and that
/// these parties see, the latest first.
pub(super) async fn suggested(
    conn: &mut PgConnection,
    to: &Case,
    parties: &[String],
    before: Option<Uuid>,
    limit: i64,
) -> Result<Vec<Case>> {
    let found = sqlx::query_scalar!(
        "select case_id from case_file
         where cause_reference = $1 and parent_case_id is null and case_id <> $2
             and visible_to && $3 and ($4::uuid is null or case_id < $4)
         order by case_id desc
         limit $5",
        to.report.reference,
        to.id,
        parties,
        before,
        limit,
    )
    .fetch_all(&mut *conn)
    .await?;
    latest_first(conn, &found).await
}

/// Reads these cases in the order of their ids, which begin with their moments.
async fn latest_first(conn: &mut PgConnection, case_ids: &[Uuid]) -> Result<Vec<Case>> {
    let mut cases = read_cases(conn, case_ids).await?;
    cases.sort_by_key(|case| Reverse(case.id));
    Ok(cases)
}

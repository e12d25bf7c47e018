//! Timelines at rest.

use platform::Result;
use serde::{Deserialize, Serialize};
use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;
use vocabulary::{Role, Word as _};

use super::TimelineEntry;

/// A place in a timeline.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Position {
    /// When the last entry happened.
    #[serde(with = "time::serde::rfc3339")]
    happened_at: OffsetDateTime,
    /// Its number.
    number: u32,
}

impl Position {
    /// The place of an entry.
    pub(super) fn of(entry: &TimelineEntry) -> Self {
        Self {
            happened_at: entry.happened_at,
            number: entry.number,
        }
    }
}

/// How many entries the timeline of a report has.
pub(super) async fn count(conn: &mut PgConnection, report_id: Uuid) -> Result<u32> {
    let latest = sqlx::query_scalar!(
        r#"select coalesce(max(number), 0) as "latest!"
           from timeline_entry where report_id = $1"#,
        report_id,
    );
    Ok(latest.fetch_one(conn).await?.cast_unsigned())
}

/// Adds an entry to the timeline of a report that the transaction has locked.
pub(super) async fn insert(conn: &mut PgConnection, entry: &TimelineEntry) -> Result<()> {
    sqlx::query!(
        "insert into timeline_entry (report_id, number, entry_id, happened_at, author_role,
                                     author_subject, added_at, sealed_text)
         values ($1, $2, $3, $4, $5, $6, $7, $8)",
        entry.report_id,
        entry.number.cast_signed(),
        entry.id,
        entry.happened_at,
        entry.author_role.as_str(),
        entry.author,
        entry.added_at,
        entry.sealed_text,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Reads a page of the timeline of a report, in the order in which it happened.
pub(super) async fn page(
    conn: &mut PgConnection,
    report_id: Uuid,
    after: Option<Position>,
    limit: i64,
) -> Result<Vec<TimelineEntry>> {
    let rows = sqlx::query!(
        "select report_id, number, entry_id, happened_at, author_role, author_subject, added_at,
                sealed_text
         from timeline_entry
         where report_id = $1
             and ($2::timestamptz is null or (happened_at, number) > ($2, $3::integer))
         order by happened_at, number
         limit $4",
        report_id,
        after.map(|after| after.happened_at),
        after.map(|after| after.number.cast_signed()),
        limit,
    );
    let entries = rows
        .fetch_all(conn)
        .await?
        .into_iter()
        .map(|row| TimelineEntry {
            id: row.entry_id,
            report_id: row.report_id,
            number: row.number.cast_unsigned(),
            happened_at: row.happened_at,
            author_role: Role::stored(&row.author_role),
            author: row.author_subject,
            added_at: row.added_at,
            sealed_text: row.sealed_text,
        });
    Ok(entries.collect())
}

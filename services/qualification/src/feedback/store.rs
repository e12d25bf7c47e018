//! Feedback at rest.

use platform::Result;
use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;
use vocabulary::{Role, Word as _};

use super::{Assessment, Feedback};

/// Writes the feedback of a side in place of what it said before.
pub(super) async fn put(conn: &mut PgConnection, feedback: &Feedback) -> Result<()> {
    sqlx::query!(
        "insert into feedback (case_id, side, declaration, response, sealed_lessons, given_at,
                               given_subject)
         values ($1, $2, $3, $4, $5, $6, $7)
         on conflict (case_id, side) do update
         set declaration = excluded.declaration, response = excluded.response,
             sealed_lessons = excluded.sealed_lessons, given_at = excluded.given_at,
             given_subject = excluded.given_subject",
        feedback.case_id,
        feedback.side.as_str(),
        feedback.declaration.map(Assessment::as_str),
        feedback.response.map(Assessment::as_str),
        feedback.sealed_lessons,
        feedback.given_at,
        feedback.given_by,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Reads the feedback on a case.
pub(super) async fn list(conn: &mut PgConnection, case_id: Uuid) -> Result<Vec<Feedback>> {
    let rows = sqlx::query_as!(
        Row,
        "select case_id, side, declaration, response, sealed_lessons, given_at, given_subject
         from feedback
         where case_id = $1",
        case_id,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(Feedback::from).collect())
}

struct Row {
    case_id: Uuid,
    side: String,
    declaration: Option<String>,
    response: Option<String>,
    sealed_lessons: Option<Vec<u8>>,
    given_at: OffsetDateTime,
    given_subject: String,
}

impl From<Row> for Feedback {
    fn from(row: Row) -> Self {
        Self {
            case_id: row.case_id,
            side: Role::stored(&row.side),
            declaration: row.declaration.as_deref().and_then(Assessment::stored),
            response: row.response.as_deref().and_then(Assessment::stored),
            sealed_lessons: row.sealed_lessons,
            given_at: row.given_at,
            given_by: row.given_subject,
        }
    }
}

//! Messages at rest.

use platform::Result;
use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;
use vocabulary::{Role, Word as _};

use super::{Audience, Message};

/// Adds a message to a case that the transaction has locked; gives back its number.
pub(super) async fn insert(conn: &mut PgConnection, message: &Message) -> Result<u64> {
    let number = sqlx::query_scalar!(
        r#"insert into case_message (case_id, number, message_id, audience, author_role,
                                    author_subject, posted_at, sealed_text)
           select $1, coalesce(max(number), 0) + 1, $2, $3, $4, $5, $6, $7
           from case_message where case_id = $1
           returning number"#,
        message.case_id,
        message.id,
        message.audience.as_str(),
        message.author_role.as_str(),
        message.author,
        message.posted_at,
        message.sealed_text,
    )
    .fetch_one(conn)
    .await?;
    Ok(number.cast_unsigned())
}

/// Reads a page of the messages of a case, newest first: those below a number, and
/// those to the agencies only for who may read them.
pub(super) async fn page(
    conn: &mut PgConnection,
    case_id: Uuid,
    agencies: bool,
    below: Option<u64>,
    limit: i64,
) -> Result<Vec<(u64, Message)>> {
    let rows = sqlx::query_as!(
        Row,
        "select case_id, number, message_id, audience, author_role, author_subject, posted_at,
                sealed_text
         from case_message
         where case_id = $1
             and ($2 or audience = 'structure')
             and ($3::bigint is null or number < $3)
         order by number desc
         limit $4",
        case_id,
        agencies,
        below.map(|below| i64::try_from(below).unwrap_or(i64::MAX)),
        limit,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(Row::into_message).collect())
}

struct Row {
    case_id: Uuid,
    number: i64,
    message_id: Uuid,
    audience: String,
    author_role: String,
    author_subject: String,
    posted_at: OffsetDateTime,
    sealed_text: Vec<u8>,
}

impl Row {
    fn into_message(self) -> (u64, Message) {
        let message = Message {
            id: self.message_id,
            case_id: self.case_id,
            audience: Audience::stored(&self.audience),
            author_role: Role::stored(&self.author_role),
            author: self.author_subject,
            posted_at: self.posted_at,
            sealed_text: self.sealed_text,
        };
        (self.number.cast_unsigned(), message)
    }
}

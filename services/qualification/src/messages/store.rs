//! Messages at rest.

use platform::Result;
use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;
use vocabulary::{Role, Word as _};

use super::{Addressee, Audience, Message, side::Side};

/// Adds a message to the exchanges on a case that the transaction has locked; gives back its
/// number.
pub(super) async fn insert(
    conn: &mut PgConnection,
    message: &Message,
    audience: Audience,
) -> Result<u64> {
    let number = sqlx::query_scalar!(
        r#"insert into case_message (case_id, number, message_id, audience, author_role,
                                    author_subject, posted_at, sealed_text, author_side)
           select $1, coalesce(max(number), 0) + 1, $2, $3, $4, $5, $6, $7, $8
           from case_message where case_id = $1
           returning number"#,
        message.case_id,
        message.id,
        audience.as_str(),
        message.author_role.as_str(),
        message.author,
        message.posted_at,
        message.sealed_text,
        message.author_side.map(|side| side.to_string()),
    )
    .fetch_one(conn)
    .await?;
    Ok(number.cast_unsigned())
}

/// Adds a note to those internal to a side on a case that the transaction has locked; gives
/// back its number among them.
pub(super) async fn insert_note(
    conn: &mut PgConnection,
    note: &Message,
    side: Side,
) -> Result<u64> {
    let number = sqlx::query_scalar!(
        r#"insert into internal_message (case_id, side, number, message_id, author_role,
                                         author_subject, posted_at, sealed_text)
           select $1, $2, coalesce(max(number), 0) + 1, $3, $4, $5, $6, $7
           from internal_message where case_id = $1 and side = $2
           returning number"#,
        note.case_id,
        side.to_string(),
        note.id,
        note.author_role.as_str(),
        note.author,
        note.posted_at,
        note.sealed_text,
    )
    .fetch_one(conn)
    .await?;
    Ok(number.cast_unsigned())
}

/// Reads a page of the exchanges on a case, newest first: those below a number, and those to
/// the agencies only for who may read them.
pub(super) async fn page(
    conn: &mut PgConnection,
    case_id: Uuid,
    agencies: bool,
    below: Option<u64>,
    limit: i64,
) -> Result<Vec<(u64, Message)>> {
    let rows = sqlx::query_as!(
        Row,
        "select case_id, number, message_id, audience, author_role, author_side, author_subject,
                posted_at, sealed_text
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
    let message = |row: Row| {
        let to = Addressee::Exchange(Audience::stored(&row.audience));
        row.into_message(to)
    };
    Ok(rows.into_iter().map(message).collect())
}

/// Reads a page of the notes internal to a side on a case, newest first: those below a number.
pub(super) async fn notes(
    conn: &mut PgConnection,
    case_id: Uuid,
    side: Side,
    below: Option<u64>,
    limit: i64,
) -> Result<Vec<(u64, Message)>> {
    let rows = sqlx::query_as!(
        Row,
        r#"select case_id, number, message_id, '' as "audience!", author_role,
                  side as "author_side?", author_subject, posted_at, sealed_text
           from internal_message
           where case_id = $1 and side = $2 and ($3::bigint is null or number < $3)
           order by number desc
           limit $4"#,
        case_id,
        side.to_string(),
        below.map(|below| i64::try_from(below).unwrap_or(i64::MAX)),
        limit,
    )
    .fetch_all(conn)
    .await?;
    let note = |row: Row| row.into_message(Addressee::Internal);
    Ok(rows.into_iter().map(note).collect())
}

struct Row {
    case_id: Uuid,
    number: i64,
    message_id: Uuid,
    audience: String,
    author_role: String,
    author_side: Option<String>,
    author_subject: String,
    posted_at: OffsetDateTime,
    sealed_text: Vec<u8>,
}

impl Row {
    fn into_message(self, to: Addressee) -> (u64, Message) {
        let author_role = Role::stored(&self.author_role);
        let message = Message {
            id: self.message_id,
            case_id: self.case_id,
            to,
            author_role,
            author_side: match &self.author_side {
                Some(side) => Side::stored(side),
                None => Side::of(author_role, None),
            },
            author: self.author_subject,
            posted_at: self.posted_at,
            sealed_text: self.sealed_text,
        };
        (self.number.cast_unsigned(), message)
    }
}

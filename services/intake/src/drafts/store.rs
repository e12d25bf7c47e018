//! Drafts at rest.

use platform::Result;
use service::Sealed;
use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;
use vocabulary::shard_of;

use super::{Position, SavedDraft, SentDraft, Times};

/// The class of the advisory locks of authors, and how many there are.
const LOCKS: i32 = i32::from_be_bytes(*b"drft");
const LOCK_COUNT: u16 = 64;

/// How many drafts one step of the erasure takes.
const ERASED_AT_ONCE: i64 = 1_000;

/// Lets nobody else save a draft of this author until the end of the transaction: two that
/// are saved at once would not count each other.
pub(super) async fn lock_author(conn: &mut PgConnection, author: &str) -> Result<()> {
    let lock = i32::from(shard_of(author, LOCK_COUNT));
    sqlx::query!("select pg_advisory_xact_lock($1, $2)", LOCKS, lock)
        .execute(conn)
        .await?;
    Ok(())
}

/// The drafts of an author that were saved after a moment, by their ids.
pub(super) async fn times(
    conn: &mut PgConnection,
    author: &str,
    after: OffsetDateTime,
) -> Result<Vec<(Uuid, Times)>> {
    let rows = sqlx::query!(
        "select draft_id, created_at, saved_at from draft where author = $1 and saved_at > $2",
        author,
        after,
    );
    let rows = rows.fetch_all(conn).await?.into_iter().map(|row| {
        let times = Times {
            created_at: row.created_at,
            saved_at: row.saved_at,
        };
        (row.draft_id, times)
    });
    Ok(rows.collect())
}

/// Keeps a draft, in the place of the one with its id.
pub(super) async fn save(conn: &mut PgConnection, draft: &SavedDraft) -> Result<()> {
    sqlx::query!(
        "insert into draft (author, draft_id, created_at, saved_at, sealed, wrapped_key)
         values ($1, $2, $3, $4, $5, $6)
         on conflict (author, draft_id) do update
         set created_at = excluded.created_at, saved_at = excluded.saved_at,
             sealed = excluded.sealed, wrapped_key = excluded.wrapped_key",
        draft.author,
        draft.id,
        draft.times.created_at,
        draft.times.saved_at,
        draft.content.sealed,
        draft.content.data_key,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Finds the draft of an author, if it was saved after a moment.
pub(super) async fn find(
    conn: &mut PgConnection,
    author: &str,
    draft_id: Uuid,
    after: OffsetDateTime,
) -> Result<Option<SavedDraft>> {
    let row = sqlx::query_as!(
        Row,
        "select author, draft_id, created_at, saved_at, sealed, wrapped_key from draft
         where author = $1 and draft_id = $2 and saved_at > $3",
        author,
        draft_id,
        after,
    );
    Ok(row.fetch_optional(conn).await?.map(SavedDraft::from))
}

/// The drafts of an author that were saved after a moment and stand behind a position in the
/// list, last saved first.
pub(super) async fn page(
    conn: &mut PgConnection,
    author: &str,
    after: OffsetDateTime,
    position: Option<Position>,
    limit: i64,
) -> Result<Vec<SavedDraft>> {
    let rows = sqlx::query_as!(
        Row,
        "select author, draft_id, created_at, saved_at, sealed, wrapped_key from draft
         where author = $1 and saved_at > $2
             and ($3::timestamptz is null or (saved_at, draft_id) < ($3, $4::uuid))
         order by saved_at desc, draft_id desc
         limit $5",
        author,
        after,
        position.map(|position| position.saved_at),
        position.map(|position| position.draft_id),
        limit,
    );
    let rows = rows.fetch_all(conn).await?;
    Ok(rows.into_iter().map(SavedDraft::from).collect())
}

/// Erases the draft of an author, if it was saved after a moment; gives back whether it was.
pub(super) async fn delete(
    conn: &mut PgConnection,
    author: &str,
    draft_id: Uuid,
    after: OffsetDateTime,
) -> Result<bool> {
    let deleted = sqlx::query!(
        "delete from draft where author = $1 and draft_id = $2 and saved_at > $3",
        author,
        draft_id,
        after,
    );
    Ok(deleted.execute(conn).await?.rows_affected() > 0)
}

/// Erases drafts that were sent, each of its author. One that is being saved stays, as a
/// declaration waits for no draft, and so does one that is not what was sent any more.
pub(crate) async fn delete_sent(
    conn: &mut PgConnection,
    sent: &[(&str, &SentDraft)],
) -> Result<()> {
    let mut authors = Vec::with_capacity(sent.len());
    let mut draft_ids = Vec::with_capacity(sent.len());
    let mut etags = Vec::with_capacity(sent.len());
    for (author, draft) in sent {
        authors.push((*author).to_owned());
        draft_ids.push(draft.draft_id);
        etags.push(draft.etag.clone());
    }
    sqlx::query!(
        "delete from draft where (author, draft_id) in (
             select draft.author, draft.draft_id
             from draft
             inner join unnest($1::text[], $2::uuid[], $3::text[]) as sent (author, draft_id, etag)
                 on draft.author = sent.author and draft.draft_id = sent.draft_id
             where sent.etag in ('', (extract(epoch from draft.saved_at) * 1000000)::bigint::text)
             for update of draft skip locked
         )",
        &authors,
        &draft_ids,
        &etags,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Erases some drafts that were last saved at a moment or before; gives back how many.
pub(super) async fn erase_expired(
    conn: &mut PgConnection,
    saved_until: OffsetDateTime,
) -> Result<u64> {
    let erased = sqlx::query!(
        "delete from draft where (author, draft_id) in (
             select author, draft_id from draft where saved_at <= $1
             order by saved_at
             limit $2
             for update skip locked
         )",
        saved_until,
        ERASED_AT_ONCE,
    );
    Ok(erased.execute(conn).await?.rows_affected())
}

struct Row {
    author: String,
    draft_id: Uuid,
    created_at: OffsetDateTime,
    saved_at: OffsetDateTime,
    sealed: Vec<u8>,
    wrapped_key: Vec<u8>,
}

impl From<Row> for SavedDraft {
    fn from(row: Row) -> Self {
        Self {
            id: row.draft_id,
            author: row.author,
            times: Times {
                created_at: row.created_at,
                saved_at: row.saved_at,
            },
            content: Sealed {
                sealed: row.sealed,
                data_key: row.wrapped_key,
            },
        }
    }
}

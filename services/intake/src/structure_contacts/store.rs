//! Contacts of structures at rest.

use platform::{Error, Result};
use sqlx::PgConnection;
use time::OffsetDateTime;
use vocabulary::{Finess, ParseError, Role, Word as _};

use super::Update;

/// A set of contacts as it rests: nothing sealed and no key where it is empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct StoredContacts {
    pub(crate) finess: Finess,
    pub(super) sealed_persons: Option<Vec<u8>>,
    pub(super) sealed_mailbox: Option<Vec<u8>>,
    /// The key of both, wrapped.
    pub(super) wrapped_key: Option<Vec<u8>>,
    /// Counts the changes, from 1.
    pub(super) revision: u64,
    pub(super) update: Update,
}

/// Reads the contacts of a structure.
pub(super) async fn find(
    conn: &mut PgConnection,
    finess: Finess,
) -> Result<Option<StoredContacts>> {
    let row = sqlx::query_as!(
        Row,
        "select finess, sealed_persons, sealed_mailbox, wrapped_key, revision, updated_at,
                updated_as, updated_by
         from structure_contacts where finess = $1",
        finess.as_str(),
    );
    let row = row.fetch_optional(conn).await?;
    row.map(StoredContacts::try_from)
        .transpose()
        .map_err(Error::internal)
}

/// Puts the contacts of a structure in the place of those at the revision before; gives back
/// whether these were still there.
pub(super) async fn put(conn: &mut PgConnection, contacts: &StoredContacts) -> Result<bool> {
    let put = sqlx::query!(
        "insert into structure_contacts (finess, sealed_persons, sealed_mailbox, wrapped_key,
                                         revision, updated_at, updated_as, updated_by)
         values ($1, $2, $3, $4, $5, $6, $7, $8)
         on conflict (finess) do update
         set sealed_persons = excluded.sealed_persons, sealed_mailbox = excluded.sealed_mailbox,
             wrapped_key = excluded.wrapped_key, revision = excluded.revision,
             updated_at = excluded.updated_at, updated_as = excluded.updated_as,
             updated_by = excluded.updated_by
         where structure_contacts.revision = excluded.revision - 1",
        contacts.finess.as_str(),
        contacts.sealed_persons,
        contacts.sealed_mailbox,
        contacts.wrapped_key,
        contacts.revision.cast_signed(),
        contacts.update.at,
        contacts.update.role.as_str(),
        contacts.update.author,
    );
    Ok(put.execute(conn).await?.rows_affected() > 0)
}

/// Every set of contacts, by FINESS, those included that were emptied.
pub(crate) async fn contacts_after(
    conn: &mut PgConnection,
    after: Option<&str>,
    limit: i64,
) -> Result<Vec<StoredContacts>> {
    let rows = sqlx::query_as!(
        Row,
        "select finess, sealed_persons, sealed_mailbox, wrapped_key, revision, updated_at,
                updated_as, updated_by
         from structure_contacts where $1::text is null or finess > $1
         order by finess limit $2",
        after,
        limit,
    );
    let rows = rows.fetch_all(conn).await?.into_iter();
    rows.map(StoredContacts::try_from)
        .collect::<Result<_, ParseError>>()
        .map_err(Error::internal)
}

struct Row {
    finess: String,
    sealed_persons: Option<Vec<u8>>,
    sealed_mailbox: Option<Vec<u8>>,
    wrapped_key: Option<Vec<u8>>,
    revision: i64,
    updated_at: OffsetDateTime,
    updated_as: String,
    updated_by: String,
}

impl TryFrom<Row> for StoredContacts {
    type Error = ParseError;

    fn try_from(row: Row) -> Result<Self, ParseError> {
        Ok(Self {
            finess: row.finess.parse()?,
            sealed_persons: row.sealed_persons,
            sealed_mailbox: row.sealed_mailbox,
            wrapped_key: row.wrapped_key,
            revision: row.revision.cast_unsigned(),
            update: Update {
                at: row.updated_at,
                role: Role::stored(&row.updated_as),
                author: row.updated_by,
            },
        })
    }
}

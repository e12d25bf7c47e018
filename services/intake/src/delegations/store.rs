//! Delegations at rest.

use platform::{Error, Result};
use serde::{Deserialize, Serialize};
use service::Sealed;
use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;
use vocabulary::{Finess, ParseError, Role, StructureKey, Word as _};

use super::{Delegate, Delegation};

/// How many delegates one step of the erasure erases.
const ERASED_AT_ONCE: i64 = 500;

/// A place in a list of delegations.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Position {
    /// When the last one was granted.
    #[serde(with = "time::serde::rfc3339")]
    granted_at: OffsetDateTime,
    /// Its id.
    delegation_id: Uuid,
}

impl Position {
    /// The place of a delegation.
    pub(super) fn of(delegation: &Delegation) -> Self {
        Self {
            granted_at: delegation.granted_at,
            delegation_id: delegation.id,
        }
    }
}

/// Whose delegations are listed.
#[derive(Clone, Copy, Debug)]
pub(super) enum Whose<'a> {
    /// Those of a site.
    Site(Finess),
    /// Those of a delegate.
    Delegate(&'a str),
}

/// The sites that delegate to somebody at a moment.
pub(super) async fn delegated_to(
    conn: &mut PgConnection,
    subject: &str,
    now: OffsetDateTime,
) -> Result<Vec<StructureKey>> {
    let sites = sqlx::query_scalar!(
        "select finess from delegation
         where delegate_subject = $1 and until_at > $2 and from_at <= $2 and ended_at is null",
        subject,
        now,
    );
    let sites = sites.fetch_all(conn).await?.into_iter();
    sites
        .map(|finess| finess.parse().map(StructureKey::Finess))
        .collect::<Result<_, ParseError>>()
        .map_err(Error::internal)
}

/// How many delegations of a site have not ended, of which nobody else grants one until the end
/// of the transaction.
pub(super) async fn lock_and_count(
    conn: &mut PgConnection,
    finess: Finess,
    now: OffsetDateTime,
) -> Result<i64> {
    sqlx::query_scalar!(
        "select finess from structure where finess = $1 for update",
        finess.as_str(),
    )
    .fetch_optional(&mut *conn)
    .await?;
    // Another statement: the one that waited does not see what was granted meanwhile.
    let count = sqlx::query_scalar!(
        r#"select count(*) as "count!" from delegation
           where finess = $1 and until_at > $2 and ended_at is null"#,
        finess.as_str(),
        now,
    );
    Ok(count.fetch_one(conn).await?)
}

/// Adds a delegation.
pub(super) async fn insert(conn: &mut PgConnection, delegation: &Delegation) -> Result<()> {
    let delegate = delegation.delegate.as_ref();
    sqlx::query!(
        "insert into delegation (delegation_id, finess, delegate_subject, sealed_name, data_key,
                                 from_at, until_at, granted_at, granted_by, granted_as)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
        delegation.id,
        delegation.finess.as_str(),
        delegate.map(|it| it.subject.as_str()),
        delegate.map(|it| it.name.sealed.as_slice()),
        delegate.map(|it| it.name.data_key.as_slice()),
        delegation.from,
        delegation.until,
        delegation.granted_at,
        delegation.granted_by,
        delegation.granted_as.as_str(),
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Finds a delegation, held until the end of the transaction.
pub(super) async fn lock(conn: &mut PgConnection, id: Uuid) -> Result<Option<Delegation>> {
    let row = sqlx::query_as!(
        Row,
        "select delegation_id, finess, delegate_subject, sealed_name, data_key, from_at, until_at,
                granted_at, granted_by, granted_as, ended_at
         from delegation where delegation_id = $1 for update",
        id,
    );
    let row = row.fetch_optional(conn).await?;
    let found = row.map(Delegation::try_from).transpose();
    found.map_err(Error::internal)
}

/// Keeps who ended a locked delegation, and when.
pub(super) async fn end(conn: &mut PgConnection, delegation: &Delegation, by: &str) -> Result<()> {
    sqlx::query!(
        "update delegation set ended_at = $2, ended_by = $3 where delegation_id = $1",
        delegation.id,
        delegation.ended_at,
        by,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Erases who the delegates were of some delegations that ended before a moment; gives back of
/// how many.
pub(super) async fn erase_ended(
    conn: &mut PgConnection,
    ended_before: OffsetDateTime,
) -> Result<u64> {
    let erased = sqlx::query!(
        "update delegation set delegate_subject = null, sealed_name = null, data_key = null
         where delegation_id in (
             select delegation_id from delegation
             where delegate_subject is not null and least(ended_at, until_at) < $1
             order by least(ended_at, until_at)
             limit $2
             for update skip locked
         )",
        ended_before,
        ERASED_AT_ONCE,
    );
    Ok(erased.execute(conn).await?.rows_affected())
}

/// A page of delegations, the latest granted first.
pub(super) async fn page(
    conn: &mut PgConnection,
    whose: Whose<'_>,
    after: Option<Position>,
    limit: i64,
) -> Result<Vec<Delegation>> {
    let (granted_at, id) = after.map(|it| (it.granted_at, it.delegation_id)).unzip();
    // Two queries, each with its index: the places of both lists are in its order.
    let rows = match whose {
        Whose::Site(finess) => {
            let rows = sqlx::query_as!(
                Row,
                "select delegation_id, finess, delegate_subject, sealed_name, data_key, from_at,
                        until_at, granted_at, granted_by, granted_as, ended_at
                 from delegation
                 where finess = $1
                     and ($2::timestamptz is null or (granted_at, delegation_id) < ($2, $3::uuid))
                 order by granted_at desc, delegation_id desc
                 limit $4",
                finess.as_str(),
                granted_at,
                id,
                limit,
            );
            rows.fetch_all(conn).await?
        }
        Whose::Delegate(subject) => {
            let rows = sqlx::query_as!(
                Row,
                "select delegation_id, finess, delegate_subject, sealed_name, data_key, from_at,
                        until_at, granted_at, granted_by, granted_as, ended_at
                 from delegation
                 where delegate_subject = $1
                     and ($2::timestamptz is null or (granted_at, delegation_id) < ($2, $3::uuid))
                 order by granted_at desc, delegation_id desc
                 limit $4",
                subject,
                granted_at,
                id,
                limit,
            );
            rows.fetch_all(conn).await?
        }
    };
    let delegations = rows.into_iter().map(Delegation::try_from);
    delegations
        .collect::<Result<_, ParseError>>()
        .map_err(Error::internal)
}

struct Row {
    delegation_id: Uuid,
    finess: String,
    delegate_subject: Option<String>,
    sealed_name: Option<Vec<u8>>,
    data_key: Option<Vec<u8>>,
    from_at: OffsetDateTime,
    until_at: OffsetDateTime,
    granted_at: OffsetDateTime,
    granted_by: String,
    granted_as: String,
    ended_at: Option<OffsetDateTime>,
}

impl TryFrom<Row> for Delegation {
    type Error = ParseError;

    fn try_from(row: Row) -> Result<Self, ParseError> {
        let name = row.sealed_name.zip(row.data_key);
        let delegate = row.delegate_subject.zip(name);
        let delegate = delegate.map(|(subject, (sealed, data_key))| Delegate {
            subject,
            name: Sealed { sealed, data_key },
        });
        Ok(Self {
            id: row.delegation_id,
            finess: row.finess.parse()?,
            delegate,
            from: row.from_at,
            until: row.until_at,
            granted_at: row.granted_at,
            granted_by: row.granted_by,
            granted_as: Role::stored(&row.granted_as),
            ended_at: row.ended_at,
        })
    }
}

//! Consequences for care at rest.

use platform::Result;
use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;
use vocabulary::{CareConsequenceKind, Region, Role, Word as _};

use super::Consequence;

/// The number that the next consequence gets of a case that the transaction has locked.
pub(super) async fn next_number(conn: &mut PgConnection, case_id: Uuid) -> Result<u64> {
    let number = sqlx::query_scalar!(
        r#"select coalesce(max(number), 0) + 1 as "number!" from care_consequence
           where case_id = $1"#,
        case_id,
    )
    .fetch_one(conn)
    .await?;
    Ok(number.cast_unsigned())
}

/// Adds a consequence to a case that the transaction has locked.
pub(super) async fn insert(conn: &mut PgConnection, consequence: &Consequence) -> Result<()> {
    sqlx::query!(
        "insert into care_consequence (case_id, number, consequence_id, revision, region, kind,
                                       persons, begun_at, ended_at, author_role, author_subject,
                                       recorded_at, changed_at, sealed_texts)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)",
        consequence.case_id,
        consequence.number.cast_signed(),
        consequence.id,
        consequence.revision.cast_signed(),
        consequence.region.map(Region::code),
        consequence.kind.as_str(),
        consequence.persons.map(i64::from),
        consequence.begun_at,
        consequence.ended_at,
        consequence.author_role.as_str(),
        consequence.author,
        consequence.recorded_at,
        consequence.changed_at,
        consequence.sealed_texts,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Writes what may change of a consequence of a case that the transaction has locked.
pub(super) async fn update(conn: &mut PgConnection, consequence: &Consequence) -> Result<()> {
    sqlx::query!(
        "update care_consequence
         set revision = $2, kind = $3, persons = $4, begun_at = $5, ended_at = $6,
             changed_at = $7, sealed_texts = $8
         where consequence_id = $1",
        consequence.id,
        consequence.revision.cast_signed(),
        consequence.kind.as_str(),
        consequence.persons.map(i64::from),
        consequence.begun_at,
        consequence.ended_at,
        consequence.changed_at,
        consequence.sealed_texts,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The case of a consequence.
pub(super) async fn case_of(conn: &mut PgConnection, id: Uuid) -> Result<Option<Uuid>> {
    let case_id = sqlx::query_scalar!(
        "select case_id from care_consequence where consequence_id = $1",
        id,
    );
    Ok(case_id.fetch_optional(conn).await?)
}

/// Reads a consequence.
pub(super) async fn find(conn: &mut PgConnection, id: Uuid) -> Result<Option<Consequence>> {
    let row = sqlx::query_as!(
        Row,
        "select case_id, number, consequence_id, revision, region, kind, persons, begun_at,
                ended_at, author_role, author_subject, recorded_at, changed_at, sealed_texts
         from care_consequence where consequence_id = $1",
        id,
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(Consequence::from))
}

/// Reads a page of the consequences of a case, newest first: those below a number.
pub(super) async fn page(
    conn: &mut PgConnection,
    case_id: Uuid,
    below: Option<u64>,
    limit: i64,
) -> Result<Vec<Consequence>> {
    let rows = sqlx::query_as!(
        Row,
        "select case_id, number, consequence_id, revision, region, kind, persons, begun_at,
                ended_at, author_role, author_subject, recorded_at, changed_at, sealed_texts
         from care_consequence
         where case_id = $1 and ($2::bigint is null or number < $2)
         order by number desc
         limit $3",
        case_id,
        below.map(|below| i64::try_from(below).unwrap_or(i64::MAX)),
        limit,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(Consequence::from).collect())
}

struct Row {
    case_id: Uuid,
    number: i64,
    consequence_id: Uuid,
    revision: i64,
    region: Option<String>,
    kind: String,
    persons: Option<i64>,
    begun_at: OffsetDateTime,
    ended_at: Option<OffsetDateTime>,
    author_role: String,
    author_subject: String,
    recorded_at: OffsetDateTime,
    changed_at: OffsetDateTime,
    sealed_texts: Vec<u8>,
}

impl From<Row> for Consequence {
    fn from(row: Row) -> Self {
        Self {
            id: row.consequence_id,
            case_id: row.case_id,
            number: row.number.cast_unsigned(),
            revision: row.revision.cast_unsigned(),
            region: row.region.and_then(|code| code.parse().ok()),
            kind: CareConsequenceKind::stored(&row.kind),
            persons: row.persons.and_then(|persons| persons.try_into().ok()),
            begun_at: row.begun_at,
            ended_at: row.ended_at,
            author_role: Role::stored(&row.author_role),
            author: row.author_subject,
            recorded_at: row.recorded_at,
            changed_at: row.changed_at,
            sealed_texts: row.sealed_texts,
        }
    }
}

//! Accompaniment at rest.

use platform::Result;
use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;
use vocabulary::{AccompanimentGiver, AccompanimentState, Region, Role, Word as _};

use super::{Accompaniment, Person};

/// Accompaniment as it rests: without its texts, which are sealed beside it.
pub(super) type Resting = (Accompaniment, Vec<u8>);

/// Adds accompaniment to a case that the transaction has locked; gives back its number.
pub(super) async fn insert(
    conn: &mut PgConnection,
    accompaniment: &Accompaniment,
    sealed_texts: &[u8],
) -> Result<u64> {
    let number = sqlx::query_scalar!(
        "insert into accompaniment (accompaniment_id, case_id, number, revision, state, giver,
                                    giver_region, asked_at, offered_at, actor_role,
                                    actor_subject, changed_at, sealed_texts)
         select $1, $2, coalesce(max(number), 0) + 1, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12
         from accompaniment where case_id = $2
         returning number",
        accompaniment.id,
        accompaniment.case_id,
        accompaniment.revision.cast_signed(),
        accompaniment.state.as_str(),
        accompaniment.giver.map(AccompanimentGiver::as_str),
        accompaniment.giver_region.map(Region::code),
        accompaniment.asked_at,
        accompaniment.offered_at,
        accompaniment.actor.role.as_str(),
        accompaniment.actor.subject,
        accompaniment.changed_at,
        sealed_texts,
    )
    .fetch_one(conn)
    .await?;
    Ok(number.cast_unsigned())
}

/// Writes what may change of accompaniment of a case that the transaction has locked; its
/// texts where they are given.
pub(super) async fn update(
    conn: &mut PgConnection,
    accompaniment: &Accompaniment,
    sealed_texts: Option<&[u8]>,
) -> Result<()> {
    sqlx::query!(
        "update accompaniment
         set revision = $2, state = $3, giver = $4, giver_region = $5, offered_at = $6,
             answered_at = $7, begun_at = $8, ended_at = $9, actor_role = $10,
             actor_subject = $11, changed_at = $12, sealed_texts = coalesce($13, sealed_texts)
         where accompaniment_id = $1",
        accompaniment.id,
        accompaniment.revision.cast_signed(),
        accompaniment.state.as_str(),
        accompaniment.giver.map(AccompanimentGiver::as_str),
        accompaniment.giver_region.map(Region::code),
        accompaniment.offered_at,
        accompaniment.answered_at,
        accompaniment.begun_at,
        accompaniment.ended_at,
        accompaniment.actor.role.as_str(),
        accompaniment.actor.subject,
        accompaniment.changed_at,
        sealed_texts,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The case of accompaniment.
pub(super) async fn case_of(conn: &mut PgConnection, id: Uuid) -> Result<Option<Uuid>> {
    let case_id = sqlx::query_scalar!(
        "select case_id from accompaniment where accompaniment_id = $1",
        id,
    );
    Ok(case_id.fetch_optional(conn).await?)
}

/// Reads accompaniment.
pub(super) async fn find(conn: &mut PgConnection, id: Uuid) -> Result<Option<Resting>> {
    let row = sqlx::query_as!(
        Row,
        "select accompaniment_id, case_id, number, revision, state, giver, giver_region, asked_at,
                offered_at, answered_at, begun_at, ended_at, actor_role, actor_subject, changed_at,
                sealed_texts
         from accompaniment where accompaniment_id = $1",
        id,
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(Row::into_resting))
}

/// Reads a page of the accompaniment of a case, newest first: that below a number.
pub(super) async fn page(
    conn: &mut PgConnection,
    case_id: Uuid,
    below: Option<u64>,
    limit: i64,
) -> Result<Vec<Resting>> {
    let rows = sqlx::query_as!(
        Row,
        "select accompaniment_id, case_id, number, revision, state, giver, giver_region, asked_at,
                offered_at, answered_at, begun_at, ended_at, actor_role, actor_subject, changed_at,
                sealed_texts
         from accompaniment
         where case_id = $1 and ($2::bigint is null or number < $2)
         order by number desc
         limit $3",
        case_id,
        below.map(|below| i64::try_from(below).unwrap_or(i64::MAX)),
        limit,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(Row::into_resting).collect())
}

/// Reads the accompaniment of a case that is to be answered, begun or ended yet.
pub(super) async fn open(conn: &mut PgConnection, case_id: Uuid) -> Result<Vec<Resting>> {
    let mut all = page(conn, case_id, None, i64::MAX).await?;
    all.retain(|(accompaniment, _)| accompaniment.is_open());
    Ok(all)
}

struct Row {
    accompaniment_id: Uuid,
    case_id: Uuid,
    number: i64,
    revision: i64,
    state: String,
    giver: Option<String>,
    giver_region: Option<String>,
    asked_at: Option<OffsetDateTime>,
    offered_at: Option<OffsetDateTime>,
    answered_at: Option<OffsetDateTime>,
    begun_at: Option<OffsetDateTime>,
    ended_at: Option<OffsetDateTime>,
    actor_role: String,
    actor_subject: String,
    changed_at: OffsetDateTime,
    sealed_texts: Vec<u8>,
}

impl Row {
    fn into_resting(self) -> Resting {
        let accompaniment = Accompaniment {
            id: self.accompaniment_id,
            case_id: self.case_id,
            number: self.number.cast_unsigned(),
            revision: self.revision.cast_unsigned(),
            state: AccompanimentState::stored(&self.state),
            giver: self.giver.as_deref().map(AccompanimentGiver::stored),
            giver_region: self.giver_region.and_then(|code| code.parse().ok()),
            asked_at: self.asked_at,
            offered_at: self.offered_at,
            answered_at: self.answered_at,
            begun_at: self.begun_at,
            ended_at: self.ended_at,
            actor: Person {
                role: Role::stored(&self.actor_role),
                subject: self.actor_subject,
            },
            changed_at: self.changed_at,
            texts: None,
        };
        (accompaniment, self.sealed_texts)
    }
}

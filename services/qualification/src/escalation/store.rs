//! Escalations, the rota and decisions at rest.

use platform::Result;
use service::Sealed;
use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;
use vocabulary::{Role, Word as _};

use super::{Acknowledger, Call, Cause, Decision, Escalation, Shift, State};

/// An escalation that is about to begin.
pub(super) struct NewEscalation {
    pub(super) id: Uuid,
    pub(super) case_id: Uuid,
    pub(super) cause: Cause,
    pub(super) begun_at: OffsetDateTime,
    pub(super) lapses_at: OffsetDateTime,
}

/// Begins an escalation, of a case that the transaction has locked or opened; tells whether
/// it is new and no other runs on the case.
pub(super) async fn begin(conn: &mut PgConnection, new: &NewEscalation) -> Result<bool> {
    let begun = sqlx::query!(
        "insert into escalation (escalation_id, case_id, number, cause, state, begun_at,
                                 lapses_at, next_step)
         select $1, $2, coalesce(max(number), 0) + 1, $3, 'running', $4, $5, 1
         from escalation where case_id = $2
         on conflict do nothing",
        new.id,
        new.case_id,
        new.cause.as_str(),
        new.begun_at,
        new.lapses_at,
    );
    Ok(begun.execute(conn).await?.rows_affected() > 0)
}

/// Has an escalation that the transaction has locked take another step next.
pub(super) async fn advance(conn: &mut PgConnection, id: Uuid, next_step: i32) -> Result<()> {
    sqlx::query!(
        "update escalation set next_step = $2 where escalation_id = $1",
        id,
        next_step,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Writes how an escalation ended that the transaction has locked.
pub(super) async fn end(conn: &mut PgConnection, ended: &Escalation) -> Result<()> {
    let (role, subject, step) = match &ended.acknowledged_by {
        Some(Acknowledger::Person { role, subject }) => {
            (Some(role.as_str()), Some(subject.as_str()), None)
        }
        Some(Acknowledger::Link(step)) => (None, None, Some(*step)),
        None => (None, None, None),
    };
    sqlx::query!(
        "update escalation
         set state = $2, ended_at = $3, acknowledged_role = $4, acknowledged_subject = $5,
             acknowledged_step = $6
         where escalation_id = $1",
        ended.id,
        ended.state.as_str(),
        ended.ended_at,
        role,
        subject,
        step,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Reads an escalation and keeps others from changing it.
pub(super) async fn lock(conn: &mut PgConnection, id: Uuid) -> Result<Option<Escalation>> {
    let locked = sqlx::query_scalar!(
        "select escalation_id from escalation where escalation_id = $1 for update",
        id,
    );
    match locked.fetch_optional(&mut *conn).await? {
        Some(id) => find(conn, id).await,
        None => Ok(None),
    }
}

/// Reads an escalation.
pub(super) async fn find(conn: &mut PgConnection, id: Uuid) -> Result<Option<Escalation>> {
    let row = sqlx::query_as!(
        Row,
        "select escalation_id, case_id, number, cause, state, begun_at, lapses_at, next_step,
                ended_at, acknowledged_role, acknowledged_subject, acknowledged_step
         from escalation
         where escalation_id = $1",
        id,
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(Escalation::from))
}

/// Reads a page of the escalations of a case, newest first: those below a number.
pub(super) async fn page(
    conn: &mut PgConnection,
    case_id: Uuid,
    below: Option<u64>,
    limit: i64,
) -> Result<Vec<Escalation>> {
    let rows = sqlx::query_as!(
        Row,
        "select escalation_id, case_id, number, cause, state, begun_at, lapses_at, next_step,
                ended_at, acknowledged_role, acknowledged_subject, acknowledged_step
         from escalation
         where case_id = $1 and ($2::bigint is null or number < $2)
         order by number desc
         limit $3",
        case_id,
        below.map(|below| i64::try_from(below).unwrap_or(i64::MAX)),
        limit,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(Escalation::from).collect())
}

/// Adds a call, with what rests of the token of its link.
pub(super) async fn insert_call(
    conn: &mut PgConnection,
    call: &Call,
    token_hash: &[u8],
) -> Result<()> {
    sqlx::query!(
        "insert into escalation_call (escalation_id, step, called_at, sealed_name, data_key,
                                      token_hash)
         values ($1, $2, $3, $4, $5, $6)",
        call.escalation_id,
        call.step,
        call.called_at,
        call.sealed_name,
        call.data_key,
        token_hash,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// How many calls an escalation has made since a moment.
pub(super) async fn calls_since(
    conn: &mut PgConnection,
    id: Uuid,
    since: OffsetDateTime,
) -> Result<u64> {
    let calls = sqlx::query_scalar!(
        r#"select count(*) as "calls!" from escalation_call
           where escalation_id = $1 and called_at >= $2"#,
        id,
        since,
    )
    .fetch_one(conn)
    .await?;
    Ok(calls.cast_unsigned())
}

/// Reads the calls of these escalations, oldest first.
pub(super) async fn calls(conn: &mut PgConnection, ids: &[Uuid]) -> Result<Vec<Call>> {
    let rows = sqlx::query!(
        "select escalation_id, step, called_at, sealed_name, data_key
         from escalation_call
         where escalation_id = any($1)
         order by step",
        ids,
    )
    .fetch_all(conn)
    .await?;
    let calls = rows.into_iter().map(|row| Call {
        escalation_id: row.escalation_id,
        step: row.step,
        called_at: row.called_at,
        sealed_name: row.sealed_name,
        data_key: row.data_key,
    });
    Ok(calls.collect())
}

/// The escalation and the step of the call whose token has this hash.
pub(super) async fn called_by(
    conn: &mut PgConnection,
    token_hash: &[u8],
) -> Result<Option<(Uuid, i32)>> {
    let row = sqlx::query!(
        "select escalation_id, step from escalation_call where token_hash = $1",
        token_hash,
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|row| (row.escalation_id, row.step)))
}

/// Puts a rota in the place of the one there is.
pub(super) async fn put_rota(conn: &mut PgConnection, shifts: &[Shift]) -> Result<()> {
    // Of two rotas that are put at once the later one holds, whole.
    sqlx::query!("lock table rota_shift in share row exclusive mode")
        .execute(&mut *conn)
        .await?;
    sqlx::query!("delete from rota_shift")
        .execute(&mut *conn)
        .await?;
    for shift in shifts {
        sqlx::query!(
            "insert into rota_shift (number, starts_at, ends_at, sealed_people, data_key)
             values ($1, $2, $3, $4, $5)",
            shift.number.cast_signed(),
            shift.starts_at,
            shift.ends_at,
            shift.people.sealed,
            shift.people.data_key,
        )
        .execute(&mut *conn)
        .await?;
    }
    Ok(())
}

/// Reads a page of the rota: the shifts above a number.
pub(super) async fn rota(
    conn: &mut PgConnection,
    above: Option<u64>,
    limit: i64,
) -> Result<Vec<Shift>> {
    let rows = sqlx::query_as!(
        ShiftRow,
        "select number, starts_at, ends_at, sealed_people, data_key
         from rota_shift
         where $1::bigint is null or number > $1
         order by number
         limit $2",
        above.map(|above| i64::try_from(above).unwrap_or(i64::MAX)),
        limit,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(Shift::from).collect())
}

/// Reads the shift of a moment.
pub(super) async fn shift_at(conn: &mut PgConnection, at: OffsetDateTime) -> Result<Option<Shift>> {
    let row = sqlx::query_as!(
        ShiftRow,
        "select number, starts_at, ends_at, sealed_people, data_key
         from rota_shift
         where starts_at <= $1 and ends_at > $1",
        at,
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(Shift::from))
}

/// When the shifts of the rota begin and end.
pub(super) async fn shifts(
    conn: &mut PgConnection,
) -> Result<Vec<(OffsetDateTime, OffsetDateTime)>> {
    let shifts = sqlx::query!("select starts_at, ends_at from rota_shift");
    let shifts = shifts.fetch_all(conn).await?.into_iter();
    Ok(shifts
        .map(|shift| (shift.starts_at, shift.ends_at))
        .collect())
}

/// Adds a decision on a case that the transaction has locked; gives back its number.
pub(super) async fn insert_decision(conn: &mut PgConnection, decision: &Decision) -> Result<u64> {
    let number = sqlx::query_scalar!(
        "insert into decision (decision_id, case_id, number, recorded_subject, recorded_at,
                               sealed_text)
         select $1, $2, coalesce(max(number), 0) + 1, $3, $4, $5
         from decision where case_id = $2
         returning number",
        decision.id,
        decision.case_id,
        decision.recorded_by,
        decision.recorded_at,
        decision.sealed_text,
    )
    .fetch_one(conn)
    .await?;
    Ok(number.cast_unsigned())
}

/// Reads a page of the decisions on a case, newest first: those below a number.
pub(super) async fn decisions(
    conn: &mut PgConnection,
    case_id: Uuid,
    below: Option<u64>,
    limit: i64,
) -> Result<Vec<Decision>> {
    let rows = sqlx::query!(
        "select decision_id, case_id, number, recorded_subject, recorded_at, sealed_text
         from decision
         where case_id = $1 and ($2::bigint is null or number < $2)
         order by number desc
         limit $3",
        case_id,
        below.map(|below| i64::try_from(below).unwrap_or(i64::MAX)),
        limit,
    )
    .fetch_all(conn)
    .await?;
    let decisions = rows.into_iter().map(|row| Decision {
        id: row.decision_id,
        case_id: row.case_id,
        number: row.number.cast_unsigned(),
        recorded_by: row.recorded_subject,
        recorded_at: row.recorded_at,
        sealed_text: row.sealed_text,
    });
    Ok(decisions.collect())
}

struct ShiftRow {
    number: i64,
    starts_at: OffsetDateTime,
    ends_at: OffsetDateTime,
    sealed_people: Vec<u8>,
    data_key: Vec<u8>,
}

impl From<ShiftRow> for Shift {
    fn from(row: ShiftRow) -> Self {
        Self {
            number: row.number.cast_unsigned(),
            starts_at: row.starts_at,
            ends_at: row.ends_at,
            people: Sealed {
                sealed: row.sealed_people,
                data_key: row.data_key,
            },
        }
    }
}

struct Row {
    escalation_id: Uuid,
    case_id: Uuid,
    number: i64,
    cause: String,
    state: String,
    begun_at: OffsetDateTime,
    lapses_at: OffsetDateTime,
    next_step: i32,
    ended_at: Option<OffsetDateTime>,
    acknowledged_role: Option<String>,
    acknowledged_subject: Option<String>,
    acknowledged_step: Option<i32>,
}

impl From<Row> for Escalation {
    fn from(row: Row) -> Self {
        let person = row.acknowledged_role.zip(row.acknowledged_subject);
        let person = person.map(|(role, subject)| Acknowledger::Person {
            role: Role::stored(&role),
            subject,
        });
        Self {
            id: row.escalation_id,
            case_id: row.case_id,
            number: row.number.cast_unsigned(),
            cause: Cause::stored(&row.cause),
            state: State::stored(&row.state),
            begun_at: row.begun_at,
            lapses_at: row.lapses_at,
            next_step: row.next_step,
            ended_at: row.ended_at,
            acknowledged_by: person.or(row.acknowledged_step.map(Acknowledger::Link)),
        }
    }
}

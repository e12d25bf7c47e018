//! What the sides have read of the exchanges, at rest.

use std::collections::{BTreeMap, HashMap};

use platform::{Caller, Result};
use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;
use vocabulary::Role;

use super::side::Side;
use crate::cases::{self, Case};

/// Those who take part in the exchanges.
pub(super) const AUTHORS: &[Role] = &[
    Role::Declarant,
    Role::Analyst,
    Role::RegionalAgent,
    Role::SecurityOfficer,
];

/// When the sides read a message.
pub(super) type ReadAt = BTreeMap<Side, OffsetDateTime>;

/// Finds the number of a message of the exchanges that a side reads.
pub(super) async fn number_of(
    conn: &mut PgConnection,
    case_id: Uuid,
    message_id: Uuid,
    side: Side,
) -> Result<Option<u64>> {
    let number = sqlx::query_scalar!(
        "select number from case_message
         where case_id = $1 and message_id = $2 and ($3 or audience = 'structure')",
        case_id,
        message_id,
        side != Side::Structure,
    )
    .fetch_optional(conn)
    .await?;
    Ok(number.map(i64::cast_unsigned))
}

/// Marks the exchanges on a case as read by a side, up to a number, unless it had read further;
/// gives back up to where it has. Two marks at once both rest: the lower one is no lie.
pub(super) async fn mark(
    conn: &mut PgConnection,
    case_id: Uuid,
    side: Side,
    up_to: u64,
    at: OffsetDateTime,
) -> Result<u64> {
    let before = sqlx::query_scalar!(
        "select max(up_to) from message_read where case_id = $1 and side = $2",
        case_id,
        side.to_string(),
    )
    .fetch_one(&mut *conn)
    .await?;
    let before = before.map_or(0, i64::cast_unsigned);
    if before >= up_to {
        return Ok(before);
    }
    sqlx::query!(
        "insert into message_read (case_id, side, up_to, read_at) values ($1, $2, $3, $4)
         on conflict do nothing",
        case_id,
        side.to_string(),
        up_to.cast_signed(),
        at,
    )
    .execute(conn)
    .await?;
    Ok(up_to)
}

/// Forgets what the side of the structure has read on these cases: it is another structure now,
/// which has read nothing.
pub(crate) async fn forget_structures(conn: &mut PgConnection, case_ids: &[Uuid]) -> Result<()> {
    if case_ids.is_empty() {
        return Ok(());
    }
    sqlx::query!(
        "delete from message_read where case_id = any($1) and side = $2",
        case_ids,
        Side::Structure.to_string(),
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Reads when each side read these messages of a case: with the first of its marks that
/// reaches them.
pub(super) async fn read_at(
    conn: &mut PgConnection,
    case_id: Uuid,
    numbers: &[u64],
) -> Result<HashMap<u64, ReadAt>> {
    let numbers: Vec<i64> = numbers.iter().map(|number| number.cast_signed()).collect();
    let rows = sqlx::query!(
        r#"select number as "number!", mark.side as "side!", mark.read_at as "read_at!"
           from unnest($2::bigint[]) as number
           cross join lateral (
               select distinct on (side) side, read_at
               from message_read
               where case_id = $1 and up_to >= number
               order by side, up_to
           ) as mark"#,
        case_id,
        &numbers,
    )
    .fetch_all(conn)
    .await?;
    let mut read: HashMap<u64, ReadAt> = HashMap::new();
    for row in rows {
        if let Some(side) = Side::stored(&row.side) {
            let marks = read.entry(row.number.cast_unsigned()).or_default();
            marks.insert(side, row.read_at);
        }
    }
    Ok(read)
}

/// Counts, for each of these cases, the messages that the side of a caller has yet to read: at
/// most a hundred. None for who takes no part in the exchanges.
pub(crate) async fn unread(
    conn: &mut PgConnection,
    cases: &[&Case],
    caller: &Caller,
) -> Result<HashMap<Uuid, u32>> {
    let asked = cases.iter().filter_map(|case| {
        let role = cases::acting_on(case, caller, AUTHORS).ok()?;
        let side = Side::of(role, caller.region)?;
        Some((case.id, side.to_string(), role.as_str().to_owned()))
    });
    let (mut case_ids, mut sides, mut roles) = (Vec::new(), Vec::new(), Vec::new());
    for (case_id, side, role) in asked {
        case_ids.push(case_id);
        sides.push(side);
        roles.push(role);
    }
    if case_ids.is_empty() {
        return Ok(HashMap::new());
    }
    let rows = sqlx::query_file!("src/messages/sql/unread.sql", &case_ids, &sides, &roles)
        .fetch_all(conn)
        .await?;
    let count = |count: i64| u32::try_from(count).unwrap_or(u32::MAX);
    Ok(rows
        .into_iter()
        .map(|row| (row.case_id, count(row.unread)))
        .collect())
}

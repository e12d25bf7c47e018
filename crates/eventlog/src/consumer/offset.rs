//! The rows that say how far a consumer has applied.

use std::collections::BTreeMap;

use sqlx::PgConnection;
use uuid::Uuid;

use super::Core;

/// How far every shard was applied.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Offsets {
    /// By shard.
    pub(super) shards: Vec<Offset>,
    /// Why the consumer waits for an operator.
    pub(super) stopped: Option<String>,
}

/// How far one shard was applied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Offset {
    pub(super) shard: u16,
    /// The history it belongs to; `None` asks for a start from a snapshot.
    pub(super) incarnation: Option<Uuid>,
    pub(super) position: u64,
}

/// An offset row held until the end of the transaction.
#[derive(Debug)]
pub(super) struct Held {
    pub(super) incarnation: Option<Uuid>,
    pub(super) position: u64,
    /// Whether the consumer waits for an operator.
    pub(super) stopped: bool,
}

/// Whether anything of some shards is parked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Parked {
    Nothing,
    Something,
}

impl Offsets {
    pub(super) fn is_empty(&self) -> bool {
        self.shards.is_empty()
    }

    /// The history that the offsets belong to; `None` asks for a snapshot.
    pub(super) fn incarnation(&self) -> Option<Uuid> {
        let mut all = self.shards.iter().map(|offset| offset.incarnation);
        let first = all.next().flatten()?;
        all.all(|other| other == Some(first)).then_some(first)
    }
}

/// Reads the offsets of a consumer.
pub(super) async fn load(core: &Core) -> platform::Result<Offsets> {
    let rows = sqlx::query!(
        "select shard, incarnation, position, stopped from consumer_offset
         where consumer = $1 and producer = $2 order by shard",
        core.name,
        core.producer,
    )
    .fetch_all(&core.pool)
    .await?;
    let stopped = rows.iter().find_map(|row| row.stopped.clone());
    let shards = rows.into_iter().map(|row| Offset {
        shard: u16::try_from(row.shard).expect("a log has at most 1,024 shards"),
        incarnation: row.incarnation,
        position: row.position.cast_unsigned(),
    });
    Ok(Offsets {
        shards: shards.collect(),
        stopped,
    })
}

/// Notes why the consumer waits for an operator, unless one just adopted the
/// log's history.
pub(super) async fn stop(core: &Core, why: &str) -> platform::Result<()> {
    sqlx::query!(
        "update consumer_offset set stopped = $3
         where consumer = $1 and producer = $2 and incarnation is not null",
        core.name,
        core.producer,
        why,
    )
    .execute(&core.pool)
    .await?;
    Ok(())
}

/// Makes the offsets of a new consumer, unless another replica was faster.
pub(super) async fn create(
    core: &Core,
    shards: usize,
    incarnation: Option<Uuid>,
) -> platform::Result<()> {
    let shards = i32::try_from(shards).expect("a log has at most 1,024 shards");
    sqlx::query!(
        "insert into consumer_offset (consumer, producer, shard, incarnation, position, moved_at)
         select $1, $2, shard, $4, 0, $5 from generate_series(0, $3::integer - 1) as shard
         on conflict do nothing",
        core.name,
        core.producer,
        shards,
        incarnation,
        platform::now(),
    )
    .execute(&core.pool)
    .await?;
    Ok(())
}

/// Takes the rows of shards, but for those that another replica has.
pub(super) async fn take(
    conn: &mut PgConnection,
    core: &Core,
    shards: &[u16],
) -> Result<BTreeMap<u16, Held>, sqlx::Error> {
    let shards: Vec<i32> = shards.iter().copied().map(i32::from).collect();
    let held = sqlx::query!(
        r#"select shard, incarnation, position, stopped is not null as "stopped!"
           from consumer_offset
           where consumer = $1 and producer = $2 and shard = any($3)
           for update skip locked"#,
        core.name,
        core.producer,
        &shards,
    )
    .fetch_all(conn)
    .await?;
    let held = held.into_iter().map(|row| {
        let shard = u16::try_from(row.shard).expect("a log has at most 1,024 shards");
        let held = Held {
            incarnation: row.incarnation,
            position: row.position.cast_unsigned(),
            stopped: row.stopped,
        };
        (shard, held)
    });
    Ok(held.collect())
}

/// Takes the row of a shard, and waits while another replica has it; `None` when
/// there is no such row.
pub(super) async fn wait_for(
    conn: &mut PgConnection,
    core: &Core,
    shard: u16,
) -> Result<Option<Held>, sqlx::Error> {
    let held = sqlx::query!(
        r#"select incarnation, position, stopped is not null as "stopped!" from consumer_offset
           where consumer = $1 and producer = $2 and shard = $3
           for update"#,
        core.name,
        core.producer,
        i32::from(shard),
    )
    .fetch_optional(conn)
    .await?;
    Ok(held.map(|row| Held {
        incarnation: row.incarnation,
        position: row.position.cast_unsigned(),
        stopped: row.stopped,
    }))
}

/// Moves rows, which the transaction holds, to these positions of their shards;
/// says whether anything of the shards is parked.
///
/// Only a statement that begins once the rows are held sees all that was parked: the
/// one that takes them may have begun before another replica parked and let go.
pub(super) async fn set(
    conn: &mut PgConnection,
    core: &Core,
    incarnation: Uuid,
    places: &[(u16, u64)],
) -> Result<Parked, sqlx::Error> {
    let shards: Vec<i32> = places.iter().map(|&(shard, _)| i32::from(shard)).collect();
    let positions: Vec<i64> = places
        .iter()
        .map(|&(_, position)| position.cast_signed())
        .collect();
    let parked = sqlx::query_scalar!(
        r#"with moved as (
               update consumer_offset o set incarnation = $3, position = p.position, moved_at = $6
               from unnest($4::integer [], $5::bigint []) as p (shard, position)
               where o.consumer = $1 and o.producer = $2 and o.shard = p.shard
           )
           select exists(
               select from parked_event
               where consumer = $1 and producer = $2 and shard = any($4)
           ) as "parked!""#,
        core.name,
        core.producer,
        incarnation,
        &shards,
        &positions,
        platform::now(),
    )
    .fetch_one(conn)
    .await?;
    Ok(if parked {
        Parked::Something
    } else {
        Parked::Nothing
    })
}

//! The rows that say how far a consumer has applied.

use std::collections::BTreeMap;

use sqlx::PgConnection;
use uuid::Uuid;

use super::ConsumerContext;

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

/// An offset row locked until the end of the transaction.
#[derive(Debug)]
pub(super) struct LockedOffset {
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
pub(super) async fn load(context: &ConsumerContext) -> platform::Result<Offsets> {
    let rows = sqlx::query!(
        "select shard, incarnation, position, stopped from consumer_offset
         where consumer = $1 and producer = $2 order by shard",
        context.name,
        context.producer,
    )
    .fetch_all(&context.pool)
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
pub(super) async fn stop(context: &ConsumerContext, why: &str) -> platform::Result<()> {
    sqlx::query!(
        "update consumer_offset set stopped = $3
         where consumer = $1 and producer = $2 and incarnation is not null",
        context.name,
        context.producer,
        why,
    )
    .execute(&context.pool)
    .await?;
    Ok(())
}

/// Makes the offsets of a new consumer, unless another replica was faster.
pub(super) async fn create(
    context: &ConsumerContext,
    shards: usize,
    incarnation: Option<Uuid>,
) -> platform::Result<()> {
    let shards = i32::try_from(shards).expect("a log has at most 1,024 shards");
    sqlx::query!(
        "insert into consumer_offset (consumer, producer, shard, incarnation, position, moved_at)
         select $1, $2, shard, $4, 0, $5 from generate_series(0, $3::integer - 1) as shard
         on conflict do nothing",
        context.name,
        context.producer,
        shards,
        incarnation,
        platform::now(),
    )
    .execute(&context.pool)
    .await?;
    Ok(())
}

/// Takes the rows of shards, but for those that another replica has.
pub(super) async fn take(
    conn: &mut PgConnection,
    context: &ConsumerContext,
    shards: &[u16],
) -> Result<BTreeMap<u16, LockedOffset>, sqlx::Error> {
    let shards: Vec<i32> = shards.iter().copied().map(i32::from).collect();
    let locked = sqlx::query!(
        r#"select shard, incarnation, position, stopped is not null as "stopped!"
           from consumer_offset
           where consumer = $1 and producer = $2 and shard = any($3)
           for update skip locked"#,
        context.name,
        context.producer,
        &shards,
    )
    .fetch_all(conn)
    .await?;
    let locked = locked.into_iter().map(|row| {
        let shard = u16::try_from(row.shard).expect("a log has at most 1,024 shards");
        let locked = LockedOffset {
            incarnation: row.incarnation,
            position: row.position.cast_unsigned(),
            stopped: row.stopped,
        };
        (shard, locked)
    });
    Ok(locked.collect())
}

/// Takes the row of a shard, and waits while another replica has it; `None` when
/// there is no such row.
pub(super) async fn wait_for(
    conn: &mut PgConnection,
    context: &ConsumerContext,
    shard: u16,
) -> Result<Option<LockedOffset>, sqlx::Error> {
    let locked = sqlx::query!(
        r#"select incarnation, position, stopped is not null as "stopped!" from consumer_offset
           where consumer = $1 and producer = $2 and shard = $3
           for update"#,
        context.name,
        context.producer,
        i32::from(shard),
    )
    .fetch_optional(conn)
    .await?;
    Ok(locked.map(|row| LockedOffset {
        incarnation: row.incarnation,
        position: row.position.cast_unsigned(),
        stopped: row.stopped,
    }))
}

/// Moves rows, which the transaction holds, to these positions of their shards;
/// says whether anything of the shards is parked.
///
/// Only a statement that begins once the rows are locked sees all that was parked: the
/// one that takes them may have begun before another replica parked and let go.
pub(super) async fn set(
    conn: &mut PgConnection,
    context: &ConsumerContext,
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
        context.name,
        context.producer,
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

//! The rows that say how far a consumer has applied.

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
    /// Whether anything of the shard is parked.
    pub(super) parked: Parked,
}

/// Whether anything of a shard is parked.
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

/// Takes the row of a shard; `None` while another replica has it.
pub(super) async fn take(
    conn: &mut PgConnection,
    core: &Core,
    shard: u16,
) -> Result<Option<Held>, sqlx::Error> {
    let row = sqlx::query!(
        r#"select o.incarnation, o.position, exists(
               select from parked_event p
               where p.consumer = o.consumer and p.producer = o.producer and p.shard = o.shard
           ) as "parked!"
           from consumer_offset o
           where o.consumer = $1 and o.producer = $2 and o.shard = $3
           for update of o skip locked"#,
        core.name,
        core.producer,
        i32::from(shard),
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|row| Held {
        incarnation: row.incarnation,
        position: row.position.cast_unsigned(),
        parked: if row.parked {
            Parked::Something
        } else {
            Parked::Nothing
        },
    }))
}

/// Moves the row of a shard, which the transaction holds.
pub(super) async fn set(
    conn: &mut PgConnection,
    core: &Core,
    shard: u16,
    incarnation: Uuid,
    position: u64,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "update consumer_offset set incarnation = $4, position = $5, moved_at = $6
         where consumer = $1 and producer = $2 and shard = $3",
        core.name,
        core.producer,
        i32::from(shard),
        incarnation,
        position.cast_signed(),
        platform::now(),
    )
    .execute(conn)
    .await?;
    Ok(())
}

//! The partitions of the log: made ahead, ended with the month, dropped whole.
//!
//! All run under the lock of the log's meta row, so that replicas do not race.

use sqlx::{AssertSqlSafe, PgConnection};

/// How many positions a new partition holds, the same for every shard.
const POSITIONS: i64 = 100_000;

/// A table that holds the events of these positions, of every shard.
#[derive(Debug)]
struct Partition {
    name: String,
    first: i64,
    last: i64,
}

/// Makes partitions with room for twice what one holds above the highest head.
pub(crate) async fn make_ahead(conn: &mut PgConnection) -> Result<(), sqlx::Error> {
    let floor =
        sqlx::query_scalar!(r#"select coalesce(min(position), 0) as "floor!" from eventlog_floor"#)
            .fetch_one(&mut *conn)
            .await?;
    let highest = highest_head(conn).await?;
    let partitions = existing(conn).await?;
    let mut last = partitions.last().map_or(floor, |partition| partition.last);
    while last < highest + 2 * POSITIONS {
        create(conn, last + 1, last + POSITIONS).await?;
        last += POSITIONS;
    }
    Ok(())
}

/// Ends the partition that is written to at the highest head, and begins another, so
/// that a log of few events has something to drop.
///
/// Reads what the partition holds, while nobody may append: of one that holds more than
/// a new one may, as those of the first release, that would take too long, and it ends by
/// itself.
pub(crate) async fn end_current(conn: &mut PgConnection) -> Result<(), sqlx::Error> {
    lock(conn).await?;
    let highest = highest_head(conn).await?;
    let partitions = existing(conn).await?;
    let current = partitions
        .iter()
        .find(|partition| (partition.first..partition.last).contains(&highest));
    let Some(Partition { name, first, last }) = current else {
        return Ok(());
    };
    if highest - first > POSITIONS {
        return Ok(());
    }
    let statement = format!(
        "alter table event detach partition {name};
         alter table event attach partition {name} for values from ({first}) to ({highest} + 1)"
    );
    sqlx::raw_sql(AssertSqlSafe(statement))
        .execute(&mut *conn)
        .await?;
    create(conn, highest + 1, *last).await
}

/// The last position of the partitions that end at a position or before, if they hold
/// events.
pub(crate) async fn full_up_to(
    conn: &mut PgConnection,
    droppable: i64,
) -> Result<Option<i64>, sqlx::Error> {
    let partitions = existing(conn).await?;
    let ended = partitions
        .iter()
        .rfind(|partition| partition.last <= droppable);
    let Some(end) = ended.map(|partition| partition.last) else {
        return Ok(None);
    };
    let holds_events = sqlx::query_scalar!(
        r#"select exists(
               select from eventlog_head h inner join eventlog_floor f using (shard)
               where f.position < least(h.position, $1)
           ) as "holds_events!""#,
        end,
    )
    .fetch_one(conn)
    .await?;
    Ok(holds_events.then_some(end))
}

/// Drops the partitions up to the end of one of them, while the table is locked.
pub(crate) async fn drop_up_to(conn: &mut PgConnection, end: i64) -> Result<(), sqlx::Error> {
    let partitions = existing(conn).await?;
    for Partition { name, .. } in partitions.iter().filter(|partition| partition.last <= end) {
        sqlx::raw_sql(AssertSqlSafe(format!("drop table {name}")))
            .execute(&mut *conn)
            .await?;
    }
    sqlx::query!(
        "update eventlog_floor f set position = least(h.position, $1)
         from eventlog_head h
         where f.shard = h.shard and f.position < least(h.position, $1)",
        end,
    )
    .execute(&mut *conn)
    .await?;
    // A shard that stands below the end has its next positions there.
    let lowest =
        sqlx::query_scalar!(r#"select coalesce(min(position), 0) as "lowest!" from eventlog_head"#)
            .fetch_one(&mut *conn)
            .await?;
    if lowest < end {
        create(conn, lowest + 1, end).await?;
    }
    Ok(())
}

/// Waits until nobody appends or reads, and keeps everybody from it.
pub(crate) async fn lock(conn: &mut PgConnection) -> Result<(), sqlx::Error> {
    // Readers wait behind us while we wait: rather try again later.
    sqlx::query!("set local lock_timeout = '200ms'")
        .execute(&mut *conn)
        .await?;
    sqlx::query!("lock table event in access exclusive mode")
        .execute(conn)
        .await?;
    Ok(())
}

async fn highest_head(conn: &mut PgConnection) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar!(r#"select coalesce(max(position), 0) as "highest!" from eventlog_head"#)
        .fetch_one(conn)
        .await
}

/// Makes the partition of these positions. The table is made alone, then attached:
/// unlike `partition of`, that lets appends and reads go on.
async fn create(conn: &mut PgConnection, first: i64, last: i64) -> Result<(), sqlx::Error> {
    let name = format!("event_from_{first}");
    let statement = format!(
        "create table {name} (like event including all);
         alter table event attach partition {name} for values from ({first}) to ({last} + 1)"
    );
    sqlx::raw_sql(AssertSqlSafe(statement))
        .execute(conn)
        .await?;
    Ok(())
}

/// The partitions there are, in order: the catalogue knows their bounds.
async fn existing(conn: &mut PgConnection) -> Result<Vec<Partition>, sqlx::Error> {
    sqlx::query_as!(
        Partition,
        r#"select
               c.relname::text as "name!",
               substring(b.bound from 'FROM \(''?(\d+)')::bigint as "first!",
               substring(b.bound from 'TO \(''?(\d+)')::bigint - 1 as "last!"
           from pg_inherits i
           inner join pg_class c on i.inhrelid = c.oid
           cross join lateral pg_get_expr(c.relpartbound, c.oid) as b (bound)
           where i.inhparent = 'event'::regclass
           order by 2"#
    )
    .fetch_all(conn)
    .await
}

//! The partitions of the log: made ahead, dropped whole.

use sqlx::{AssertSqlSafe, PgConnection};

/// How many positions a partition holds, the same for every shard.
pub(crate) const POSITIONS: i64 = 1_000_000;

/// A partition: positions from `number * POSITIONS + 1` on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Partition(pub i64);

impl Partition {
    /// The partition of a position.
    pub(crate) fn of(position: i64) -> Self {
        Self((position - 1).max(0) / POSITIONS)
    }

    /// The last position it holds.
    pub(crate) fn last(self) -> i64 {
        (self.0 + 1) * POSITIONS
    }

    fn name(self) -> String {
        format!("event_{}", self.0)
    }
}

/// Makes the partitions up to one beyond that of the highest head. Runs under
/// the lock of the log's meta row, so that replicas do not race.
///
/// A table is made alone, then attached: unlike `partition of`, that lets appends
/// and reads go on.
pub(crate) async fn make_ahead(conn: &mut PgConnection) -> Result<(), sqlx::Error> {
    let heads = sqlx::query!(
        r#"select coalesce(max(h.position), 0) as "highest!", coalesce(min(f.position), 0) as "floor!"
           from eventlog_head h inner join eventlog_floor f using (shard)"#
    )
    .fetch_one(&mut *conn)
    .await?;
    let present = existing(conn).await?;
    let first = Partition::of(heads.floor + 1).0;
    let last = Partition::of(heads.highest + 1).0 + 1;
    for partition in (first..=last).map(Partition) {
        if present.contains(&partition) {
            continue;
        }
        let (name, from, to) = (
            partition.name(),
            partition.last() - POSITIONS + 1,
            partition.last() + 1,
        );
        let statement = format!(
            "create table if not exists {name} (like event including all);
             alter table event attach partition {name} for values from ({from}) to ({to})"
        );
        sqlx::raw_sql(AssertSqlSafe(statement))
            .execute(&mut *conn)
            .await?;
    }
    Ok(())
}

/// Drops a partition.
pub(crate) async fn drop(conn: &mut PgConnection, partition: Partition) -> Result<(), sqlx::Error> {
    let statement = format!("drop table {}", partition.name());
    sqlx::raw_sql(AssertSqlSafe(statement))
        .execute(conn)
        .await?;
    Ok(())
}

/// The partitions there are, in order.
pub(crate) async fn existing(conn: &mut PgConnection) -> Result<Vec<Partition>, sqlx::Error> {
    let names = sqlx::query_scalar!(
        r#"select c.relname::text as "name!"
           from pg_inherits i inner join pg_class c on i.inhrelid = c.oid
           where i.inhparent = 'event'::regclass"#
    )
    .fetch_all(conn)
    .await?;
    let mut partitions: Vec<Partition> = names
        .iter()
        .filter_map(|name| name.strip_prefix("event_")?.parse().ok().map(Partition))
        .collect();
    partitions.sort_unstable();
    Ok(partitions)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_partition_holds_the_positions_between_its_bounds() {
        assert_eq!(Partition::of(1), Partition(0));
        assert_eq!(Partition::of(POSITIONS), Partition(0));
        assert_eq!(Partition::of(POSITIONS + 1), Partition(1));
        assert_eq!(Partition(0).last(), POSITIONS);
    }
}

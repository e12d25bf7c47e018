//! The months of what was done: made ahead, dropped whole.

use sqlx::{AssertSqlSafe, PgConnection, PgPool};
use time::{Month, OffsetDateTime, UtcOffset};

/// The tables that are kept by month, and the column that tells it.
const TABLES: [&str; 2] = ["job_done", "job_attempt"];
/// How many months are kept, with the present one.
const KEPT: usize = 13;

/// Makes the tables of this month and the next, and drops those that are over a year old.
pub(super) async fn keep(pool: &PgPool, now: OffsetDateTime) -> platform::Result<()> {
    for table in TABLES {
        let mut transaction = pool.begin().await?;
        // One replica at a time, while jobs are recorded and read.
        let lock = format!("lock table {table} in share update exclusive mode");
        execute(&mut transaction, lock).await?;
        let existing = existing(&mut transaction, table).await?;
        let this = month_of(now);
        for month in [this, next(this)] {
            let name = name(table, month);
            if !existing.contains(&name) {
                let (from, to) = (first_day(month), first_day(next(month)));
                // Made alone, then attached: unlike `partition of`, that lets others work.
                let make = format!(
                    "create table {name} (like {table} including all);
                     alter table {table} attach partition {name} for values from ('{from}') to ('{to}')"
                );
                execute(&mut transaction, make).await?;
            }
        }
        transaction.commit().await?;

        let oldest = name(table, (0..KEPT).skip(1).fold(this, |month, _| before(month)));
        for old in existing.iter().filter(|name| **name < oldest) {
            // Readers wait behind us while we wait: rather try again later.
            let drop = format!("set local lock_timeout = '200ms'; drop table {old}");
            let mut transaction = pool.begin().await?;
            execute(&mut transaction, drop).await?;
            transaction.commit().await?;
        }
    }
    Ok(())
}

type YearMonth = (i32, Month);

fn month_of(at: OffsetDateTime) -> YearMonth {
    let at = at.to_offset(UtcOffset::UTC);
    (at.year(), at.month())
}

fn next((year, month): YearMonth) -> YearMonth {
    (year + i32::from(month == Month::December), month.next())
}

fn before((year, month): YearMonth) -> YearMonth {
    (year - i32::from(month == Month::January), month.previous())
}

/// The name of a month's table: in the order of time.
fn name(table: &str, (year, month): YearMonth) -> String {
    format!("{table}_{year:04}_{:02}", u8::from(month))
}

fn first_day((year, month): YearMonth) -> String {
    format!("{year:04}-{:02}-01T00:00:00Z", u8::from(month))
}

async fn existing(conn: &mut PgConnection, table: &str) -> sqlx::Result<Vec<String>> {
    sqlx::query_scalar!(
        r#"select c.relname::text as "name!"
           from pg_inherits i inner join pg_class c on i.inhrelid = c.oid
           where i.inhparent = $1::text::regclass"#,
        table,
    )
    .fetch_all(conn)
    .await
}

async fn execute(conn: &mut PgConnection, statement: String) -> sqlx::Result<()> {
    sqlx::raw_sql(AssertSqlSafe(statement)).execute(conn).await?;
    Ok(())
}

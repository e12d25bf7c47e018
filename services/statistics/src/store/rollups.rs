//! Counters: moved in the name of a shard that is applied, summed when they are read.

use sqlx::PgConnection;
use time::Date;

use crate::domain::{Along, Axis, BreakdownRow, Counts, Dimension, NOT_SAID, Period, Scope, Tally};

/// Moves counters, in the order of their keys, so that two transactions that
/// meet never deadlock.
pub(crate) async fn add(conn: &mut PgConnection, shard: u16, moved: &Counts) -> sqlx::Result<()> {
    let mut dimensions = Vec::with_capacity(moved.len());
    let mut months: Vec<Date> = Vec::with_capacity(moved.len());
    let mut regions = Vec::with_capacity(moved.len());
    let mut kinds = Vec::with_capacity(moved.len());
    let mut values = Vec::with_capacity(moved.len());
    let mut counts = Vec::with_capacity(moved.len());
    for (key, count) in moved.iter().filter(|(_, count)| **count != 0) {
        dimensions.push(key.dimension.as_str());
        months.push(key.month.first_day());
        regions.push(key.region.to_string());
        kinds.push(
            key.structure_kind
                .as_ref()
                .map_or(NOT_SAID.to_owned(), ToString::to_string),
        );
        values.push(key.value.as_str());
        counts.push(*count);
    }
    if counts.is_empty() {
        return Ok(());
    }
    sqlx::query_file!(
        "src/store/sql/add.sql",
        &dimensions as &[&str],
        &months,
        &regions,
        &kinds,
        &values as &[&str],
        &counts,
        i16::try_from(shard).expect("a log has few shards"),
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Counts a period as far as the scope reaches.
pub(crate) async fn tally(
    conn: &mut PgConnection,
    period: Period,
    scope: Scope,
) -> sqlx::Result<Tally> {
    let (from, to) = (period.from().first_day(), period.to().first_day());
    let region = scope.region().map(|region| region.to_string());
    let rows = sqlx::query_file!("src/store/sql/tally.sql", from, to, region)
        .fetch_all(&mut *conn)
        .await?;
    let structures = sqlx::query_file_scalar!("src/store/sql/structures.sql", from, to, region)
        .fetch_one(conn)
        .await?;
    let mut tally = Tally {
        structures: never_negative(structures)?,
        ..Tally::default()
    };
    for row in rows {
        // A dimension of a newer release is no figure of this one.
        if let Some(dimension) = Dimension::from_slug(&row.dimension) {
            tally
                .counts
                .insert((dimension, row.value), never_negative(row.count)?);
        }
    }
    Ok(tally)
}

/// Counts the reports in scope of a period: the denominator of every share.
pub(crate) async fn in_scope(
    conn: &mut PgConnection,
    period: Period,
    scope: Scope,
) -> sqlx::Result<u64> {
    let count = sqlx::query_scalar!(
        r#"select coalesce(sum(count), 0)::bigint as "count!" from rollup
           where dimension = 'standing' and value = 'in_scope'
               and month between $1 and $2
               and ($3::text is null or region = $3)"#,
        period.from().first_day(),
        period.to().first_day(),
        scope.region().map(|region| region.to_string()),
    )
    .fetch_one(conn)
    .await?;
    never_negative(count)
}

/// Breaks a period down, as far as the scope reaches; rows in order.
pub(crate) async fn breakdown(
    conn: &mut PgConnection,
    period: Period,
    scope: Scope,
    along: Along,
    second: Option<Axis>,
) -> sqlx::Result<Vec<BreakdownRow>> {
    let axis = match along {
        Along::Axis(axis) => Some(axis),
        Along::Dimension(_) => None,
    };
    let rows = sqlx::query_file!(
        "src/store/sql/breakdown.sql",
        period.from().first_day(),
        period.to().first_day(),
        scope.region().map(|region| region.to_string()),
        axis.map(Axis::as_str),
        second.map(Axis::as_str),
        along.dimension().as_str(),
    )
    .fetch_all(conn)
    .await?;
    let mut rows = rows
        .into_iter()
        .map(|row| {
            let count = never_negative(row.count)?;
            Ok(BreakdownRow {
                value: row.value,
                second_value: row.second_value,
                count,
            })
        })
        .collect::<sqlx::Result<Vec<_>>>()?;
    rows.sort();
    Ok(rows)
}

fn never_negative(count: i64) -> sqlx::Result<u64> {
    u64::try_from(count).map_err(|_| sqlx::Error::Decode("a counter fell below zero".into()))
}

//! Facts counted in PostgreSQL. What a request chooses is put together of the columns of
//! [`GroupKey`] and of bound values, never of texts that a caller sent.

use sqlx::{PgConnection, Postgres, QueryBuilder, Row as _, postgres::PgRow};

use super::{BreakdownRow, GroupBy, GroupKey, PeriodCounts, Selection};

/// Counts the selected facts for an overview.
pub(super) async fn period_counts(
    conn: &mut PgConnection,
    selection: &Selection,
) -> sqlx::Result<PeriodCounts> {
    let mut query = QueryBuilder::new(include_str!("sql/period_counts.sql"));
    push_selection(&mut query, selection);
    let row = query.build().fetch_one(conn).await?;
    let of = |column| count(&row, column);
    Ok(PeriodCounts {
        in_scope: of("in_scope")?,
        out_of_scope: of("out_of_scope")?,
        withdrawn: of("withdrawn")?,
        structures: of("structures")?,
        malicious: of("malicious")?,
        degraded_mode: of("degraded_mode")?,
        interruption: of("interruption")?,
        danger_potential: of("danger_potential")?,
        danger_proven: of("danger_proven")?,
        serious: of("serious")?,
        significant: of("significant")?,
        major: of("major")?,
        assistance_requested: of("assistance_requested")?,
    })
}

/// Counts the selected reports in scope: the denominator of every share.
pub(super) async fn in_scope(conn: &mut PgConnection, selection: &Selection) -> sqlx::Result<u64> {
    let mut query =
        QueryBuilder::new("select count(*) from counted_fact where standing = 'in_scope' and ");
    push_selection(&mut query, selection);
    count(&query.build().fetch_one(conn).await?, "count")
}

/// Counts the selected reports in scope by the values of one dimension or two; rows in order.
pub(super) async fn breakdown(
    conn: &mut PgConnection,
    selection: &Selection,
    group_by: GroupBy,
) -> sqlx::Result<Vec<BreakdownRow>> {
    let mut query = QueryBuilder::new(
        "select first.value, second.value as second_value, count(*) from counted_fact, ",
    );
    push_values(&mut query, Some(group_by.first));
    query.push(" as first (value), ");
    push_values(&mut query, group_by.second);
    query.push(" as second (value) where standing = 'in_scope' and ");
    push_selection(&mut query, selection);
    query.push(" group by first.value, second.value");
    let rows = query.build().fetch_all(conn).await?;
    let mut rows = rows
        .iter()
        .map(|row| {
            Ok(BreakdownRow {
                value: row.try_get("value")?,
                second_value: row.try_get("second_value")?,
                count: count(row, "count")?,
            })
        })
        .collect::<sqlx::Result<Vec<_>>>()?;
    // In the order of bytes, whatever the database sorts texts by.
    rows.sort();
    Ok(rows)
}

/// The values of a fact in a dimension; an empty one for no dimension.
fn push_values(query: &mut QueryBuilder<Postgres>, key: Option<GroupKey>) {
    match key {
        Some(key) if key.is_multiple => query.push(format_args!("unnest({})", key.name)),
        Some(key) => query.push(format_args!("lateral (select {})", key.name)),
        None => query.push("(values (''))"),
    };
}

fn push_selection(query: &mut QueryBuilder<Postgres>, selection: &Selection) {
    let Selection {
        declared_on,
        scope,
        filters,
        as_known_at,
    } = selection;
    query
        .push("declared_on between ")
        .push_bind(*declared_on.start());
    query.push(" and ").push_bind(*declared_on.end());
    if let Some(region) = scope.region() {
        query.push(" and region = ").push_bind(region.to_string());
    }
    match *as_known_at {
        None => query.push(" and known_until is null"),
        Some(at) => query
            .push(" and known_from <= ")
            .push_bind(at)
            .push(" and (known_until is null or known_until > ")
            .push_bind(at)
            .push(")"),
    };
    for filter in filters {
        query.push(format_args!(" and {}", filter.key.name));
        if filter.key.is_multiple {
            query.push(" && ").push_bind(filter.values.clone());
        } else {
            query
                .push(" = any(")
                .push_bind(filter.values.clone())
                .push(")");
        }
    }
}

fn count(row: &PgRow, column: &str) -> sqlx::Result<u64> {
    let count: i64 = row.try_get(column)?;
    Ok(count.cast_unsigned())
}

//! The check that the counters tell what the facts say.

use std::{collections::BTreeMap, fmt};

use futures::TryStreamExt as _;
use sqlx::PgPool;
use time::Date;

use super::facts::FactRow;
use crate::domain::{NOT_SAID, contributions};

/// A counter that does not hold what the facts say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// What is counted: dimension, first day of the month, region, kind of
    /// structure, value.
    pub counter: String,
    /// What the facts add up to.
    pub expected: i64,
    /// What the counters of all shards add up to.
    pub found: i64,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}: expected {}, found {}",
            self.counter, self.expected, self.found
        )
    }
}

/// Counts all facts anew and compares with the counters, while events go on
/// being applied. Nothing is changed; an empty answer means that all is exact.
pub async fn recount(pool: &PgPool) -> sqlx::Result<Vec<Difference>> {
    // One snapshot for both sides.
    let mut tx = pool
        .begin_with("begin isolation level repeatable read read only")
        .await?;
    let mut counters: BTreeMap<String, (i64, i64)> = BTreeMap::new();
    {
        let mut rows = sqlx::query_file_as!(FactRow, "src/store/sql/all_facts.sql").fetch(&mut *tx);
        while let Some(row) = rows.try_next().await? {
            for (key, count) in contributions(&row.into_fact()?) {
                let kind = key
                    .structure_kind
                    .map_or(NOT_SAID.to_owned(), |kind| kind.to_string());
                let counter = name(
                    key.dimension.as_str(),
                    key.month.first_day(),
                    &key.region.to_string(),
                    &kind,
                    &key.value,
                );
                counters.entry(counter).or_default().0 += count;
            }
        }
    }
    let rows = sqlx::query!(
        r#"select dimension, month, region, structure_kind, value, sum(count)::bigint as "count!"
           from rollup group by dimension, month, region, structure_kind, value"#
    )
    .fetch_all(&mut *tx)
    .await?;
    for row in rows {
        let counter = name(
            &row.dimension,
            row.month,
            &row.region,
            &row.structure_kind,
            &row.value,
        );
        counters.entry(counter).or_default().1 += row.count;
    }
    tx.commit().await?;
    Ok(counters
        .into_iter()
        .filter(|(_, (expected, found))| expected != found)
        .map(|(counter, (expected, found))| Difference {
            counter,
            expected,
            found,
        })
        .collect())
}

fn name(dimension: &str, month: Date, region: &str, kind: &str, value: &str) -> String {
    format!("{dimension}/{month}/{region}/{kind}/{value}")
}

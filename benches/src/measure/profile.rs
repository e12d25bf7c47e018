//! What PostgreSQL does for a declaration, statement by statement: no figure, but where to look
//! when one is missed.

use std::time::Duration;

use anyhow::Result;
use comfy_table::{Table, presets};
use sqlx::Row as _;

use super::rate;
use crate::{Length, environment::Environment, generator::count, wal::WalStart};

/// Well below R, so that nothing waits.
const RATE: f64 = 500.0;

/// Declares for a while and prints the statements that took longest.
pub(crate) async fn show(environment: &Environment, length: Length) -> Result<()> {
    environment
        .tell_postgres("alter system set shared_preload_libraries = 'pg_stat_statements'")
        .await?;
    environment.suite.postgres.restart().await?;
    for statement in [
        "create schema profile",
        "create extension pg_stat_statements schema profile",
    ] {
        environment.tell_postgres(statement).await?;
    }
    let (services, generator) = rate::ready(environment).await?;

    environment
        .tell_postgres("select profile.pg_stat_statements_reset()")
        .await?;
    let start = WalStart::now(environment).await?;
    let load = generator.offer(RATE).await?;
    load.observe(length.pick(Duration::from_secs(30), Duration::from_secs(4)))
        .await?;
    let declared = count(load.end().await?);
    environment.calm().await?;
    println!("For each of {declared} declarations at {RATE}/s:");
    println!("{}", written(environment, &start, declared).await?);
    let statements = sqlx::query(include_str!("statements.sql"))
        .fetch_all(&mut environment.look_behind().await?)
        .await?;

    let mut table = Table::new();
    table.load_preset(presets::ASCII_MARKDOWN);
    table.set_header([
        "µs",
        "calls",
        "rows",
        "WAL records",
        "WAL bytes",
        "who",
        "statement",
    ]);
    for statement in statements {
        let each = |column| format!("{:.2}", statement.get::<f64, _>(column) / declared);
        table.add_row([
            each("microseconds"),
            each("calls"),
            each("rows"),
            each("records"),
            each("bytes"),
            statement.get("role"),
            statement.get("text"),
        ]);
    }
    println!("{table}");
    services.stop()
}

/// The records of the log of PostgreSQL, by what they change.
async fn written(environment: &Environment, start: &WalStart<'_>, declared: f64) -> Result<Table> {
    let mut behind = environment.look_behind().await?;
    let mut rows = Vec::new();
    for ((file, kind), records) in start.by_relation().await? {
        let relation: Option<String> =
            sqlx::query_scalar("select pg_filenode_relation(0, $1)::regclass::text")
                .bind(file.map(sqlx::postgres::types::Oid))
                .fetch_one(&mut behind)
                .await?;
        rows.push((
            count(records) / declared,
            relation.unwrap_or_default(),
            kind,
        ));
    }
    rows.sort_by(|a, b| b.0.total_cmp(&a.0));
    let mut table = Table::new();
    table.load_preset(presets::ASCII_MARKDOWN);
    table.set_header(["records", "relation", "kind"]);
    for (each, relation, kind) in rows.into_iter().filter(|(each, ..)| *each > 0.05) {
        table.add_row([format!("{each:.2}"), relation, kind]);
    }
    Ok(table)
}

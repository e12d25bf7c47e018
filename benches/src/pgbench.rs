//! PostgreSQL alone: bare inserts by its own program.

use std::{fs, path::Path, time::Duration};

use anyhow::{Context as _, Result, bail};
use serde_json::{Map, Value};
use tokio::process::Command;

use crate::environment::Environment;

const INSERT: &str = include_str!("insert_one.sql");

/// Inserts reports one by one, each in its own transaction, like one that intake
/// has taken.
pub(crate) struct Bare<'a> {
    environment: &'a Environment,
    /// A report, column by column.
    values: Map<String, Value>,
}

impl<'a> Bare<'a> {
    /// Takes the values of the report that was declared last.
    pub(crate) async fn like_the_last(environment: &'a Environment) -> Result<Self> {
        let row = sqlx::query_scalar(
            "select to_jsonb(r) || jsonb_build_object(
                 'facts', r.facts::text, 'visible_to', r.visible_to::text)
             from intake.report as r order by received_at desc limit 1",
        );
        let row: Value = row.fetch_one(&mut environment.look_behind().await?).await?;
        let Value::Object(values) = row else {
            bail!("a row is an object");
        };
        Ok(Self {
            environment,
            values,
        })
    }

    /// Inserts for so long with this many clients; gives the inserts a second.
    pub(crate) async fn insert(&self, clients: u32, lasts: Duration) -> Result<f64> {
        let folder = tempfile::tempdir()?;
        self.run(clients, lasts, folder.path(), &[]).await
    }

    /// How long each insert of one client took, ascending.
    pub(crate) async fn insert_alone(&self, lasts: Duration) -> Result<Vec<Duration>> {
        let folder = tempfile::tempdir()?;
        self.run(1, lasts, folder.path(), &["--log"]).await?;
        let mut times = Vec::new();
        for file in fs::read_dir(folder.path())? {
            let file = file?;
            if !file
                .file_name()
                .to_string_lossy()
                .starts_with("pgbench_log")
            {
                continue;
            }
            for line in fs::read_to_string(file.path())?.lines() {
                let microseconds = line.split(' ').nth(2).context("a line has a time")?;
                times.push(Duration::from_micros(microseconds.parse()?));
            }
        }
        times.sort_unstable();
        Ok(times)
    }

    async fn run(
        &self,
        clients: u32,
        lasts: Duration,
        folder: &Path,
        options: &[&str],
    ) -> Result<f64> {
        let script = folder.join("insert.sql");
        fs::write(&script, INSERT)?;
        let mut pgbench = Command::new(self.environment.suite.postgres.binaries().join("pgbench"));
        pgbench
            .current_dir(folder)
            .args(["--no-vacuum", "--protocol=prepared"])
            .arg(format!("--client={clients}"))
            .arg(format!("--jobs={}", clients.min(2)))
            .arg(format!("--time={}", lasts.as_secs()))
            .arg(format!("--file={}", script.display()))
            .arg(format!("--define=place={}", first_place()))
            .args(options);
        for (name, value) in &self.values {
            // It takes no empty value; the script names none of those.
            if let Value::String(value) = value
                && !value.is_empty()
            {
                pgbench.arg(format!("--define={name}={value}"));
            }
        }
        let ended = pgbench
            .arg(self.environment.suite.database.url("intake"))
            .kill_on_drop(true)
            .output()
            .await
            .context("starting pgbench")?;
        let said = String::from_utf8_lossy(&ended.stdout);
        let rate = said
            .lines()
            .find_map(|line| line.strip_prefix("tps = "))
            .and_then(|rest| rest.split(' ').next());
        match rate {
            Some(rate) if ended.status.success() => Ok(rate.parse()?),
            _ => bail!("pgbench: {}", String::from_utf8_lossy(&ended.stderr)),
        }
    }
}

/// Where the ids of inserted reports begin: microseconds, of which a client takes a thousand
/// for each insert, so that no later run meets them.
fn first_place() -> i128 {
    platform::now().unix_timestamp_nanos() / 1_000
}

//! What everything was measured on.

use std::{collections::BTreeMap, fmt, fs, path::Path, process::Command, thread};

use anyhow::{Context as _, Result};
use serde::Serialize;
use sqlx::PgConnection;

/// The settings of PostgreSQL that figures hang on.
const SETTINGS: [&str; 10] = [
    "fsync",
    "synchronous_commit",
    "full_page_writes",
    "wal_level",
    "wal_compression",
    "max_wal_size",
    "checkpoint_timeout",
    "shared_buffers",
    "default_toast_compression",
    "track_commit_timestamp",
];

/// What everything was measured on.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Machine {
    cores: usize,
    cpu: String,
    memory_gib: u64,
    file_system: String,
    load_before: String,
    postgresql: String,
    postgresql_settings: BTreeMap<&'static str, String>,
    tls: &'static str,
    token_cache: &'static str,
    generator: &'static str,
}

impl Machine {
    /// Looks at this machine, and at the server whose data lie in this folder.
    pub(crate) async fn look(server: &mut PgConnection, folder: &Path) -> Result<Self> {
        let mut settings = BTreeMap::new();
        for name in SETTINGS {
            let value = sqlx::query_scalar("select current_setting($1)");
            settings.insert(name, value.bind(name).fetch_one(&mut *server).await?);
        }
        let version = sqlx::query_scalar("select current_setting('server_version')");
        let file_system = Command::new("stat")
            .args(["--file-system", "--format=%T"])
            .arg(folder)
            .output()?;
        let load = fs::read_to_string("/proc/loadavg")?;
        Ok(Self {
            cores: thread::available_parallelism()?.get(),
            cpu: field("/proc/cpuinfo", "model name")?,
            memory_gib: field("/proc/meminfo", "MemTotal")?
                .trim_end_matches(" kB")
                .parse::<u64>()?
                >> 20,
            file_system: String::from_utf8(file_system.stdout)?.trim().to_owned(),
            load_before: load.split_whitespace().next().unwrap_or("").to_owned(),
            postgresql: version.fetch_one(server).await?,
            postgresql_settings: settings,
            tls: "none on the public listener, mutual between services",
            token_cache: "on, one token",
            generator: "on the same cores",
        })
    }
}

/// The value of a line `name : value`.
fn field(file: &str, name: &str) -> Result<String> {
    let text = fs::read_to_string(file)?;
    let line = text.lines().find(|line| line.starts_with(name));
    let value = line.and_then(|line| line.split_once(':'));
    let (_, value) = value.with_context(|| format!("{file} says nothing of {name}"))?;
    Ok(value.trim().to_owned())
}

impl fmt::Display for Machine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{} cores {}, {} GiB, {}, load {} before; generator {}",
            self.cores,
            self.cpu,
            self.memory_gib,
            self.file_system,
            self.load_before,
            self.generator
        )?;
        write!(f, "PostgreSQL {}", self.postgresql)?;
        for (name, value) in &self.postgresql_settings {
            write!(f, ", {name} {value}")?;
        }
        writeln!(f, "\nTLS {}; token cache {}", self.tls, self.token_cache)
    }
}

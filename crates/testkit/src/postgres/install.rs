//! The PostgreSQL that is installed on this machine.

use std::{
    fmt::Write as _,
    fs,
    os::unix::fs::{MetadataExt, PermissionsExt, chown},
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use anyhow::{Context, Result, bail};

use super::{PostgresOptions, data_folder};
use crate::{folder::Folder, processes::Account};

/// The seconds that `pg_ctl` waits for a start, which may replay much WAL.
pub(super) const START_LIMIT: &str = "120";

/// The superuser of every private server.
pub(super) const SUPERUSER: &str = "vigie";

/// Where the binaries are, and as whom they have to run.
#[derive(Debug)]
pub(super) struct Installation {
    binaries: PathBuf,
    account: Option<Account>,
}

impl Installation {
    /// Finds the newest PostgreSQL of the machine.
    pub(super) fn find() -> Result<Self> {
        Ok(Self {
            binaries: newest_packaged()
                .or_else(on_the_path)
                .context("PostgreSQL is not installed: install it with `scripts/setup`")?,
            account: Account::instead_of_root("postgres")?,
        })
    }

    pub(super) fn binaries(&self) -> &Path {
        &self.binaries
    }

    pub(super) fn account(&self) -> Option<Account> {
        self.account
    }

    /// Hands the folder over to the account that the server runs as.
    pub(super) fn give(&self, home: &Path) -> Result<()> {
        let Some(account) = self.account else {
            return Ok(());
        };
        if let Some(barrier) = self.barrier(home)? {
            bail!(
                "PostgreSQL runs as the user postgres, who may not enter {}: \
                 choose a data folder elsewhere, or `chmod a+x` it",
                barrier.display()
            );
        }
        chown(home, Some(account.user), Some(account.group))?;
        Ok(())
    }

    /// The first folder above `home` that the account may not enter.
    pub(super) fn barrier(&self, home: &Path) -> Result<Option<PathBuf>> {
        let Some(account) = self.account else {
            return Ok(None);
        };
        for above in home.ancestors().skip(1) {
            let about = fs::metadata(above)?;
            if about.mode() & 0o001 == 0 && about.uid() != account.user {
                return Ok(Some(above.to_owned()));
            }
        }
        Ok(None)
    }

    /// Makes the database cluster, unless the folder holds one.
    pub(super) fn init(&self, home: &Path) -> Result<()> {
        if data_folder(home).join("PG_VERSION").exists() {
            return Ok(());
        }
        self.run("initdb", home, |command| {
            command.arg("-D").arg(data_folder(home));
            command.args(["-U", SUPERUSER, "-A", "trust", "-E", "UTF8"]);
            command.args(["--locale=C.UTF-8", "--no-sync", "--no-instructions"]);
        })?;
        let main = data_folder(home).join("postgresql.conf");
        let mut lines = fs::read_to_string(&main)?;
        lines.push_str("\ninclude 'vigie.conf'\n");
        fs::write(main, lines)?;
        Ok(())
    }

    /// Runs one of the binaries to its end.
    pub(super) fn run(
        &self,
        name: &str,
        home: &Path,
        arguments: impl FnOnce(&mut Command),
    ) -> Result<()> {
        let mut command = Command::new(self.binaries.join(name));
        command.current_dir(home).stdin(Stdio::null());
        arguments(&mut command);
        if let Some(account) = self.account {
            account.own(&mut command);
        }
        let output = command
            .output()
            .with_context(|| format!("starting {name}"))?;
        if !output.status.success() {
            bail!("{name}: {}", String::from_utf8_lossy(&output.stderr).trim());
        }
        Ok(())
    }
}

/// Writes the settings of this start.
pub(super) fn configure(home: &Path, port: u16, options: &PostgresOptions) -> Result<()> {
    let mut lines = format!(
        "listen_addresses = '127.0.0.1'\nport = {port}\nunix_socket_directories = ''\n\
         max_connections = 400\ntimezone = 'UTC'\nlog_line_prefix = '%m %u@%d '\n"
    );
    if let Folder::ThrowAway = options.folder {
        // What is lost without these needs a crash of the machine; a killed
        // server loses nothing, because `synchronous_commit` stays on.
        lines.push_str("fsync = off\nfull_page_writes = off\nautovacuum_naptime = 10s\n");
    }
    for (name, value) in &options.settings {
        writeln!(lines, "{name} = '{}'", value.replace('\'', "''"))?;
    }
    let file = data_folder(home).join("vigie.conf");
    fs::write(&file, lines)?;
    fs::set_permissions(&file, fs::Permissions::from_mode(0o644))?;
    Ok(())
}

/// The newest of the folders that Debian, Ubuntu, Fedora and the project's own
/// packages use.
fn newest_packaged() -> Option<PathBuf> {
    let debian = fs::read_dir("/usr/lib/postgresql").into_iter().flatten();
    let packaged = debian.filter_map(|entry| {
        let entry = entry.ok()?;
        let version: f32 = entry.file_name().to_str()?.parse().ok()?;
        Some((version, entry.path().join("bin")))
    });
    let fedora = fs::read_dir("/usr").into_iter().flatten();
    let pgdg = fedora.filter_map(|entry| {
        let entry = entry.ok()?;
        let version = entry
            .file_name()
            .to_str()?
            .strip_prefix("pgsql-")?
            .parse()
            .ok()?;
        Some((version, entry.path().join("bin")))
    });
    packaged
        .chain(pgdg)
        .filter(|(_, binaries)| binaries.join("initdb").exists())
        .max_by(|one, other| one.0.total_cmp(&other.0))
        .map(|(_, binaries)| binaries)
}

#[expect(
    clippy::disallowed_methods,
    reason = "the search path of the machine is no setting of the suite"
)]
fn on_the_path() -> Option<PathBuf> {
    std::env::split_paths(&std::env::var_os("PATH")?).find(|folder| folder.join("initdb").exists())
}

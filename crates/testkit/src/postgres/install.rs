//! The PostgreSQL that is installed on this machine.

use std::{
    fs,
    os::unix::fs::{MetadataExt, chown},
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use anyhow::{Context, Result, bail};

use super::{PostgresOptions, server::data_folder};
use crate::{folder::Folder, processes::Account};

/// The seconds that `pg_ctl` waits for a start, which may replay much WAL.
pub(super) const START_LIMIT: &str = "120";

/// The superuser of every private server.
pub(super) const SUPERUSER: &str = "vigie";

/// Where the binaries are, and as whom they have to run.
#[derive(Debug, Clone)]
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

    /// Copies all databases of the server that runs on this port.
    pub(super) fn base_backup(&self, port: u16, folder: &Path) -> Result<()> {
        self.run("pg_basebackup", Path::new("/"), |command| {
            command.args(["-h", "127.0.0.1", "-U", SUPERUSER, "-p"]);
            command.arg(port.to_string()).arg("-D").arg(folder);
            command.args(["-X", "stream", "-c", "fast", "--no-sync", "--no-manifest"]);
        })
    }

    /// Tells the server on copied data what concerns it alone, in place of what the
    /// first server was told: where its archive is, which standby it waits for.
    pub(super) fn tell(&self, data: &Path, settings: &[(String, String)]) -> Result<()> {
        let lines: String = further(settings).collect();
        self.write(&data.join("postgresql.auto.conf"), &lines)
    }

    /// Copies a folder with everything in it to a place where nothing is.
    pub(super) fn copy(&self, from: &Path, to: &Path) -> Result<()> {
        if to.exists() {
            bail!("{} exists already", to.display());
        }
        let mut command = Command::new("cp");
        command.arg("-a").arg(from).arg(to);
        self.finish(command, "cp")
    }

    /// Writes a file that the server may read and remove.
    pub(super) fn write(&self, file: &Path, text: &str) -> Result<()> {
        fs::write(file, text)?;
        if let Some(account) = self.account {
            chown(file, Some(account.user), Some(account.group))?;
        }
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
        command.current_dir(home);
        arguments(&mut command);
        self.finish(command, name)
    }

    fn finish(&self, mut command: Command, name: &str) -> Result<()> {
        command.stdin(Stdio::null());
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

/// The configuration of a server, but for its port.
pub(super) fn settings(options: &PostgresOptions) -> String {
    let mut lines = "listen_addresses = '127.0.0.1'\nunix_socket_directories = ''\n\
                     max_connections = 400\ntimezone = 'UTC'\nlog_line_prefix = '%m %u@%d '\n"
        .to_owned();
    if let Folder::ThrowAway = options.folder {
        // What is lost without these needs a crash of the machine; a killed
        // server loses nothing, because `synchronous_commit` stays on.
        lines.push_str("fsync = off\nfull_page_writes = off\nautovacuum_naptime = 10s\n");
    }
    lines.extend(further(&options.settings));
    lines
}

/// Lines of a configuration, of which the last one about a setting counts.
pub(super) fn further(settings: &[(String, String)]) -> impl Iterator<Item = String> {
    settings
        .iter()
        .map(|(name, value)| format!("{name} = '{}'\n", value.replace('\'', "''")))
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

//! The folder and the processes of one PostgreSQL server.

use std::{
    ffi::OsStr,
    fs::{self, File},
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};

use super::{
    PostgresOptions,
    install::{self, Installation, START_LIMIT},
};
use crate::{
    folder::{Folder, last_lines},
    guard::Guard,
    ports,
    processes::{self, Signal},
};

/// A server, which ends with this process and its folder with it.
pub(super) struct Server {
    pub(super) installation: Installation,
    pub(super) home: PathBuf,
    pub(super) port: u16,
    /// Everything of its configuration but the port.
    pub(super) settings: String,
    /// Dropping it stops the server.
    _guard: Guard,
    /// Held until the server has stopped.
    _lock: Option<File>,
}

/// The seconds that an orphan may take to stop.
const STOP_LIMIT: &str = "60";

/// Waits for the end of the process that started it, then stops the server
/// (`$1` binaries, `$2` folder, `$3` mode) and keeps or removes the folder (`$4`).
const WATCHDOG: &str = r#"
trap '' HUP INT TERM
read -r _
"$1/pg_ctl" -D "$2/data" -m "$3" -t 20 -w stop >&2 || kill -s KILL "$(head -1 "$2/data/postmaster.pid")"
if [ "$4" = remove ]; then rm -rf "$2"; fi
"#;

impl Server {
    /// Starts a server on data of its own.
    pub(super) fn start(options: &PostgresOptions) -> Result<Self> {
        let settings = install::settings(options);
        Self::start_on(options, settings, Installation::init)
    }

    /// Starts a server on the data that `fill` puts into its folder.
    pub(super) fn start_on(
        options: &PostgresOptions,
        settings: String,
        fill: impl FnOnce(&Installation, &Path) -> Result<()>,
    ) -> Result<Self> {
        let installation = Installation::find()?;
        let home = options.folder.create("postgres")?;
        installation.give(&home)?;
        // Before there is a watchdog, which would stop the server of another process.
        let lock = options.folder.lock(&home)?;
        stop_orphan(&installation, &home)?;
        let mode = match options.folder {
            Folder::ThrowAway => "immediate",
            Folder::Kept(_) => "fast",
        };
        let mut server = Self {
            _guard: Guard::start(
                WATCHDOG,
                &[
                    installation.binaries().as_os_str(),
                    home.as_os_str(),
                    OsStr::new(mode),
                    OsStr::new(options.folder.at_the_end()),
                ],
                lock.as_ref(),
                installation.account(),
            )?,
            installation,
            home,
            port: 0,
            settings,
            _lock: lock,
        };
        fill(&server.installation, &server.home)?;
        for attempt in 1.. {
            server.port = ports::choose(options.port)?;
            server.configure()?;
            let Err(error) = server.run() else { break };
            let port_taken = last_lines(&server.log_file()).contains("Address already in use");
            if !port_taken || options.port.is_some() || attempt == 5 {
                return Err(error);
            }
        }
        Ok(server)
    }

    pub(super) fn run(&self) -> Result<()> {
        self.installation
            .run("pg_ctl", &self.home, |command| {
                command.arg("-D").arg(self.data());
                command.arg("-l").arg(self.log_file());
                command.args(["-w", "-t", START_LIMIT, "start"]);
            })
            .with_context(|| {
                format!(
                    "PostgreSQL did not start on port {}:\n{}",
                    self.port,
                    last_lines(&self.log_file())
                )
            })
    }

    pub(super) fn restart(&self) -> Result<()> {
        if self.postmaster().is_some() {
            self.stop()?;
        }
        self.run()
    }

    pub(super) fn stop(&self) -> Result<()> {
        self.installation.run("pg_ctl", &self.home, |command| {
            command.arg("-D").arg(self.data());
            command.args(["-m", "fast", "-w", "stop"]);
        })
    }

    pub(super) fn promote(&self) -> Result<()> {
        self.installation.run("pg_ctl", &self.home, |command| {
            command.arg("-D").arg(self.data());
            command.args(["-w", "-t", START_LIMIT, "promote"]);
        })
    }

    pub(super) fn kill9(&self) -> Result<()> {
        let Some(postmaster) = self.postmaster() else {
            return Ok(());
        };
        // Frozen first, so that it cannot have a child that the list misses.
        processes::send(Signal::Stop, &[postmaster])?;
        let family = processes::family(postmaster)?;
        processes::send(Signal::Kill, &family)?;
        processes::wait_until_gone(&family)?;
        // An orphan that nobody reaps would look to the next start like a
        // server that still runs.
        fs::remove_file(self.data().join("postmaster.pid"))?;
        Ok(())
    }

    pub(super) fn freeze(&self) -> Result<()> {
        processes::send(Signal::Stop, &self.family()?)
    }

    pub(super) fn thaw(&self) -> Result<()> {
        processes::send(Signal::Continue, &self.family()?)
    }

    pub(super) fn log_file(&self) -> PathBuf {
        self.home.join("log")
    }

    /// Writes the settings of this start.
    fn configure(&self) -> Result<()> {
        let lines = format!("port = {}\n{}", self.port, self.settings);
        self.installation
            .write(&self.data().join("vigie.conf"), &lines)
    }

    fn family(&self) -> Result<Vec<u32>> {
        let postmaster = self.postmaster().context("PostgreSQL does not run")?;
        Ok(processes::family(postmaster)?)
    }

    fn postmaster(&self) -> Option<u32> {
        postmaster(&self.home)
    }

    fn data(&self) -> PathBuf {
        data_folder(&self.home)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // What is frozen does not hear that it has to stop, and what does not run
        // has nothing frozen.
        let _ = self.thaw();
    }
}

pub(super) fn data_folder(home: &Path) -> PathBuf {
    home.join("data")
}

/// Stops the server that a process left in the folder when it was killed together with its
/// watchdog.
fn stop_orphan(installation: &Installation, home: &Path) -> Result<()> {
    let data = data_folder(home);
    match postmaster(home) {
        Some(process) if processes::runs_in(process, &data) => {
            installation.run("pg_ctl", home, |command| {
                command.arg("-D").arg(&data);
                command.args(["-m", "fast", "-t", STOP_LIMIT, "-w", "stop"]);
            })
        }
        // Another process has the number of a server that was killed: PostgreSQL would
        // take it for that server.
        Some(process) if processes::is_running(process) => {
            Ok(fs::remove_file(data.join("postmaster.pid"))?)
        }
        _ => Ok(()),
    }
}

/// The process that the folder's last server ran or runs in.
fn postmaster(home: &Path) -> Option<u32> {
    let text = fs::read_to_string(data_folder(home).join("postmaster.pid")).ok()?;
    text.lines().next()?.trim().parse().ok()
}

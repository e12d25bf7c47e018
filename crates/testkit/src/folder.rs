//! Where a server keeps its data.

use std::{
    fs::{self, File, TryLockError},
    io::{self, Write as _},
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};

use crate::processes;

/// Longer than a watchdog takes to stop its server.
const WATCHDOG_LIMIT: Duration = Duration::from_secs(30);

/// Where a server keeps its data, and what becomes of it when the server ends.
#[derive(Debug, Clone, Default)]
pub enum Folder {
    /// A new folder below the system's temporary one, removed with the server.
    #[default]
    ThrowAway,
    /// This folder, made when absent and never removed.
    Kept(PathBuf),
}

impl Folder {
    /// Makes the folder and returns its absolute path.
    pub(crate) fn create(&self, kind: &str) -> io::Result<PathBuf> {
        match self {
            Self::ThrowAway => Ok(tempfile::Builder::new()
                .prefix(&format!("vigie-{kind}-"))
                .tempdir()?
                .keep()),
            Self::Kept(path) => {
                fs::create_dir_all(path)?;
                path.canonicalize()
            }
        }
    }

    /// Locks a kept folder against every other process, until all copies of the lock are
    /// closed: those of this process and of its watchdog, however they end.
    pub(crate) fn lock(&self, home: &Path) -> Result<Option<File>> {
        if let Self::ThrowAway = self {
            return Ok(None);
        }
        let name = home.join("lock");
        let mut options = File::options();
        let opened = options
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&name);
        let mut lock = opened.with_context(|| format!("opening {}", name.display()))?;
        let started = Instant::now();
        while let Err(refused) = lock.try_lock() {
            if let TryLockError::Error(error) = refused {
                return Err(error.into());
            }
            // Where the owner has ended, its watchdog is about to.
            let owner = fs::read_to_string(&name)?;
            let alive = owner.trim().parse().is_ok_and(processes::is_running);
            if alive || started.elapsed() > WATCHDOG_LIMIT {
                bail!("{} is in use by process {}", home.display(), owner.trim());
            }
            processes::pause();
        }
        lock.set_len(0)?;
        writeln!(lock, "{}", std::process::id())?;
        Ok(Some(lock))
    }

    /// The word that tells a watchdog what to do with the folder.
    pub(crate) fn at_the_end(&self) -> &'static str {
        match self {
            Self::ThrowAway => "remove",
            Self::Kept(_) => "keep",
        }
    }
}

/// The end of a server's log, which is where it says why it did not start.
pub(crate) fn last_lines(log: &Path) -> String {
    let text = fs::read_to_string(log).unwrap_or_default();
    let mut lines: Vec<&str> = text.lines().rev().take(8).collect();
    lines.reverse();
    lines.join("\n")
}

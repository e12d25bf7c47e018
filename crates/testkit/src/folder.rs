//! Where a server keeps its data.

use std::{
    io,
    path::{Path, PathBuf},
};

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
                std::fs::create_dir_all(path)?;
                path.canonicalize()
            }
        }
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
    let text = std::fs::read_to_string(log).unwrap_or_default();
    let mut lines: Vec<&str> = text.lines().rev().take(8).collect();
    lines.reverse();
    lines.join("\n")
}

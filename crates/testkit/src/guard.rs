//! A watchdog that tidies up when this process ends, however it ends.

use std::{
    ffi::OsStr,
    fs::File,
    io::Write,
    os::unix::process::CommandExt,
    process::{Child, Command, Stdio},
};

use crate::processes::Account;

/// A child shell that waits on a pipe whose other end only this process holds.
///
/// The kernel closes the pipe when this process ends, SIGKILL included, and the
/// script goes on to its last part. It stands in a process group of its own, so
/// that an interrupt typed at the terminal does not end it first.
#[derive(Debug)]
pub(crate) struct Guard(Child);

impl Guard {
    /// Starts the script with its arguments as `$1`, `$2` and so on. It holds the lock too,
    /// as its standard output, until it has done its work.
    pub(crate) fn start(
        script: &str,
        arguments: &[&OsStr],
        lock: Option<&File>,
        account: Option<Account>,
    ) -> std::io::Result<Self> {
        let lock = lock.map(File::try_clone).transpose()?;
        let lock = lock.map_or_else(Stdio::null, Stdio::from);
        let mut command = Command::new("/bin/sh");
        command
            .args(["-c", script, "vigie-watchdog"])
            .args(arguments)
            .current_dir("/")
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(lock)
            .stderr(Stdio::null());
        if let Some(account) = account {
            account.own(&mut command);
        }
        command.spawn().map(Self)
    }

    /// Hands the script a word, then waits until it has done its work.
    pub(crate) fn end_with(mut self, word: &str) -> std::io::Result<()> {
        if let Some(mut pipe) = self.0.stdin.take() {
            writeln!(pipe, "{word}")?;
        }
        self.0.wait().map(drop)
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        drop(self.0.stdin.take());
        // The child is waited for so that the server is gone when this returns;
        // there is nobody left to tell if that fails.
        let _ = self.0.wait();
    }
}

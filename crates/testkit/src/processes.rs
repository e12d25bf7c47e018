//! Processes of this machine: who they run as, and signals to them.

use std::{
    fs, io,
    os::unix::{fs::MetadataExt, process::CommandExt},
    path::Path,
    process::Command,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};

/// A user of the machine, as whom a child process runs.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Account {
    pub(crate) user: u32,
    pub(crate) group: u32,
}

impl Account {
    /// The account that a server which refuses root has to run as, which is
    /// none of its own unless this process is root.
    pub(crate) fn instead_of_root(name: &str) -> Result<Option<Self>> {
        if fs::metadata("/proc/self")?.uid() != 0 {
            return Ok(None);
        }
        let accounts = fs::read_to_string("/etc/passwd")?;
        let account = accounts.lines().find_map(|line| {
            let mut fields = line.split(':');
            (fields.next() == Some(name)).then_some(())?;
            Some(Self {
                user: fields.nth(1)?.parse().ok()?,
                group: fields.next()?.parse().ok()?,
            })
        });
        account
            .map(Some)
            .with_context(|| format!("PostgreSQL refuses root, and there is no user {name:?}"))
    }

    /// Makes the command run as this account, and with its groups alone.
    pub(crate) fn own(self, command: &mut Command) {
        command.uid(self.user).gid(self.group);
    }
}

/// A signal that the faults of the tests are made of.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Signal {
    Kill,
    Stop,
    Continue,
}

/// Sends the signal to each process; one that is gone already is no error.
pub(crate) fn send(signal: Signal, processes: &[u32]) -> Result<()> {
    let name = match signal {
        Signal::Kill => "KILL",
        Signal::Stop => "STOP",
        Signal::Continue => "CONT",
    };
    // The shell's own `kill` is there on every machine.
    Command::new("/bin/sh")
        .args(["-c", "s=$1; shift; for p; do kill -s $s $p; done 2>&-; :"])
        .arg("kill")
        .arg(name)
        .args(processes.iter().map(u32::to_string))
        .status()
        .with_context(|| format!("sending SIG{name}"))
        .map(drop)
}

/// The children of a process, itself first.
pub(crate) fn family(parent: u32) -> io::Result<Vec<u32>> {
    let mut family = vec![parent];
    for entry in fs::read_dir("/proc")? {
        let Some(process) = entry?.file_name().to_str().and_then(|n| n.parse().ok()) else {
            continue;
        };
        if stat(process).is_some_and(|stat| stat.parent == parent) {
            family.push(process);
        }
    }
    Ok(family)
}

/// Whether the process runs; a zombie that nobody reaps does not.
pub(crate) fn is_running(process: u32) -> bool {
    stat(process).is_some_and(|stat| stat.state != 'Z')
}

/// Whether the process runs, and works in this folder: the number of one that ended may
/// have been given to another.
pub(crate) fn runs_in(process: u32, folder: &Path) -> bool {
    let works_in = fs::read_link(format!("/proc/{process}/cwd"));
    is_running(process) && works_in.is_ok_and(|works_in| works_in == folder)
}

/// Waits until none of the processes runs any more.
pub(crate) fn wait_until_gone(processes: &[u32]) -> Result<()> {
    let started = Instant::now();
    while processes.iter().any(|process| is_running(*process)) {
        if started.elapsed() > Duration::from_secs(20) {
            bail!("processes {processes:?} are still there 20 s after SIGKILL");
        }
        pause();
    }
    Ok(())
}

/// A short pause of a thread that may block.
#[expect(
    clippy::disallowed_methods,
    reason = "called from threads for blocking work only"
)]
pub(crate) fn pause() {
    std::thread::sleep(Duration::from_millis(10));
}

struct Stat {
    state: char,
    parent: u32,
}

/// Reads `/proc/<process>/stat`, whose second field may itself hold spaces and
/// parentheses.
fn stat(process: u32) -> Option<Stat> {
    let text = fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    let mut fields = text.rsplit_once(')')?.1.split_whitespace();
    Some(Stat {
        state: fields.next()?.chars().next()?,
        parent: fields.next()?.parse().ok()?,
    })
}

//! `vigie up` as people start, stop and kill it.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};

use tempfile::TempDir;

/// A folder for the data of a suite, which PostgreSQL may enter, with one example beside it.
struct Machine {
    folder: TempDir,
}

impl Machine {
    fn new() -> Self {
        let folder = tempfile::Builder::new().tempdir().unwrap();
        let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples");
        let declarations = folder.path().join("examples/declarations");
        fs::create_dir_all(&declarations).unwrap();
        let copy = |name: &Path, to: &Path| fs::copy(name, to).unwrap();
        copy(
            &examples.join("structures.csv"),
            &folder.path().join("examples/structures.csv"),
        );
        let first = fs::read_dir(examples.join("declarations")).unwrap().next();
        copy(
            &first.unwrap().unwrap().path(),
            &declarations.join("one.json"),
        );
        open_to_everybody(folder.path());
        Self { folder }
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    fn up(&self) -> Up {
        let mut child = Command::new(env!("CARGO_BIN_EXE_vigie-dev"))
            .args(["up", "--free-ports", "--data"])
            .arg(self.data())
            .arg("--examples")
            .arg(self.folder.path().join("examples"))
            .env("LANG", "C.UTF-8")
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let output = BufReader::new(child.stdout.take().unwrap());
        Up { child, output }
    }

    /// The process of the suite's PostgreSQL.
    fn postgres(&self) -> u32 {
        let file = self.data().join("postgres/data/postmaster.pid");
        let text = fs::read_to_string(file).unwrap();
        text.lines().next().unwrap().parse().unwrap()
    }

    /// The process of the suite's Redis.
    fn redis(&self) -> u32 {
        let text = fs::read_to_string(self.data().join("redis/pid")).unwrap();
        text.trim().parse().unwrap()
    }
}

/// A temporary folder is its maker's alone, and PostgreSQL may run as another user.
fn open_to_everybody(folder: &Path) {
    use std::os::unix::fs::PermissionsExt as _;
    fs::set_permissions(folder, fs::Permissions::from_mode(0o755)).unwrap();
}

/// A suite that was started.
struct Up {
    child: Child,
    output: BufReader<ChildStdout>,
}

impl Up {
    /// Waits until it says where it listens; `None` when it ended before.
    fn is_ready(&mut self) -> bool {
        let lines = self.output.by_ref().lines();
        lines
            .map(Result::unwrap)
            .any(|line| line.starts_with("Up in "))
    }

    fn stop(mut self) {
        send("TERM", self.child.id());
        assert!(self.child.wait().unwrap().success());
    }

    fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Kills it and its watchdogs, as somebody who is in a hurry does.
    fn kill_with_watchdogs(self) {
        let watchdogs = children(self.child.id(), "vigie-watchdog");
        assert_eq!(watchdogs.len(), 2, "one for PostgreSQL, one for Redis");
        for process in watchdogs {
            send("KILL", process);
        }
        self.kill();
    }
}

fn send(signal: &str, process: u32) {
    let kill = Command::new("kill")
        .args(["-s", signal, &process.to_string()])
        .status();
    assert!(kill.unwrap().success());
}

/// The children of a process whose command line holds this word.
fn children(parent: u32, word: &str) -> Vec<u32> {
    let processes = fs::read_dir("/proc").unwrap().filter_map(|entry| {
        let name = entry.unwrap().file_name();
        name.to_str()?.parse::<u32>().ok()
    });
    let is_child = |process: &u32| {
        let stat = fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
        let after_name = stat.rsplit_once(") ").map(|(_, rest)| rest.to_owned());
        let fields = after_name.unwrap_or_default();
        let command = fs::read_to_string(format!("/proc/{process}/cmdline")).unwrap_or_default();
        fields.split(' ').nth(1) == Some(&parent.to_string()) && command.contains(word)
    };
    processes.filter(is_child).collect()
}

fn is_running(process: u32) -> bool {
    fs::read_to_string(format!("/proc/{process}/stat")).is_ok_and(|stat| !stat.contains(") Z "))
}

#[test]
fn a_suite_whose_processes_were_killed_starts_again_on_its_data() {
    let machine = Machine::new();
    let mut killed = machine.up();
    assert!(killed.is_ready());
    let (postgres, redis) = (machine.postgres(), machine.redis());
    killed.kill_with_watchdogs();
    assert!(
        is_running(postgres) && is_running(redis),
        "orphans are left"
    );

    let mut second = machine.up();
    assert!(second.is_ready());
    assert!(
        !is_running(postgres) && !is_running(redis),
        "the orphans are stopped"
    );
    second.stop();
    assert!(!machine.data().join("postgres/data/postmaster.pid").exists());
}

#[test]
fn a_start_waits_for_the_watchdogs_of_a_suite_that_was_killed() {
    let machine = Machine::new();
    let mut killed = machine.up();
    assert!(killed.is_ready());
    killed.kill();

    let mut second = machine.up();
    assert!(second.is_ready());
    let postgres = machine.postgres();
    assert!(is_running(postgres), "the first watchdog left it alone");
    second.stop();
}

#[test]
fn a_suite_that_runs_keeps_its_database_when_another_is_started_on_its_data() {
    let machine = Machine::new();
    let mut first = machine.up();
    assert!(first.is_ready());
    let postgres = machine.postgres();

    let mut second = machine.up();
    assert!(!second.is_ready());
    assert_eq!(second.child.wait().unwrap().code(), Some(1));
    assert!(is_running(postgres));
    assert_eq!(machine.postgres(), postgres);
    first.stop();
}

#[test]
fn what_cannot_be_shown_is_said_before_anything_is_started() {
    let machine = Machine::new();
    let ended = Command::new(env!("CARGO_BIN_EXE_vigie-dev"))
        .args(["up", "--examples", "/nonexistent", "--data"])
        .arg(machine.data())
        .output()
        .unwrap();
    assert_eq!(ended.status.code(), Some(1));
    assert!(!machine.data().exists());
}

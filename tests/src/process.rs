//! The programs of the suite as processes of their own.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::OnceLock;

use dev::{SERVICES, Suite};

/// Which programs are built.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Programs {
    /// As they are released.
    Released,
    /// With wrong variants and crash points in them, and without the commands.
    Mutants,
}

/// The folder of the programs, which are built first where they are not fresh.
///
/// # Panics
///
/// When they cannot be built.
pub fn programs() -> &'static Path {
    static PROGRAMS: OnceLock<PathBuf> = OnceLock::new();
    PROGRAMS.get_or_init(|| build(Programs::Released))
}

/// The profiles in which the programs are built, and the folders where they come to lie.
const PROFILES: [(&str, &str); 4] = [
    ("dev", "debug"),
    ("release", "release"),
    ("image", "image"),
    ("proof", "proof"),
];

/// Builds the programs like this one itself, and says where they are.
pub(crate) fn build(programs: Programs) -> PathBuf {
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["build", "--quiet", "--offline", "--locked"]);
    for service in SERVICES {
        cargo.args(["--package", service, "--bin", &format!("vigie-{service}")]);
    }
    cargo.args(match programs {
        // With those who ask, so that what is shared has the features that it has for
        // them, and is built once.
        Programs::Released => &[
            "--package",
            "cli",
            "--bin",
            "vigie",
            "--package",
            "dev",
            "--bin",
            "vigie-dev",
            "--package",
            "tests",
            "--package",
            "benches",
        ][..],
        Programs::Mutants => &["--features", "mutants"][..],
    });
    // Tests lie in a folder below the programs of their profile.
    let this = std::env::current_exe().expect("a process has a program");
    let (profile, folder) = this
        .ancestors()
        .find_map(|folder| {
            let profile = PROFILES.iter().find(|(_, name)| folder.ends_with(name));
            profile.map(|(profile, _)| (profile, folder))
        })
        .expect("it lies in the folder of a profile");
    cargo.args(["--profile", profile]);
    let built = cargo.current_dir(env!("CARGO_MANIFEST_DIR")).status();
    assert!(
        built.expect("cargo can be run").success(),
        "the programs are built"
    );
    folder.to_owned()
}

/// The program of a service with the variables of the suite and no others; it ends with
/// the test, however that ends.
pub fn service(suite: &Suite, name: &str) -> Command {
    let mut command = Command::new("setpriv");
    command
        .args(["--pdeathsig", "KILL", "--"])
        .arg(programs().join(format!("vigie-{name}")))
        .env_clear()
        .env("PATH", "/usr/bin:/bin")
        .envs(suite.environment(name).variables())
        .stdin(Stdio::null());
    command
}

/// Runs a command that is to end by itself, and ends it after a while if it does not.
///
/// # Panics
///
/// When it cannot be run.
pub fn run_briefly(command: &Command) -> Output {
    let mut brief = Command::new("timeout");
    brief.args(["--signal", "KILL", "60"]);
    brief.arg(command.get_program()).args(command.get_args());
    brief.env_clear().env("PATH", "/usr/bin:/bin");
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => brief.env(name, value),
            None => brief.env_remove(name),
        };
    }
    let ended = brief.stdin(Stdio::null()).output();
    ended.expect("the command can be run")
}

/// A service that runs, and its log.
pub struct Process {
    child: Child,
    log: PathBuf,
}

impl Process {
    /// Starts a command of [`service`], which writes its log to a new file.
    ///
    /// # Panics
    ///
    /// When it cannot be started.
    pub fn start(mut command: Command, log: PathBuf) -> Self {
        let file = File::create(&log).expect("the log can be written");
        let child = command.stderr(file).spawn();
        Self {
            child: child.expect("the program can be run"),
            log,
        }
    }

    /// Its number on this machine.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Asks the process to drain, and waits for its end.
    ///
    /// # Panics
    ///
    /// When it cannot be asked.
    pub fn stop(&mut self) -> ExitStatus {
        let id = self.child.id().to_string();
        let asked = Command::new("kill").args(["-TERM", &id]).status();
        assert!(asked.expect("kill can be run").success());
        self.child.wait().expect("a child can be waited for")
    }

    /// What it has written so far.
    ///
    /// # Panics
    ///
    /// When the log cannot be read.
    pub fn log(&self) -> String {
        fs::read_to_string(&self.log).expect("the log can be read")
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

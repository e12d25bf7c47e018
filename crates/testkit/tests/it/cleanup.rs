//! Nothing is left behind, however a process ends.

use std::{
    io::{BufRead, BufReader},
    net::TcpStream,
    path::Path,
    process::{Child, Command, Stdio},
};

use testkit::{Postgres, PostgresOptions, eventually};

/// A process of its own with a Redis, three PostgreSQL and a backup.
struct Owner {
    process: Child,
    ports: Vec<u16>,
    folders: Vec<String>,
}

impl Owner {
    fn start() -> Self {
        // Cargo builds the examples of a package for its tests, beside them.
        let tests = std::env::current_exe().unwrap();
        let example = tests
            .parent()
            .unwrap()
            .parent()
            .unwrap()
            .join("examples/servers");
        let mut process = Command::new(example)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let said = BufReader::new(process.stdout.take().unwrap());
        let (mut ports, mut folders) = (Vec::new(), Vec::new());
        for line in said.lines().take(5).map(Result::unwrap) {
            let (port, folder) = line.split_once(' ').unwrap();
            ports.extend(port.parse::<u16>());
            folders.push(folder.to_owned());
        }
        Self {
            process,
            ports,
            folders,
        }
    }

    /// How many servers answer, and how many folders there are.
    fn left(&self) -> (usize, usize) {
        let answers = |port: &&u16| TcpStream::connect(("127.0.0.1", **port)).is_ok();
        let exists = |folder: &&String| Path::new(folder.as_str()).exists();
        (
            self.ports.iter().filter(answers).count(),
            self.folders.iter().filter(exists).count(),
        )
    }

    async fn leaves_nothing_behind(&self) {
        eventually(async || self.left() == (0, 0)).await;
    }
}

#[tokio::test]
async fn a_killed_process_leaves_no_server_and_no_folder() {
    let mut owner = Owner::start();
    assert_eq!(owner.left(), (4, 5));

    owner.process.kill().unwrap();
    owner.process.wait().unwrap();

    owner.leaves_nothing_behind().await;
}

#[tokio::test]
async fn a_process_that_ends_by_itself_leaves_no_server_and_no_folder() {
    let mut owner = Owner::start();
    assert_eq!(owner.left(), (4, 5));

    drop(owner.process.stdin.take());
    owner.process.wait().unwrap();

    owner.leaves_nothing_behind().await;
}

/// How many processes work in the folder or below it.
fn processes_in(folder: &Path) -> usize {
    let processes = std::fs::read_dir("/proc").unwrap();
    processes
        .filter_map(|process| std::fs::read_link(process.unwrap().path().join("cwd")).ok())
        .filter(|place| place.starts_with(folder))
        .count()
}

#[tokio::test]
async fn a_frozen_server_leaves_no_process_and_no_folder() {
    let postgres = Postgres::start(PostgresOptions::default()).await.unwrap();
    let folder = postgres.folder().to_owned();
    postgres.freeze().await.unwrap();
    assert!(processes_in(&folder) > 1);

    drop(postgres);

    eventually(async || processes_in(&folder) == 0).await;
    assert!(!folder.exists());
}

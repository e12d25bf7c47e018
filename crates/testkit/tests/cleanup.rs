//! Nothing is left behind, however a process ends.

#![expect(clippy::unwrap_used, reason = "a helper that fails is a failed test")]

use std::{
    io::{BufRead, BufReader},
    net::TcpStream,
    path::Path,
    process::{Child, Command, Stdio},
};

use testkit::eventually;

/// A process of its own with a PostgreSQL and a Redis.
struct Owner {
    process: Child,
    ports: [u16; 2],
    folders: [String; 2],
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
        let said: Vec<String> = said.lines().take(4).map(Result::unwrap).collect();
        Self {
            process,
            ports: [said[0].parse().unwrap(), said[1].parse().unwrap()],
            folders: [said[2].clone(), said[3].clone()],
        }
    }

    fn servers_answer(&self) -> bool {
        self.ports
            .iter()
            .any(|port| TcpStream::connect(("127.0.0.1", *port)).is_ok())
    }

    fn folders_exist(&self) -> bool {
        self.folders.iter().any(|folder| Path::new(folder).exists())
    }

    async fn leaves_nothing_behind(&self) {
        eventually(async || !self.servers_answer()).await;
        eventually(async || !self.folders_exist()).await;
    }
}

#[tokio::test]
async fn a_killed_process_leaves_no_server_and_no_folder() {
    let mut owner = Owner::start();
    assert!(owner.servers_answer() && owner.folders_exist());

    owner.process.kill().unwrap();
    owner.process.wait().unwrap();

    owner.leaves_nothing_behind().await;
}

#[tokio::test]
async fn a_process_that_ends_by_itself_leaves_no_server_and_no_folder() {
    let mut owner = Owner::start();

    drop(owner.process.stdin.take());
    owner.process.wait().unwrap();

    owner.leaves_nothing_behind().await;
}

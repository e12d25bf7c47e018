//! The process of a server.

use std::{
    ffi::OsStr,
    fmt::Write as _,
    fs::{self, File},
    io::{BufRead, BufReader, Write as _},
    net::TcpStream,
    path::PathBuf,
    sync::Mutex,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};

use super::RedisOptions;
use crate::{
    folder::{Folder, last_lines},
    guard::Guard,
    ports,
    processes::{self, Signal, pause},
};

/// One process of `redis-server` and its folder.
pub(super) struct Server {
    purpose: Purpose,
    pub(super) home: PathBuf,
    pub(super) port: u16,
    pub(super) tls_port: Option<u16>,
    /// Where the other nodes of its cluster talk to it.
    pub(super) bus_port: Option<u16>,
    pub(super) options: RedisOptions,
    /// Present while the server is meant to run; dropping it ends the server.
    guard: Mutex<Option<Guard>>,
    /// Held until the server has ended.
    lock: Option<File>,
}

/// What a server is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    Alone,
    ClusterNode,
    Sentinel,
}

/// Runs the server in `$1`, for which `$3` says what kind it is, and kills it at the
/// end of the process that started it, or at a word on the pipe, which also overrides
/// what to do with the folder.
const WATCHDOG: &str = r#"
trap '' HUP INT TERM
redis-server "$1/redis.conf" $3 </dev/null >>"$1/log" 2>&1 &
read -r word || word=$2
kill -s KILL $!
wait
if [ "$word" = remove ]; then rm -rf "$1"; fi
"#;

impl Server {
    pub(super) fn start(purpose: Purpose, options: RedisOptions) -> Result<Self> {
        let home = options.folder.create("redis")?;
        let lock = options.folder.lock(&home)?;
        let mut server = Self {
            purpose,
            home,
            port: 0,
            tls_port: None,
            bus_port: None,
            options,
            guard: Mutex::default(),
            lock,
        };
        server.end_orphan()?;
        for attempt in 1.. {
            server.port = ports::choose(server.options.port)?;
            if server.options.tls.is_some() {
                server.tls_port = Some(ports::choose(None)?);
            }
            if server.purpose == Purpose::ClusterNode {
                server.bus_port = Some(ports::choose(None)?);
            }
            server.configure()?;
            let Err(error) = server.run() else { break };
            let port_taken = last_lines(&server.log_file()).contains("already in use");
            if !port_taken || server.options.port.is_some() || attempt == 5 {
                return Err(error);
            }
        }
        Ok(server)
    }

    /// Ends the server that a process left in the folder when it was killed together with
    /// its watchdog.
    fn end_orphan(&self) -> Result<()> {
        match self.process() {
            Ok(orphan) if processes::runs_in(orphan, &self.home) => {
                processes::send(Signal::Kill, &[orphan])?;
                processes::wait_until_gone(&[orphan])
            }
            _ => Ok(()),
        }
    }

    fn configure(&self) -> Result<()> {
        let home = self.home.display();
        let mut lines = format!(
            "bind 127.0.0.1\nport {}\ndir {home}\npidfile {home}/pid\nsave \"\"\n\
             appendonly no\nmaxclients 1000\n",
            self.port
        );
        if let Some(password) = &self.options.password {
            writeln!(lines, "requirepass {password}\nmasterauth {password}")?;
        }
        if let (Some(port), Some(certificates)) = (self.tls_port, &self.options.tls) {
            certificates.issue("redis")?;
            let (cert, key) = (
                certificates.cert_file("redis"),
                certificates.key_file("redis"),
            );
            writeln!(
                lines,
                "tls-port {port}\ntls-cert-file {}\ntls-key-file {}\n\
                 tls-ca-cert-file {}\ntls-auth-clients no\ntls-replication yes",
                cert.display(),
                key.display(),
                certificates.ca_file().display(),
            )?;
        }
        if let Some(port) = self.bus_port {
            let tls = if self.tls_port.is_some() { "yes" } else { "no" };
            writeln!(
                lines,
                "cluster-enabled yes\ncluster-port {port}\n\
                 cluster-announce-ip 127.0.0.1\ntls-cluster {tls}"
            )?;
        }
        for user in &self.options.users {
            writeln!(lines, "user {user}")?;
        }
        for (name, value) in &self.options.settings {
            writeln!(lines, "{name} {value}")?;
        }
        fs::write(self.home.join("redis.conf"), lines)?;
        if self.pid_file().exists() {
            fs::remove_file(self.pid_file())?;
        }
        Ok(())
    }

    pub(super) fn run(&self) -> Result<()> {
        fs::write(self.log_file(), "")?;
        let guard = Guard::start(
            WATCHDOG,
            &[
                self.home.as_os_str(),
                OsStr::new(self.options.folder.at_the_end()),
                OsStr::new(match self.purpose {
                    Purpose::Alone | Purpose::ClusterNode => "",
                    Purpose::Sentinel => "--sentinel",
                }),
            ],
            self.lock.as_ref(),
            None,
        )?;
        let started = Instant::now();
        // The pid file comes first, so that a signal always finds its process.
        while let Err(error) = self.process().and_then(|_| self.command(&["PING".into()])) {
            let ended = last_lines(&self.log_file()).contains("already in use");
            if ended || started.elapsed() > Duration::from_secs(20) {
                let log = last_lines(&self.log_file());
                guard.end_with("keep")?;
                return Err(error.context(format!(
                    "Redis did not start on port {} (is it installed? `scripts/setup`):\n{log}",
                    self.port
                )));
            }
            pause();
        }
        *self.guard.lock().expect("no holder of this lock panics") = Some(guard);
        Ok(())
    }

    pub(super) fn kill9(&self) -> Result<()> {
        let guard = self
            .guard
            .lock()
            .expect("no holder of this lock panics")
            .take();
        if let Some(guard) = guard {
            guard.end_with("keep")?;
            fs::remove_file(self.pid_file())?;
        }
        Ok(())
    }

    pub(super) fn process(&self) -> Result<u32> {
        let text = fs::read_to_string(self.pid_file()).context("Redis does not run")?;
        Ok(text.trim().parse()?)
    }

    pub(super) fn command(&self, words: &[String]) -> Result<String> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port))?;
        stream.set_read_timeout(Some(Duration::from_secs(10)))?;
        let mut replies = BufReader::new(stream.try_clone()?);
        let mut ask = |words: &[String]| -> Result<String> {
            let mut request = format!("*{}\r\n", words.len());
            for word in words {
                write!(request, "${}\r\n{word}\r\n", word.len())?;
            }
            stream.write_all(request.as_bytes())?;
            answer(&mut replies)
        };
        if let Some(password) = &self.options.password {
            ask(&["AUTH".into(), password.clone()])?;
        }
        ask(words)
    }

    fn pid_file(&self) -> PathBuf {
        self.home.join("pid")
    }

    fn log_file(&self) -> PathBuf {
        self.home.join("log")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let running = self
            .guard
            .get_mut()
            .is_ok_and(|guard| guard.take().is_some());
        // A server that was killed has no watchdog left to remove its folder.
        if let (false, Folder::ThrowAway) = (running, &self.options.folder) {
            // What remains in the temporary folder harms nobody.
            let _ = fs::remove_dir_all(&self.home);
        }
    }
}

/// Reads an answer of any kind as text.
fn answer(replies: &mut impl BufRead) -> Result<String> {
    let mut line = String::new();
    replies.read_line(&mut line)?;
    let Some((kind, rest)) = line.trim_end().split_at_checked(1) else {
        bail!("Redis closed the connection");
    };
    match kind {
        "-" => bail!("Redis: {rest}"),
        "$" => {
            let Ok(length) = rest.parse::<usize>() else {
                return Ok(String::new());
            };
            let mut text = vec![0; length + 2];
            replies.read_exact(&mut text)?;
            text.truncate(length);
            Ok(String::from_utf8(text)?)
        }
        "*" => {
            let parts = (0..rest.parse().unwrap_or(0)).map(|_| answer(replies));
            Ok(parts.collect::<Result<Vec<_>>>()?.join("\n"))
        }
        _ => Ok(rest.to_owned()),
    }
}

//! A private Redis server.

use std::{
    ffi::OsStr,
    fmt::{self, Write as _},
    fs,
    io::{BufRead, BufReader, Write as _},
    net::TcpStream,
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};
use tokio::{sync::OnceCell, task::spawn_blocking};

use crate::{
    folder::{Folder, last_lines},
    guard::Guard,
    ports,
    processes::{self, Signal, pause},
};

/// The one server of this test process, started at the first call.
///
/// Tests that share it keep their keys apart; one that kills or empties it
/// starts its own with [`Redis::start`].
///
/// # Panics
///
/// When Redis is not installed or does not start.
pub async fn redis() -> &'static Redis {
    static REDIS: OnceCell<Redis> = OnceCell::const_new();
    REDIS
        .get_or_init(async || {
            Redis::start(RedisOptions::default())
                .await
                .unwrap_or_else(|error| panic!("no private Redis: {error:#}"))
        })
        .await
}

/// A private Redis server that ends with this process and saves nothing.
pub struct Redis(Arc<Server>);

/// What a server may be told at its start.
#[derive(Debug, Clone, Default)]
pub struct RedisOptions {
    /// The folder of its log and of what [`Redis::save`] writes.
    pub folder: Folder,
    /// The port; any free one by default.
    pub port: Option<u16>,
    /// The password of the default user.
    pub password: Option<String>,
    /// Further users, each as a line of the ACL: `intake on >secret ~vigie:* +@all`.
    pub users: Vec<String>,
    /// Further lines of `redis.conf`.
    pub settings: Vec<(String, String)>,
}

struct Server {
    home: PathBuf,
    port: u16,
    options: RedisOptions,
    /// Present while the server is meant to run; dropping it ends the server.
    guard: Mutex<Option<Guard>>,
}

/// Runs the server in `$1` and kills it at the end of the process that started
/// it, or at a word on the pipe, which also overrides what to do with the folder.
const WATCHDOG: &str = r#"
trap '' HUP INT TERM
redis-server "$1/redis.conf" </dev/null >>"$1/log" 2>&1 &
read -r word || word=$2
kill -s KILL $!
wait
if [ "$word" = remove ]; then rm -rf "$1"; fi
"#;

impl Redis {
    /// Starts a server and returns when it answers.
    pub async fn start(options: RedisOptions) -> Result<Self> {
        let server = spawn_blocking(move || Server::start(options)).await??;
        Ok(Self(Arc::new(server)))
    }

    /// The address, with the default user's password if there is one.
    pub fn url(&self) -> String {
        match &self.0.options.password {
            Some(password) => format!("redis://:{password}@127.0.0.1:{}", self.0.port),
            None => format!("redis://127.0.0.1:{}", self.0.port),
        }
    }

    /// The address for one of the further users.
    pub fn url_as(&self, user: &str, password: &str) -> String {
        format!("redis://{user}:{password}@127.0.0.1:{}", self.0.port)
    }

    /// The port it listens on, the same after every restart.
    pub fn port(&self) -> u16 {
        self.0.port
    }

    /// The folder of its log.
    pub fn folder(&self) -> &Path {
        &self.0.home
    }

    /// Kills the server with SIGKILL.
    pub async fn kill9(&self) -> Result<()> {
        self.on_server(Server::kill9).await
    }

    /// Starts the server anew on the same port, with what was last saved.
    pub async fn restart(&self) -> Result<()> {
        self.on_server(|server| {
            server.kill9()?;
            server.run()
        })
        .await
    }

    /// Writes a snapshot, to which a later restart rolls the server back.
    pub async fn save(&self) -> Result<()> {
        self.command(&["SAVE"]).await.map(drop)
    }

    /// Empties the server.
    pub async fn flush_all(&self) -> Result<()> {
        self.command(&["FLUSHALL"]).await.map(drop)
    }

    /// Freezes the server: connections stay open and silent.
    pub async fn freeze(&self) -> Result<()> {
        self.on_server(|server| processes::send(Signal::Stop, &[server.process()?]))
            .await
    }

    /// Lets a frozen server go on.
    pub async fn thaw(&self) -> Result<()> {
        self.on_server(|server| processes::send(Signal::Continue, &[server.process()?]))
            .await
    }

    /// Sends a command that is answered by one line, such as `CONFIG SET`, and
    /// returns that line.
    pub async fn command(&self, words: &[&str]) -> Result<String> {
        let words: Vec<String> = words.iter().map(ToString::to_string).collect();
        let server = Arc::clone(&self.0);
        spawn_blocking(move || server.command(&words)).await?
    }

    async fn on_server(
        &self,
        act: impl FnOnce(&Server) -> Result<()> + Send + 'static,
    ) -> Result<()> {
        let server = Arc::clone(&self.0);
        spawn_blocking(move || act(&server)).await?
    }
}

impl Server {
    fn start(options: RedisOptions) -> Result<Self> {
        let mut server = Self {
            home: options.folder.create("redis")?,
            port: 0,
            options,
            guard: Mutex::default(),
        };
        for attempt in 1.. {
            server.port = ports::choose(server.options.port)?;
            server.configure()?;
            let Err(error) = server.run() else { break };
            let port_taken = last_lines(&server.log_file()).contains("already in use");
            if !port_taken || server.options.port.is_some() || attempt == 5 {
                return Err(error);
            }
        }
        Ok(server)
    }

    fn configure(&self) -> Result<()> {
        let home = self.home.display();
        let mut lines = format!(
            "bind 127.0.0.1\nport {}\ndir {home}\npidfile {home}/pid\nsave \"\"\n\
             appendonly no\nmaxclients 1000\n",
            self.port
        );
        if let Some(password) = &self.options.password {
            writeln!(lines, "requirepass {password}")?;
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

    fn run(&self) -> Result<()> {
        fs::write(self.log_file(), "")?;
        let guard = Guard::start(
            WATCHDOG,
            &[
                self.home.as_os_str(),
                OsStr::new(self.options.folder.at_the_end()),
            ],
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

    fn kill9(&self) -> Result<()> {
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

    fn process(&self) -> Result<u32> {
        let text = fs::read_to_string(self.pid_file()).context("Redis does not run")?;
        Ok(text.trim().parse()?)
    }

    fn command(&self, words: &[String]) -> Result<String> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port))?;
        stream.set_read_timeout(Some(Duration::from_secs(10)))?;
        let mut replies = BufReader::new(stream.try_clone()?);
        let mut ask = |words: &[String]| -> Result<String> {
            let mut request = format!("*{}\r\n", words.len());
            for word in words {
                write!(request, "${}\r\n{word}\r\n", word.len())?;
            }
            stream.write_all(request.as_bytes())?;
            let mut reply = String::new();
            replies.read_line(&mut reply)?;
            match reply.trim_end() {
                "" => bail!("Redis closed the connection"),
                reply if reply.starts_with('-') => bail!("Redis: {}", &reply[1..]),
                reply => Ok(reply.trim_start_matches(['+', ':']).to_owned()),
            }
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

impl fmt::Debug for Redis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Redis(127.0.0.1:{})", self.0.port)
    }
}

//! A private PostgreSQL server.

mod database;
mod install;

use std::{
    collections::HashMap,
    ffi::OsStr,
    fmt,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex,
        atomic::{AtomicU32, Ordering},
    },
};

use anyhow::{Context, Result, bail};
use tokio::{sync::OnceCell, task::spawn_blocking};

pub use self::database::{Database, SERVICES};
use self::install::{Installation, START_LIMIT};
use crate::{
    folder::{Folder, last_lines},
    guard::Guard,
    ports,
    processes::{self, Signal},
};

/// The one server of this test process, started at the first call.
///
/// # Panics
///
/// When PostgreSQL is not installed or does not start.
pub async fn postgres() -> &'static Postgres {
    static POSTGRES: OnceCell<Postgres> = OnceCell::const_new();
    POSTGRES
        .get_or_init(async || {
            Postgres::start(PostgresOptions::default())
                .await
                .unwrap_or_else(|error| panic!("no private PostgreSQL: {error:#}"))
        })
        .await
}

/// A private PostgreSQL server that ends with this process.
///
/// It listens on loopback alone and trusts whoever connects.
pub struct Postgres {
    server: Arc<Server>,
    databases: AtomicU32,
    templates: Mutex<HashMap<String, Arc<OnceCell<String>>>>,
}

/// What a server may be told at its start.
#[derive(Debug, Clone, Default)]
pub struct PostgresOptions {
    /// The data folder; a throw-away one also does without `fsync`.
    pub folder: Folder,
    /// The port; any free one by default.
    pub port: Option<u16>,
    /// Further lines of `postgresql.conf`.
    pub settings: Vec<(String, String)>,
}

struct Server {
    installation: Installation,
    home: PathBuf,
    port: u16,
    /// Dropping it stops the server.
    _guard: Guard,
}

/// Waits for the end of the process that started it, then stops the server
/// (`$1` binaries, `$2` folder, `$3` mode) and keeps or removes the folder (`$4`).
const WATCHDOG: &str = r#"
trap '' HUP INT TERM
read -r _
"$1/pg_ctl" -D "$2/data" -m "$3" -t 20 -w stop || kill -s KILL "$(head -1 "$2/data/postmaster.pid")"
if [ "$4" = remove ]; then rm -rf "$2"; fi
"#;

impl Postgres {
    /// The folder that keeps a server from living in this one: PostgreSQL does not
    /// run as root, and its account may not enter everywhere.
    pub fn is_barred_from(folder: &Path) -> Option<PathBuf> {
        // Whatever else is wrong is told by the start.
        let home = std::path::absolute(folder.join("postgres")).ok()?;
        let standing = home.ancestors().find(|above| above.exists())?;
        let installation = Installation::find().ok()?;
        installation.barrier(&standing.join("postgres")).ok()?
    }

    /// Starts a server and returns when it answers.
    pub async fn start(options: PostgresOptions) -> Result<Self> {
        let server = spawn_blocking(move || Server::start(&options)).await??;
        Ok(Self {
            server: Arc::new(server),
            databases: AtomicU32::new(0),
            templates: Mutex::default(),
        })
    }

    /// The port it listens on, the same after every restart.
    pub fn port(&self) -> u16 {
        self.server.port
    }

    /// The folder of its data and its log.
    pub fn folder(&self) -> &Path {
        &self.server.home
    }

    /// The server's own log.
    pub fn log_file(&self) -> PathBuf {
        self.server.log_file()
    }

    /// Kills the server and all its children with SIGKILL, as a power cut would.
    pub async fn kill9(&self) -> Result<()> {
        self.on_server(Server::kill9).await
    }

    /// Stops the server in order and keeps its data.
    pub async fn stop(&self) -> Result<()> {
        self.on_server(Server::stop).await
    }

    /// Starts the server anew on the same port, after ending it if it still runs.
    pub async fn restart(&self) -> Result<()> {
        self.on_server(|server| {
            if server.postmaster().is_some() {
                server.stop()?;
            }
            server.run()
        })
        .await
    }

    /// Freezes every process of the server: connections stay open and silent.
    pub async fn freeze(&self) -> Result<()> {
        self.on_server(|server| processes::send(Signal::Stop, &server.family()?))
            .await
    }

    /// Lets a frozen server go on.
    pub async fn thaw(&self) -> Result<()> {
        self.on_server(|server| processes::send(Signal::Continue, &server.family()?))
            .await
    }

    /// The next name of a database that nobody else of this server has.
    fn unique_name(&self, label: &str) -> String {
        let number = self.databases.fetch_add(1, Ordering::Relaxed);
        // PostgreSQL cuts names at 63 bytes.
        let label: String = label
            .chars()
            .filter(|c| c.is_ascii_alphanumeric() || *c == '_')
            .take(40)
            .collect();
        format!("{}_{number}", label.to_ascii_lowercase())
    }

    async fn on_server(
        &self,
        act: impl FnOnce(&Server) -> Result<()> + Send + 'static,
    ) -> Result<()> {
        let server = Arc::clone(&self.server);
        spawn_blocking(move || act(&server)).await?
    }
}

impl Server {
    fn start(options: &PostgresOptions) -> Result<Self> {
        let installation = Installation::find()?;
        let home = options.folder.create("postgres")?;
        installation.give(&home)?;
        // Before there is a watchdog, which would stop that other server.
        if postmaster(&home).is_some_and(processes::is_running) {
            bail!("a PostgreSQL already runs in {}", home.display());
        }
        let mode = match options.folder {
            Folder::ThrowAway => "immediate",
            Folder::Kept(_) => "fast",
        };
        let mut server = Self {
            _guard: Guard::start(
                WATCHDOG,
                &[
                    installation.binaries().as_os_str(),
                    home.as_os_str(),
                    OsStr::new(mode),
                    OsStr::new(options.folder.at_the_end()),
                ],
                installation.account(),
            )?,
            installation,
            home,
            port: 0,
        };
        server.installation.init(&server.home)?;
        for attempt in 1.. {
            server.port = ports::choose(options.port)?;
            install::configure(&server.home, server.port, options)?;
            let Err(error) = server.run() else { break };
            let port_taken = last_lines(&server.log_file()).contains("Address already in use");
            if !port_taken || options.port.is_some() || attempt == 5 {
                return Err(error);
            }
        }
        Ok(server)
    }

    fn run(&self) -> Result<()> {
        self.installation
            .run("pg_ctl", &self.home, |command| {
                command.arg("-D").arg(self.data());
                command.arg("-l").arg(self.log_file());
                command.args(["-w", "-t", START_LIMIT, "start"]);
            })
            .with_context(|| {
                format!(
                    "PostgreSQL did not start on port {}:\n{}",
                    self.port,
                    last_lines(&self.log_file())
                )
            })
    }

    fn stop(&self) -> Result<()> {
        self.installation.run("pg_ctl", &self.home, |command| {
            command.arg("-D").arg(self.data());
            command.args(["-m", "fast", "-w", "stop"]);
        })
    }

    fn kill9(&self) -> Result<()> {
        let Some(postmaster) = self.postmaster() else {
            return Ok(());
        };
        // Frozen first, so that it cannot have a child that the list misses.
        processes::send(Signal::Stop, &[postmaster])?;
        let family = processes::family(postmaster)?;
        processes::send(Signal::Kill, &family)?;
        processes::wait_until_gone(&family)?;
        // An orphan that nobody reaps would look to the next start like a
        // server that still runs.
        std::fs::remove_file(self.data().join("postmaster.pid"))?;
        Ok(())
    }

    fn family(&self) -> Result<Vec<u32>> {
        let postmaster = self.postmaster().context("PostgreSQL does not run")?;
        Ok(processes::family(postmaster)?)
    }

    fn postmaster(&self) -> Option<u32> {
        postmaster(&self.home)
    }

    fn data(&self) -> PathBuf {
        data_folder(&self.home)
    }

    fn log_file(&self) -> PathBuf {
        self.home.join("log")
    }
}

fn data_folder(home: &Path) -> PathBuf {
    home.join("data")
}

/// The process that the folder's last server ran or runs in.
fn postmaster(home: &Path) -> Option<u32> {
    let text = std::fs::read_to_string(data_folder(home).join("postmaster.pid")).ok()?;
    text.lines().next()?.trim().parse().ok()
}

impl fmt::Debug for Postgres {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Postgres(127.0.0.1:{})", self.server.port)
    }
}

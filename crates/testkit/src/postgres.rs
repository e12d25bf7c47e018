//! A private PostgreSQL server.

mod backup;
mod database;
mod install;
mod server;
mod standby;

use std::{
    collections::HashMap,
    fmt,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use anyhow::{Result, bail};
use tokio::{sync::OnceCell, task::spawn_blocking};

pub use self::backup::{Backup, Point};
pub use self::database::{Database, SERVICES};
use self::install::Installation;
use self::server::Server;
pub use self::standby::{Standby, Synchrony};
use crate::{eventually::some_within, folder::Folder};

/// How long one server waits for another one, or for its own recovery.
const PATIENCE: Duration = Duration::from_mins(2);

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
    /// Shared with the servers that begin as copies of this one.
    names: Arc<AtomicU32>,
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
        Ok(Self::of(server, Arc::default()))
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

    /// The folder of the programs that came with the server.
    pub fn binaries(&self) -> &Path {
        self.server.installation.binaries()
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
        self.on_server(Server::restart).await
    }

    /// Freezes every process of the server: connections stay open and silent.
    pub async fn freeze(&self) -> Result<()> {
        self.on_server(Server::freeze).await
    }

    /// Lets a frozen server go on.
    pub async fn thaw(&self) -> Result<()> {
        self.on_server(Server::thaw).await
    }

    fn of(server: Server, names: Arc<AtomicU32>) -> Self {
        Self {
            server: Arc::new(server),
            names,
            templates: Mutex::default(),
        }
    }

    /// The next name that neither this server nor a copy of it has given.
    fn unique_name(&self, label: &str) -> String {
        let number = self.names.fetch_add(1, Ordering::Relaxed);
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

    /// Asks this question as the superuser until the answer is yes.
    async fn until(&self, question: &'static str, about: &str, what: &str) -> Result<()> {
        let mut admin = self.connect_as_superuser("postgres").await?;
        let answered = some_within(PATIENCE, async || {
            let asked = sqlx::query_scalar::<_, Option<bool>>(question).bind(about);
            match asked.fetch_one(&mut admin).await {
                Ok(Some(true)) => Some(Ok(())),
                Ok(_) => None,
                Err(error) => Some(Err(error)),
            }
        });
        match answered.await {
            Some(answered) => Ok(answered?),
            None => bail!("{self:?} {what} after {PATIENCE:?}"),
        }
    }
}

impl fmt::Debug for Postgres {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Postgres(127.0.0.1:{})", self.server.port)
    }
}

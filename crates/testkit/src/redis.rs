//! A private Redis server.

mod cluster;
mod sentinel;
mod server;

use std::{fmt, path::Path, sync::Arc};

use anyhow::Result;
use tokio::{sync::OnceCell, task::spawn_blocking};

use self::server::{Purpose, Server};
pub use self::{
    cluster::{RedisCluster, RedisClusterOptions},
    sentinel::{RedisSentinel, RedisSentinelOptions},
};
use crate::{
    certificates::Certificates,
    eventually::until,
    folder::Folder,
    processes::{self, Signal},
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
    /// The authority that signs its certificate; without one, it speaks no TLS.
    pub tls: Option<Certificates>,
    /// Further lines of `redis.conf`.
    pub settings: Vec<(String, String)>,
}

impl Redis {
    /// Starts a server and returns when it answers.
    pub async fn start(options: RedisOptions) -> Result<Self> {
        Self::start_as(Purpose::Alone, options).await
    }

    async fn start_as(purpose: Purpose, options: RedisOptions) -> Result<Self> {
        let server = spawn_blocking(move || Server::start(purpose, options)).await??;
        Ok(Self(Arc::new(server)))
    }

    /// The address, with the default user's password if there is one.
    pub fn url(&self) -> String {
        url("redis", &self.0.options, [self.port()])
    }

    /// The address for one of the further users.
    pub fn url_as(&self, user: &str, password: &str) -> String {
        format!("redis://{user}:{password}@127.0.0.1:{}", self.port())
    }

    /// The address for who comes by TLS, with the default user's password.
    pub fn tls_url(&self) -> Option<String> {
        let port = self.0.tls_port?;
        Some(url("rediss", &self.0.options, [port]))
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

    /// Sends a command and returns the answer as text, the parts of a list on lines
    /// of their own.
    pub async fn command(&self, words: &[&str]) -> Result<String> {
        let words: Vec<String> = words.iter().map(ToString::to_string).collect();
        let server = Arc::clone(&self.0);
        spawn_blocking(move || server.command(&words)).await?
    }

    /// The port that it tells other servers.
    fn announced(&self) -> u16 {
        self.0.tls_port.unwrap_or(self.0.port)
    }

    /// Waits until it holds what its master holds.
    async fn until_it_follows(&self) -> Result<()> {
        until("a replica that follows its master", async || {
            let info = self.command(&["INFO", "replication"]).await;
            info.is_ok_and(|info| info.contains("master_link_status:up"))
        })
        .await
    }

    async fn on_server(
        &self,
        act: impl FnOnce(&Server) -> Result<()> + Send + 'static,
    ) -> Result<()> {
        let server = Arc::clone(&self.0);
        spawn_blocking(move || act(&server)).await?
    }
}

/// The address of servers that are alike but for the port.
fn url(scheme: &str, options: &RedisOptions, ports: impl IntoIterator<Item = u16>) -> String {
    let hosts: Vec<String> = ports
        .into_iter()
        .map(|port| format!("127.0.0.1:{port}"))
        .collect();
    let login = match &options.password {
        Some(password) => format!(":{password}@"),
        None => String::new(),
    };
    format!("{scheme}://{login}{}", hosts.join(","))
}

impl fmt::Debug for Redis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Redis(127.0.0.1:{})", self.0.port)
    }
}

//! A private Redis with a replica and a sentinel.

use anyhow::{Context as _, Result};

use super::{Purpose, Redis, RedisOptions};
use crate::{certificates::Certificates, eventually::until};

/// A master, its replica, and a sentinel that promotes the replica when the master
/// is gone for a second; they end with this process.
#[derive(Debug)]
pub struct RedisSentinel {
    servers: [Redis; 2],
    sentinel: Redis,
}

/// What the three may be told at their start.
#[derive(Debug, Clone, Default)]
pub struct RedisSentinelOptions {
    /// The password that the sentinel asks for.
    pub sentinel_password: Option<String>,
    /// The authority that signs their certificates; without one, they speak no TLS.
    pub tls: Option<Certificates>,
}

impl RedisSentinel {
    /// The name under which the sentinel knows the master.
    pub const MASTER_NAME: &str = "vigie";

    /// Starts the three and returns when the replica could be promoted.
    pub async fn start(options: RedisSentinelOptions) -> Result<Self> {
        let told = |settings: &[(&str, &str)]| RedisOptions {
            tls: options.tls.clone(),
            settings: settings
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                .collect(),
            ..RedisOptions::default()
        };
        let at_once = ("repl-diskless-sync-delay", "0");
        let master = Redis::start(told(&[at_once])).await?;
        let address = format!("127.0.0.1 {}", master.announced());
        let replica = Redis::start(told(&[at_once, ("replicaof", &address)])).await?;
        replica.until_it_follows().await?;

        let of_master = |value: &str| format!("{} {value}", Self::MASTER_NAME);
        let watching = told(&[
            ("sentinel monitor", &of_master(&format!("{address} 1"))),
            ("sentinel down-after-milliseconds", &of_master("1000")),
            ("sentinel failover-timeout", &of_master("10000")),
        ]);
        let watching = RedisOptions {
            password: options.sentinel_password,
            ..watching
        };
        let sentinel = Redis::start_as(Purpose::Sentinel, watching).await?;
        until("a sentinel that knows the replica", async || {
            let info = sentinel.command(&["INFO", "sentinel"]).await;
            info.is_ok_and(|info| info.contains("status=ok") && info.contains("slaves=1"))
        })
        .await?;
        Ok(Self {
            servers: [master, replica],
            sentinel,
        })
    }

    /// The sentinel itself.
    pub fn sentinel(&self) -> &Redis {
        &self.sentinel
    }

    /// The server that the sentinel calls the master.
    pub async fn master(&self) -> Result<&Redis> {
        let told = self
            .sentinel
            .command(&["SENTINEL", "GET-MASTER-ADDR-BY-NAME", Self::MASTER_NAME])
            .await?;
        let named = |server: &&Redis| told == format!("127.0.0.1\n{}", server.announced());
        let found = self.servers.iter().find(named);
        found.with_context(|| format!("the sentinel names a stranger: {told}"))
    }

    /// Kills the master with SIGKILL, waits until the replica is promoted, and returns
    /// the one that was killed.
    pub async fn fail_over(&self) -> Result<&Redis> {
        let killed = self.master().await?;
        killed.kill9().await?;
        until("a promoted replica", async || {
            let Ok(master) = self.master().await else {
                return false;
            };
            let role = master.command(&["ROLE"]).await;
            master.port() != killed.port() && role.is_ok_and(|role| role.starts_with("master"))
        })
        .await?;
        Ok(killed)
    }
}

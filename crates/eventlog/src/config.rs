//! What an installation says about the log.

use std::path::PathBuf;

use secrecy::SecretString;
use serde::Deserialize;
use time::Duration;

/// The settings of the log of a service, from `EVENTLOG_*`.
#[derive(Clone, Debug, Deserialize)]
#[serde(default)]
pub struct EventLogConfig {
    /// Shards of the log, fixed at installation.
    pub shards: u16,
    /// Where Redis is, user and password included; several nodes after commas, as
    /// in `redis://user:password@host:port,host:port`. Without it everything still
    /// arrives, slower.
    pub redis_url: Option<SecretString>,
    /// The file with that address, instead; connections are made anew when it changes.
    pub redis_url_file: Option<PathBuf>,
    /// What answers there: one server, some nodes of a cluster, or sentinels.
    pub redis_mode: RedisMode,
    /// The name under which the sentinels know the master; required with
    /// sentinels.
    pub redis_master_name: Option<String>,
    /// Who we are to the sentinels, where they ask.
    pub redis_sentinel_username: Option<String>,
    /// The file with our password for the sentinels, where they ask; the one in the
    /// URL is for the master.
    pub redis_sentinel_password_file: Option<PathBuf>,
    /// The authority that signed the certificates of Redis (`rediss://`), in PEM;
    /// the authorities of the system when absent.
    pub redis_ca_file: Option<PathBuf>,
    /// Events younger than this are kept even when every consumer has applied
    /// them.
    pub retention_days: u16,
}

/// What answers where Redis is said to be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RedisMode {
    /// One server.
    #[default]
    Single,
    /// Some nodes of a Redis Cluster, which tell of the others.
    Cluster,
    /// Sentinels, which tell who is master now.
    Sentinel,
}

impl EventLogConfig {
    /// How long events are kept even when every consumer has applied them.
    pub fn retention(&self) -> Duration {
        Duration::days(i64::from(self.retention_days))
    }
}

impl Default for EventLogConfig {
    fn default() -> Self {
        Self {
            shards: 8,
            redis_url: None,
            redis_url_file: None,
            redis_mode: RedisMode::Single,
            redis_master_name: None,
            redis_sentinel_username: None,
            redis_sentinel_password_file: None,
            redis_ca_file: None,
            retention_days: 30,
        }
    }
}

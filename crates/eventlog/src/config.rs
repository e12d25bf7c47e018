//! What an installation says about the log.

use std::path::PathBuf;

use secrecy::SecretString;
use serde::Deserialize;
use time::Duration;

/// The settings of the log of a service, from `EVENTLOG_*`.
#[derive(Clone, Debug, Deserialize)]
pub struct EventLogConfig {
    /// Shards of the log, fixed at installation. Default 8.
    #[serde(default = "default_shards")]
    pub shards: u16,
    /// Where Redis is, user and password included. Without it everything still
    /// arrives, slower.
    pub redis_url: Option<SecretString>,
    /// The authority that signed the certificate of Redis (`rediss://`), in PEM;
    /// the authorities of the system when absent.
    pub redis_ca_file: Option<PathBuf>,
    /// Events younger than this are kept even when every consumer has applied
    /// them. Default 30 days.
    #[serde(default = "default_retention_days")]
    pub retention_days: u16,
}

impl EventLogConfig {
    /// How long events are kept even when every consumer has applied them.
    pub fn retention(&self) -> Duration {
        Duration::days(i64::from(self.retention_days))
    }
}

fn default_shards() -> u16 {
    8
}

fn default_retention_days() -> u16 {
    30
}

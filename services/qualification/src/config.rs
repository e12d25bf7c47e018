//! What an installation says, read once at the start.

use eventlog::EventLogConfig;
use platform::{
    AuthConfig, ConfigError, DatabaseConfig, InternalTlsConfig, SealingConfig, ServerConfig,
    read_config,
};
use serde::Deserialize;

/// The whole configuration of the service.
#[derive(Clone, Debug)]
pub struct Config {
    /// `DATABASE_*`.
    pub database: DatabaseConfig,
    /// `SERVER_*`.
    pub server: ServerConfig,
    /// `INTERNAL_TLS_*`.
    pub internal_tls: InternalTlsConfig,
    /// `AUTH_*`.
    pub auth: AuthConfig,
    /// `SEALING_*`.
    pub sealing: SealingConfig,
    /// `EVENTLOG_*`.
    pub event_log: EventLogConfig,
    /// `PRODUCER_*`.
    pub producers: ProducersConfig,
}

/// Where the services are whose logs this one reads (`PRODUCER_*`).
#[derive(Clone, Debug, Deserialize)]
pub struct ProducersConfig {
    /// The internal listener of intake, `https://…`.
    pub intake_url: String,
}

impl Config {
    /// Reads the environment.
    pub fn from_env() -> Result<Self, ConfigError> {
        Ok(Self {
            database: read_config("DATABASE_")?,
            server: read_config("SERVER_")?,
            internal_tls: read_config("INTERNAL_TLS_")?,
            auth: read_config("AUTH_")?,
            sealing: read_config("SEALING_")?,
            event_log: read_config("EVENTLOG_")?,
            producers: read_config("PRODUCER_")?,
        })
    }
}

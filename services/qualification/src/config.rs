//! What an installation says, read once at the start.

use eventlog::EventLogConfig;
use platform::{
    AuthConfig, ConfigError, DatabaseConfig, Environment, InternalTlsConfig, SealingConfig,
    ServerConfig,
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
    /// Reads the variables of a process.
    pub fn read(environment: &Environment) -> Result<Self, ConfigError> {
        Ok(Self {
            database: environment.read("DATABASE_")?,
            server: environment.read("SERVER_")?,
            internal_tls: environment.read("INTERNAL_TLS_")?,
            auth: environment.read("AUTH_")?,
            sealing: environment.read("SEALING_")?,
            event_log: environment.read("EVENTLOG_")?,
            producers: environment.read("PRODUCER_")?,
        })
    }
}

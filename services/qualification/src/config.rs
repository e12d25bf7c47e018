//! What an installation says, read once at the start.

use eventlog::{EventLogConfig, Streams};
use platform::{
    AuthConfig, ConfigError, DatabaseConfig, Environment, Files, InternalTlsConfig, SealingConfig,
    ServerConfig, StartError, internal_channel,
};
use serde::Deserialize;

use crate::PRODUCER;

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

    /// Reads every file and address that the service is told of, without connecting.
    pub fn check(&self) -> Result<(), StartError> {
        let files = Files::default();
        self.sealing.master_key(&files)?;
        let log_key = self.sealing.log_key(&files)?;
        Streams::open(&self.event_log, log_key, &files)?;
        let url = &self.producers.intake_url;
        internal_channel(PRODUCER, url, &self.internal_tls, &files).map(drop)
    }
}

//! The variables that all services read.

use eventlog::{EventLogConfig, Streams};
use platform::{
    AuthConfig, ConfigError, DatabaseConfig, Environment, Files, InternalTlsConfig, SealingKey,
    ServerConfig, StartError, internal_channel,
};

/// The part of the configuration that all services share.
#[derive(Clone, Debug)]
pub struct BaseConfig {
    /// Where the schema is (`DATABASE_*`).
    pub database: DatabaseConfig,
    /// Where the service listens and how much it takes (`SERVER_*`).
    pub server: ServerConfig,
    /// The certificate towards the other services (`INTERNAL_TLS_*`).
    pub internal_tls: InternalTlsConfig,
    /// Who may vouch for callers (`AUTH_*`).
    pub auth: AuthConfig,
    /// The event log (`EVENTLOG_*`).
    pub event_log: EventLogConfig,
}

impl BaseConfig {
    /// Reads the variables of a process.
    pub fn read(environment: &Environment) -> Result<Self, ConfigError> {
        Ok(Self {
            database: environment.read("DATABASE_")?,
            server: environment.read("SERVER_")?,
            internal_tls: environment.read("INTERNAL_TLS_")?,
            auth: environment.read("AUTH_")?,
            event_log: environment.read("EVENTLOG_")?,
        })
    }

    /// Reads the files and addresses that the log and its producers are told with, by
    /// their names, without connecting.
    pub fn check(
        &self,
        log_key: SealingKey,
        producers: &[(&'static str, &str)],
        files: &Files,
    ) -> Result<(), StartError> {
        Streams::open(&self.event_log, log_key, files)?;
        for (name, url) in producers {
            internal_channel(name, url, &self.internal_tls, files)?;
        }
        Ok(())
    }
}

//! What an installation says about the service, read once.

use std::path::PathBuf;

use eventlog::{EventLogConfig, Streams};
use platform::{
    AuthConfig, ConfigError, DatabaseConfig, Environment, Files, InternalTlsConfig, SealingKey,
    ServerConfig, StartError, internal_channel,
};
use serde::Deserialize;

/// What an installation says about the service.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where its schema is (`DATABASE_*`).
    pub database: DatabaseConfig,
    /// Where it listens and how much it takes (`SERVER_*`).
    pub server: ServerConfig,
    /// Its certificate towards the other services (`INTERNAL_TLS_*`).
    pub internal_tls: InternalTlsConfig,
    /// Who may vouch for callers (`AUTH_*`).
    pub auth: AuthConfig,
    /// The key of the streams (`SEALING_LOG_KEY_FILE`).
    pub sealing: LogKeyConfig,
    /// The log (`EVENTLOG_*`).
    pub event_log: EventLogConfig,
    /// Whose logs are counted (`PRODUCER_*`).
    pub producers: ProducersConfig,
}

/// Where the internal listeners of the producers are (`PRODUCER_<NAME>_URL`).
#[derive(Clone, Debug, Deserialize)]
pub struct ProducersConfig {
    /// The https address of intake.
    pub intake_url: String,
    /// The https address of qualification.
    pub qualification_url: String,
}

/// The key under which events are sealed in Redis. The master key of personal
/// data is not asked for: nothing here may open them.
#[derive(Clone, Debug, Deserialize)]
pub struct LogKeyConfig {
    /// The file of the key, in base64.
    pub log_key_file: PathBuf,
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
        let log_key = &self.sealing.log_key_file;
        let log_key = SealingKey::of_file("SEALING_LOG_KEY_FILE", log_key, &files)?;
        Streams::open(&self.event_log, log_key, &files)?;
        for (producer, url) in [
            ("intake", &self.producers.intake_url),
            ("qualification", &self.producers.qualification_url),
        ] {
            internal_channel(producer, url, &self.internal_tls, &files)?;
        }
        Ok(())
    }
}

//! What an installation says about the service, read once.

use std::path::PathBuf;

use platform::{ConfigError, Environment, Files, SealingKey, StartError};
use serde::Deserialize;
use service::BaseConfig;

/// What an installation says about the service.
#[derive(Clone, Debug)]
pub struct Config {
    /// What all services read.
    pub base: BaseConfig,
    /// The key of the streams (`SEALING_LOG_KEY_FILE`).
    pub sealing: LogKeyConfig,
    /// Whose logs are counted (`PRODUCER_*`).
    pub producers: ProducersConfig,
}

/// Where the internal listeners of the producers are (`PRODUCER_*`).
#[derive(Clone, Debug, Deserialize)]
pub struct ProducersConfig {
    /// The https address of intake.
    pub intake_url: String,
    /// The https address of qualification.
    pub qualification_url: String,
}

/// The key under which events are sealed in Redis (`SEALING_*`). The master key of personal
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
            base: BaseConfig::read(environment)?,
            sealing: environment.read("SEALING_")?,
            producers: environment.read("PRODUCER_")?,
        })
    }

    /// Reads every file and address that the service is told of, without connecting.
    pub fn check(&self) -> Result<(), StartError> {
        let files = Files::default();
        let log_key = &self.sealing.log_key_file;
        let log_key = SealingKey::of_file("SEALING_LOG_KEY_FILE", log_key, &files)?;
        let ProducersConfig {
            intake_url,
            qualification_url,
        } = &self.producers;
        let producers = [
            ("intake", intake_url.as_str()),
            ("qualification", qualification_url.as_str()),
        ];
        self.base.check(log_key, &producers, &files)
    }
}

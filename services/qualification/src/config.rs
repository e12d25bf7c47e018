//! What an installation says, read once at the start.

use platform::{ConfigError, Environment, Files, SealingConfig, StartError};
use serde::Deserialize;
use service::BaseConfig;

/// The whole configuration of the service.
#[derive(Clone, Debug)]
pub struct Config {
    /// What all services read.
    pub base: BaseConfig,
    /// `SEALING_*`.
    pub sealing: SealingConfig,
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
            base: BaseConfig::read(environment)?,
            sealing: environment.read("SEALING_")?,
            producers: environment.read("PRODUCER_")?,
        })
    }

    /// Reads every file and address that the service is told of, without connecting.
    pub fn check(&self) -> Result<(), StartError> {
        let files = Files::default();
        self.sealing.master_key(&files)?;
        let log_key = self.sealing.log_key(&files)?;
        let producers = [("intake", self.producers.intake_url.as_str())];
        self.base.check(log_key, &producers, &files)
    }
}

//! What an installation says, read once at the start.

use platform::{ConfigError, Environment, SealingConfig};
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
}

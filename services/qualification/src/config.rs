//! What an installation says, read once at the start.

use platform::{ConfigError, Environment, Files, SealingConfig, StartError};
use serde::Deserialize;
use service::BaseConfig;
use time::Duration;

use crate::cases::Targets;

/// The whole configuration of the service.
#[derive(Clone, Debug)]
pub struct Config {
    /// What all services read.
    pub base: BaseConfig,
    /// `SEALING_*`.
    pub sealing: SealingConfig,
    /// `PRODUCER_*`.
    pub producers: ProducersConfig,
    /// `QUALIFICATION_*`.
    pub qualification: QualificationConfig,
}

/// What is the service's own (`QUALIFICATION_*`).
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(default)]
pub struct QualificationConfig {
    /// Within how many hours of the declaration the structure is to be contacted; none: no
    /// target.
    pub target_first_contact_hours: Option<u32>,
    /// Within how many hours of the declaration a case is to be qualified; none: no target.
    pub target_qualified_hours: Option<u32>,
    /// Within how many hours of the declaration an incident is to be resolved; none: no target.
    pub target_resolved_hours: Option<u32>,
    /// Within how many hours of the declaration a case is to be closed; none: no target.
    pub target_closed_hours: Option<u32>,
}

impl QualificationConfig {
    /// How fast cases are to be led.
    pub(crate) fn targets(&self) -> Targets {
        let hours = |hours: Option<u32>| hours.map(|hours| Duration::hours(hours.into()));
        Targets {
            first_contact: hours(self.target_first_contact_hours),
            qualified: hours(self.target_qualified_hours),
            resolved: hours(self.target_resolved_hours),
            closed: hours(self.target_closed_hours),
        }
    }
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
            qualification: environment.read("QUALIFICATION_")?,
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

//! What an installation says, read once at the start.

use std::path::PathBuf;

use platform::{ConfigError, Environment, Files, SealingConfig, SealingKey, StartError, Watched};
use serde::Deserialize;
use service::{BaseConfig, Deadlines};
use time::Duration;

use crate::{
    cases::Targets,
    escalation::{Escalations, Hours},
    measures::{self, Catalogue},
};

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
#[derive(Clone, Debug, Deserialize)]
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
    /// How long an escalation waits for an answer until it calls the next one of the rota, in
    /// seconds.
    pub escalation_delay_seconds: u32,
    /// Call the people of the rota during the working hours of the cell too.
    pub escalation_day_and_night: bool,
    /// The address of the portal, `https://…`, below which the links of escalations lead
    /// (`/escalation/<token>`); unset: their mails carry the token alone.
    pub public_url: Option<String>,
    /// The file of the catalogue of measures that editors keep, instead of the one that the
    /// suite brings (TOML); read again when it changes.
    pub measure_catalogue_file: Option<PathBuf>,
    /// How many changes of cases are kept in memory for live streams that pause.
    pub watch_buffer: usize,
    /// After how long a silence a live stream of cases gets a heartbeat, in milliseconds.
    pub watch_heartbeat_ms: u64,
    /// The rule pack of deadlines of the reports on an incident: `nis2`, the one that the suite
    /// brings, or a file of one's own (TOML), which is read again when it changes. The same as
    /// that of intake.
    pub deadline_pack: Option<String>,
}

impl Default for QualificationConfig {
    fn default() -> Self {
        Self {
            target_first_contact_hours: None,
            target_qualified_hours: None,
            target_resolved_hours: None,
            target_closed_hours: None,
            escalation_delay_seconds: 900,
            escalation_day_and_night: false,
            public_url: None,
            measure_catalogue_file: None,
            watch_buffer: 1_024,
            watch_heartbeat_ms: 15_000,
            deadline_pack: None,
        }
    }
}

impl QualificationConfig {
    /// How escalations are led.
    pub(crate) fn escalations(&self, master_key: SealingKey) -> Result<Escalations, StartError> {
        if self.escalation_delay_seconds == 0 {
            let why = "nobody answers in no time: at least one second";
            let variable = "QUALIFICATION_ESCALATION_DELAY_SECONDS";
            return Err(StartError::unusable(variable, why));
        }
        let public_url = self.public_url.as_deref();
        let public_url = public_url.map(|url| url.trim_end_matches('/'));
        if public_url.is_some_and(|url| !url.starts_with("https://")) {
            let why = "the links to it carry secrets: it begins with https://";
            return Err(StartError::unusable("QUALIFICATION_PUBLIC_URL", why));
        }
        Ok(Escalations {
            hours: if self.escalation_day_and_night {
                Hours::Always
            } else {
                Hours::OutsideWorkingHours
            },
            delay: Duration::seconds(self.escalation_delay_seconds.into()),
            public_url: public_url.map(str::to_owned),
            master_key,
        })
    }

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

    /// Reads the catalogue of measures.
    pub(crate) fn catalogue(&self, files: &Files) -> Result<Watched<Catalogue>, StartError> {
        measures::open_catalogue(self.measure_catalogue_file.as_deref(), files)
    }

    /// Reads the rule pack of deadlines.
    pub(crate) fn deadlines(&self, files: &Files) -> Result<Deadlines, StartError> {
        let chosen = self.deadline_pack.as_deref();
        Deadlines::open("QUALIFICATION_DEADLINE_PACK", chosen, files)
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
        let master_key = self.sealing.master_key(&files)?;
        self.qualification.escalations(master_key)?;
        let log_key = self.sealing.log_key(&files)?;
        self.qualification.catalogue(&files)?;
        self.qualification.deadlines(&files)?;
        let producers = [("intake", self.producers.intake_url.as_str())];
        self.base.check(log_key, &producers, &files)
    }
}

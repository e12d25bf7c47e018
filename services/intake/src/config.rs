//! What an installation says, read once.

use std::{fs, path::PathBuf};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use platform::{Environment, Files, SealingConfig, StartError};
use serde::Deserialize;
use service::{BaseConfig, Deadlines};
use vocabulary::ReferenceCipher;

/// Everything the service is told at its start.
#[derive(Clone, Debug)]
pub struct Config {
    /// What all services read.
    pub base: BaseConfig,
    /// `SEALING_*`.
    pub sealing: SealingConfig,
    /// `PRODUCER_*`.
    pub producers: ProducersConfig,
    /// `INTAKE_*`.
    pub intake: IntakeConfig,
}

/// Where the logs are that this service follows (`PRODUCER_*`).
#[derive(Clone, Debug, Deserialize)]
pub struct ProducersConfig {
    /// The internal listener of qualification, as in `https://host:port`.
    pub qualification_url: String,
}

/// What is the service's own (`INTAKE_*`).
#[derive(Clone, Debug, Deserialize)]
pub struct IntakeConfig {
    /// The file with the key behind the references for people: base64 of 32
    /// bytes. Another key may give a reference twice: it never changes.
    pub reference_key_file: PathBuf,
    /// How many reports wait for a commit; one more is refused at once.
    #[serde(default = "queue")]
    pub queue: usize,
    /// How many reports one commit takes.
    #[serde(default = "batch")]
    pub batch: usize,
    /// How many commits run at once.
    #[serde(default = "writers")]
    pub writers: usize,
    /// Telephone of the cell for emergencies, day and night.
    #[serde(default = "emergency_phone")]
    pub emergency_phone: String,
    /// Domain of the mailboxes of the agencies.
    #[serde(default = "agency_mail_domain")]
    pub agency_mail_domain: String,
    /// The largest file of structures, in bytes.
    #[serde(default = "import_max_bytes")]
    pub import_max_bytes: u64,
    /// The rule pack of deadlines that receipts tell: `nis2`, the one that the suite brings, or
    /// a file of one's own (TOML), which is read again when it changes. The same as that of
    /// qualification.
    #[serde(default)]
    pub deadline_pack: Option<String>,
}

impl Config {
    /// Reads the variables of a process.
    pub fn read(environment: &Environment) -> Result<Self, StartError> {
        Ok(Self {
            base: BaseConfig::read(environment)?,
            sealing: environment.read("SEALING_")?,
            producers: environment.read("PRODUCER_")?,
            intake: environment.read("INTAKE_")?,
        })
    }

    /// Reads every file and address that the service is told of, without connecting.
    pub fn check(&self) -> Result<(), StartError> {
        let files = Files::default();
        self.sealing.master_key(&files)?;
        self.intake.reference_cipher()?;
        self.intake.deadlines(&files)?;
        let log_key = self.sealing.log_key(&files)?;
        let producers = [("qualification", self.producers.qualification_url.as_str())];
        self.base.check(log_key, &producers, &files)
    }
}

impl IntakeConfig {
    /// The usual settings with this key of the references.
    pub fn new(reference_key_file: impl Into<PathBuf>) -> Self {
        Self {
            reference_key_file: reference_key_file.into(),
            queue: queue(),
            batch: batch(),
            writers: writers(),
            emergency_phone: emergency_phone(),
            agency_mail_domain: agency_mail_domain(),
            import_max_bytes: import_max_bytes(),
            deadline_pack: None,
        }
    }

    /// Reads the rule pack of deadlines.
    pub(crate) fn deadlines(&self, files: &Files) -> Result<Deadlines, StartError> {
        let chosen = self.deadline_pack.as_deref();
        Deadlines::open("INTAKE_DEADLINE_PACK", chosen, files)
    }

    /// What makes the references for people of their numbers.
    pub(crate) fn reference_cipher(&self) -> Result<ReferenceCipher, StartError> {
        let name = "INTAKE_REFERENCE_KEY_FILE";
        let text = fs::read_to_string(&self.reference_key_file)
            .map_err(|cause| StartError::unusable(name, cause))?;
        let key = STANDARD
            .decode(text.trim())
            .map_err(|_| StartError::unusable(name, "the key is not base64"))?;
        let key = key
            .try_into()
            .map_err(|_| StartError::unusable(name, "the key is not 32 bytes long"))?;
        Ok(ReferenceCipher::new(key))
    }
}

fn queue() -> usize {
    1_024
}

fn batch() -> usize {
    256
}

fn writers() -> usize {
    1
}

fn emergency_phone() -> String {
    "09 72 43 91 25".to_owned()
}

fn agency_mail_domain() -> String {
    "ars.sante.fr".to_owned()
}

fn import_max_bytes() -> u64 {
    256 * 1024 * 1024
}

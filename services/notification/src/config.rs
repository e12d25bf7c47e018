//! What an installation says, read once at the start.

use std::{net::IpAddr, path::PathBuf, time::Duration};

use lettre::transport::smtp::{
    client::{Certificate, TlsParameters, TlsParametersBuilder},
    extension::ClientId,
};
use platform::{
    ConfigError, Environment, Files, SealingConfig, SecretSource, StartError, Watched, number,
    read_authority,
};
use serde::Deserialize;
use serde_json::json;
use service::{BaseConfig, jobs::JobPolicy};
use vocabulary::EmailAddress;

use crate::{
    INTAKE, QUALIFICATION,
    deliveries::{AddressBook, Encryption, Mailer, Sender, SmtpServer},
    feed::CURSOR_LIFE,
    notices::{Branding, Language},
    on_call,
};

/// How long the record of an attempt may take.
const RECORD: Duration = Duration::from_secs(1);

/// The whole configuration of the service.
#[derive(Clone, Debug)]
pub struct Config {
    /// What all services read.
    pub base: BaseConfig,
    /// `SEALING_*`.
    pub sealing: SealingConfig,
    /// `PRODUCER_*`.
    pub producers: ProducersConfig,
    /// `SMTP_*`.
    pub smtp: SmtpConfig,
    /// `NOTIFICATION_*`.
    pub notification: NotificationConfig,
}

/// Where the services are whose logs this one reads (`PRODUCER_*`).
#[derive(Clone, Debug, Deserialize)]
pub struct ProducersConfig {
    /// The internal listener of intake, `https://…`.
    pub intake_url: String,
    /// The internal listener of qualification, `https://…`.
    pub qualification_url: String,
}

/// The mail server that takes the messages (`SMTP_*`).
#[derive(Clone, Debug, Deserialize)]
pub struct SmtpConfig {
    /// Its name, which its certificate must carry.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// How the way to it is protected; nothing at all only for a server on the same machine.
    #[serde(default)]
    pub tls: SmtpTls,
    /// The authority that signed its certificate, in PEM; the usual ones when
    /// unset.
    pub ca_file: Option<PathBuf>,
    /// Who we are to it, where it asks.
    pub username: Option<String>,
    /// The file with our password.
    pub password_file: Option<PathBuf>,
    /// How long an attempt to send may take, connecting included, in milliseconds.
    // Servers look into a message before they answer, and a sender who does not wait
    // sends it twice (RFC 5321, 4.5.3.2.6).
    #[serde(default = "number::<120_000, _>")]
    pub timeout_ms: u64,
}

/// How the connection to the mail server is protected.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SmtpTls {
    /// Not at all: only for a mail server on the same machine.
    None,
    /// By an upgrade that is required.
    #[default]
    Starttls,
    /// From the first byte.
    Tls,
}

/// What is the service's own (`NOTIFICATION_*`).
#[derive(Clone, Debug, Deserialize)]
pub struct NotificationConfig {
    /// The address that messages come from, `Name <name@domain>` or bare.
    pub from: String,
    /// The mailboxes of the FSSI, as a comma list.
    pub fssi_mailboxes: Vec<String>,
    /// The mailboxes of the cell, as a comma list.
    pub cell_mailboxes: Vec<String>,
    /// The mailboxes of the health authority, as a comma list; none: it is told
    /// by the stream alone.
    #[serde(default)]
    pub health_authority_mailboxes: Vec<String>,
    /// The domain of the agencies' mailboxes `ssi-<region>@<domain>`.
    #[serde(default = "agency_mail_domain")]
    pub agency_mail_domain: String,
    /// The number of the on-call service, day and night.
    #[serde(default = "emergency_phone")]
    pub emergency_phone: String,
    /// The language of the mails.
    #[serde(default)]
    pub mail_language: Language,
    /// The file of the on-call chain: a JSON list of `from`, `to` (RFC 3339) and
    /// `addresses`; read again when it changes.
    pub on_call_file: Option<PathBuf>,
    /// How many streams may be open.
    #[serde(default = "number::<1_000, _>")]
    pub max_streams: usize,
    /// How many notifications are kept in memory for streams that pause.
    #[serde(default = "number::<4_096, _>")]
    pub stream_buffer: usize,
    /// A stream further behind than that is told of a gap.
    #[serde(default = "number::<10_000, _>")]
    pub gap_after: u64,
    /// After how long a silence a heartbeat is sent, in milliseconds.
    #[serde(default = "number::<15_000, _>")]
    pub heartbeat_ms: u64,
    /// How many messages are sent at once.
    #[serde(default = "number::<4, _>")]
    pub delivery_workers: u16,
    /// The wait after the first failure of a delivery, in milliseconds; it
    /// doubles with each, up to six hours.
    #[serde(default = "number::<60_000, _>")]
    pub retry_base_ms: u64,
    /// A delivery refused, or interrupted, so often is given up.
    #[serde(default = "number::<12, _>")]
    pub max_refusals: u32,
    /// How long a delivery belongs to the worker that took it, in milliseconds;
    /// at least eleven seconds more than `SMTP_TIMEOUT_MS`.
    #[serde(default = "number::<180_000, _>")]
    pub claim_ms: u64,
}

impl Config {
    /// Reads the variables of a process.
    pub fn read(environment: &Environment) -> Result<Self, ConfigError> {
        Ok(Self {
            base: BaseConfig::read(environment)?,
            sealing: environment.read("SEALING_")?,
            producers: environment.read("PRODUCER_")?,
            smtp: environment.read("SMTP_")?,
            notification: environment.read("NOTIFICATION_")?,
        })
    }

    /// Reads every file and address that the service is told of, without connecting.
    pub fn check(&self) -> Result<(), StartError> {
        let files = Files::default();
        if self.base.event_log.retention() < CURSOR_LIFE {
            let why = "cursors are good for 30 days: the feed is kept at least as long";
            return Err(StartError::unusable("EVENTLOG_RETENTION_DAYS", why));
        }
        let own = &self.notification;
        own.address_book()?;
        own.delivery(&self.smtp, self.base.server.drain(), &files)?;
        on_call::open(own.on_call_file.as_deref(), &files)?;
        self.sealing.master_key(&files)?;
        let log_key = self.sealing.log_key(&files)?;
        let ProducersConfig {
            intake_url,
            qualification_url,
        } = &self.producers;
        let producers = [
            (INTAKE, intake_url.as_str()),
            (QUALIFICATION, qualification_url.as_str()),
        ];
        self.base.check(log_key, &producers, &files)
    }
}

impl SmtpConfig {
    /// A mail server on this machine, without protection.
    pub fn local(port: u16) -> Self {
        let named = json!({ "host": "127.0.0.1", "port": port, "tls": "none" });
        serde_json::from_value(named).expect("everything else has a default")
    }

    /// The mail server, which is another one when the files of its password or authority change.
    fn server(
        &self,
        sender_domain: &str,
        files: &Files,
    ) -> Result<Watched<SmtpServer>, StartError> {
        let named = [
            ("SMTP_PASSWORD_FILE", self.password_file.as_deref()),
            ("SMTP_CA_FILE", self.ca_file.as_deref()),
        ];
        let (read, sender_domain) = (self.clone(), sender_domain.to_owned());
        files.watch(named, move || read.read_server(&sender_domain))
    }

    fn read_server(&self, sender_domain: &str) -> Result<SmtpServer, StartError> {
        let encryption = match self.tls {
            SmtpTls::None => Encryption::None,
            SmtpTls::Starttls => Encryption::Starttls(self.tls_parameters()?),
            SmtpTls::Tls => Encryption::Tls(self.tls_parameters()?),
        };
        let login = match (&self.username, &self.password_file) {
            (Some(username), Some(file)) => {
                let password = SecretSource::File("SMTP_PASSWORD_FILE", file.clone());
                Some((username.clone(), password.read()?))
            }
            (None, None) => None,
            _ => {
                let why = "SMTP_USERNAME and SMTP_PASSWORD_FILE go together";
                return Err(StartError::unusable("SMTP_USERNAME", why));
            }
        };
        let address = self.host.parse::<IpAddr>();
        let loopback =
            self.host == "localhost" || address.is_ok_and(|address| address.is_loopback());
        if self.tls == SmtpTls::None && !loopback {
            let why = "addresses, and a password, would travel in plain text beyond this machine";
            return Err(StartError::unusable("SMTP_TLS", why));
        }
        Ok(SmtpServer {
            host: self.host.clone(),
            port: self.port,
            encryption,
            login,
            hello: ClientId::Domain(sender_domain.to_owned()),
            timeout: Duration::from_millis(self.timeout_ms),
        })
    }

    fn tls_parameters(&self) -> Result<TlsParameters, StartError> {
        let mut builder = TlsParametersBuilder::new(self.host.clone());
        if let Some(file) = &self.ca_file {
            let authority = Certificate::from_pem(&read_authority("SMTP_CA_FILE", file)?)
                .map_err(|_| StartError::unusable("SMTP_CA_FILE", "not certificates in PEM"))?;
            builder = builder.add_root_certificate(authority);
        }
        builder
            .build()
            .map_err(|cause| StartError::unusable("SMTP_HOST", cause))
    }
}

impl NotificationConfig {
    /// The usual settings with these addresses.
    pub fn new(
        from: impl Into<String>,
        fssi_mailbox: impl Into<String>,
        cell_mailbox: impl Into<String>,
    ) -> Self {
        let named = json!({
            "from": from.into(),
            "fssi_mailboxes": [fssi_mailbox.into()],
            "cell_mailboxes": [cell_mailbox.into()],
        });
        serde_json::from_value(named).expect("everything else has a default")
    }

    /// Where institutions are reached.
    pub(crate) fn address_book(&self) -> Result<AddressBook, StartError> {
        let book = AddressBook {
            security_officer: mailboxes("NOTIFICATION_FSSI_MAILBOXES", &self.fssi_mailboxes)?,
            cell: mailboxes("NOTIFICATION_CELL_MAILBOXES", &self.cell_mailboxes)?,
            health_authority: mailboxes(
                "NOTIFICATION_HEALTH_AUTHORITY_MAILBOXES",
                &self.health_authority_mailboxes,
            )?,
            agency_domain: self.agency_mail_domain.clone(),
        };
        for (variable, mailboxes) in [
            ("NOTIFICATION_FSSI_MAILBOXES", &book.security_officer),
            ("NOTIFICATION_CELL_MAILBOXES", &book.cell),
        ] {
            if mailboxes.is_empty() {
                let why = "somebody must hear of every submission";
                return Err(StartError::unusable(variable, why));
            }
        }
        if format!("ssi-bretagne@{}", self.agency_mail_domain)
            .parse::<EmailAddress>()
            .is_err()
        {
            let variable = "NOTIFICATION_AGENCY_MAIL_DOMAIN";
            return Err(StartError::unusable(
                variable,
                "not the domain of a mailbox",
            ));
        }
        Ok(book)
    }

    /// How deliveries are made; the workers stop within half of the service's drain.
    pub(crate) fn delivery(
        &self,
        smtp: &SmtpConfig,
        drain: Duration,
        files: &Files,
    ) -> Result<(Mailer, JobPolicy), StartError> {
        let sender = Sender::parse(&self.from).ok_or_else(|| {
            StartError::unusable("NOTIFICATION_FROM", "not the address of a mailbox")
        })?;
        let claim = time::Duration::milliseconds(self.claim_ms.cast_signed());
        let server = smtp.server(sender.domain(), files)?;
        if claim < RECORD + server.current().longest_attempt() {
            let why = "less than eleven seconds more than SMTP_TIMEOUT_MS, the time of an \
                attempt: two workers would send the same message";
            return Err(StartError::unusable("NOTIFICATION_CLAIM_MS", why));
        }
        let mailer = Mailer {
            server,
            sender,
            branding: Branding {
                language: self.mail_language,
                emergency_phone: self.emergency_phone.clone(),
                agency_domain: self.agency_mail_domain.clone(),
            },
        };
        let policy = JobPolicy {
            base: time::Duration::milliseconds(self.retry_base_ms.cast_signed()),
            refusals: self.max_refusals,
            claim,
            grace: drain / 2,
        };
        Ok((mailer, policy))
    }
}

/// Reads addresses; what is wrong is said without showing them.
fn mailboxes(variable: &str, texts: &[String]) -> Result<Vec<EmailAddress>, StartError> {
    let addresses: Result<_, _> = texts.iter().map(|text| text.trim().parse()).collect();
    addresses.map_err(|error: vocabulary::ParseError| StartError::unusable(variable, error))
}

fn agency_mail_domain() -> String {
    "ars.sante.fr".to_owned()
}

fn emergency_phone() -> String {
    "09 72 43 91 25".to_owned()
}

#[cfg(test)]
mod tests;

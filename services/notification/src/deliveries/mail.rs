//! The channel of mails about a report: one job for each address.

use async_trait::async_trait;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use platform::SealingKey;
use serde::{Deserialize, Serialize};
use service::{
    Sealed,
    jobs::{Failure, Handler, Job},
};
use sqlx::PgPool;
use uuid::Uuid;
use vocabulary::EmailAddress;

use super::{mailer::Mailer, store};
use crate::notices::{Content, Recipient, ReportSummary, Rule, Template};

/// The kind of the jobs of a template: what only a later release can write with waits for
/// it. A payload that this release could not read gets a new kind, for the same reason.
pub(super) fn kind(template: Template) -> String {
    format!("mail/{}", template.name())
}

/// What a mail needs.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct MailPayload {
    /// The rule that asks for it.
    rule: String,
    /// Who it goes to.
    recipient: String,
    /// The mailbox of an institution.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    mailbox: Option<String>,
    /// A person's address under the key of the report, in base 64.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    sealed_address: Option<String>,
    /// The report as it stood.
    summary: Box<ReportSummary>,
}

impl MailPayload {
    /// What a rule tells a recipient.
    pub(super) fn new(rule: Rule, recipient: Recipient, summary: ReportSummary) -> Self {
        Self {
            rule: rule.name().to_owned(),
            recipient: recipient.to_string(),
            mailbox: None,
            sealed_address: None,
            summary: Box::new(summary),
        }
    }

    /// Goes to the mailbox of an institution.
    pub(super) fn for_mailbox(self, address: &EmailAddress) -> Self {
        Self {
            mailbox: Some(address.expose().to_owned()),
            ..self
        }
    }

    /// Goes to a person, whose address rests sealed; `None` when the key does not open.
    pub(super) fn for_person(
        self,
        key: &Sealed,
        master: &SealingKey,
        job_id: Uuid,
        address: &EmailAddress,
    ) -> Option<Self> {
        let sealed = key.seal(master, &purpose(job_id), address.expose().as_bytes());
        Some(Self {
            sealed_address: Some(STANDARD.encode(sealed.ok()?)),
            ..self
        })
    }
}

/// Binds a sealed address to its delivery.
fn purpose(job_id: Uuid) -> Vec<u8> {
    [b"delivery:".as_slice(), job_id.as_bytes()].concat()
}

/// Sends mails about reports.
pub(crate) struct MailChannel {
    /// Where reports are known.
    pub(crate) pool: PgPool,
    /// Opens the reports' own keys.
    pub(crate) master_key: SealingKey,
    /// Writes and sends.
    pub(crate) mailer: Mailer,
}

#[async_trait]
impl Handler for MailChannel {
    fn kinds(&self) -> Vec<String> {
        Template::all().map(kind).collect()
    }

    async fn run(&self, job: &Job) -> Result<(), Failure> {
        let rejected = |class: &str| Failure::Rejected(class.to_owned());
        let template = job.kind.strip_prefix("mail/").and_then(Template::named);
        let template = template.ok_or_else(|| rejected("template"))?;
        let payload = MailPayload::deserialize(&job.payload).map_err(|_| rejected("payload"))?;
        let address = match (payload.mailbox, payload.sealed_address) {
            (Some(mailbox), _) => mailbox,
            (None, Some(sealed)) => self.open(job, &sealed).await?,
            (None, None) => return Err(rejected("no_address")),
        };
        let content = Content::Report(template, payload.summary);
        self.mailer.send(job, &address, &content).await
    }
}

impl MailChannel {
    async fn open(&self, job: &Job, sealed: &str) -> Result<String, Failure> {
        let rejected = |class: &str| Failure::Rejected(class.to_owned());
        let report_id = store::report_of(&job.subject).ok_or_else(|| rejected("subject"))?;
        let data_key = sqlx::query_scalar!(
            "select data_key from known_report where report_id = $1",
            report_id,
        )
        .fetch_optional(&self.pool)
        .await
        .map_err(|_| Failure::Away("database".to_owned()))?
        .ok_or_else(|| rejected("unknown_report"))?;
        let sealed = Sealed {
            sealed: STANDARD.decode(sealed).map_err(|_| rejected("sealed"))?,
            data_key: data_key.ok_or(Failure::Erased)?,
        };
        let plain = sealed.open(&self.master_key, &purpose(job.job_id));
        let plain = plain.map_err(|_| rejected("sealed"))?;
        String::from_utf8(plain).map_err(|_| rejected("bad_address"))
    }
}

#[cfg(test)]
mod tests;

//! The channel of calls: the mail by which an escalation calls somebody on call.
//!
//! Who is called is said by the event, sealed, and rests sealed until the mail is written.

use async_trait::async_trait;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use eventlog::{ApplyError, Event, NewEvent};
use platform::SealingKey;
use proto::events::v1::EscalationCalled;
use serde::{Deserialize, Serialize};
use serde_json::json;
use service::{
    Feature, Sealed,
    jobs::{Failure, Handler, Job, NewJob, add_jobs},
    wire::moment,
};
use sqlx::{PgConnection, PgPool, types::Json};
use time::OffsetDateTime;
use uuid::Uuid;
use vocabulary::derived_after;

use super::{mailer::Mailer, store};
use crate::notices::{Called, Content, Recipient, ReportSummary, Rule};

/// The kind of its jobs.
const KIND: &str = "mail/escalation";

/// What a call needs.
#[derive(Debug, Serialize, Deserialize)]
struct CallPayload {
    /// The rule that asks for it.
    rule: String,
    /// Who it goes to.
    recipient: String,
    /// The call, to which the person is bound.
    call_id: Uuid,
    /// The reference of the report.
    reference: String,
    /// Until when an answer is expected.
    #[serde(with = "time::serde::rfc3339")]
    answer_before: OffsetDateTime,
    /// From when on nobody is to be called.
    #[serde(with = "time::serde::rfc3339")]
    lapses_at: OffsetDateTime,
    /// The person under the key of the rota, in base 64.
    sealed_person: String,
    /// That key, wrapped, in base 64.
    data_key: String,
}

/// Applies the events of calls by having their mails written.
pub(crate) struct CallEvents;

#[async_trait]
impl Feature for CallEvents {
    async fn apply(
        &self,
        conn: &mut PgConnection,
        events: &[Event],
    ) -> Result<Vec<NewEvent>, ApplyError> {
        let now = platform::now();
        let mut jobs = Vec::new();
        for event in events {
            jobs.extend(job(event, now)?);
        }
        add_jobs(conn, &jobs, now).await?;
        Ok(Vec::new())
    }
}

/// The job of a call; none once its escalation has lapsed, when the cell works again, or
/// its key was erased.
fn job(event: &Event, now: OffsetDateTime) -> Result<Option<NewJob>, ApplyError> {
    let poison = ApplyError::Poison("unreadable_call");
    let called: EscalationCalled = event.decode()?;
    let answer_before = called.answer_before.as_ref().and_then(moment);
    let lapses_at = called.lapses_at.as_ref().and_then(moment);
    let (Ok(call_id), Ok(report_id), Some(answer_before), Some(lapses_at)) = (
        Uuid::try_parse(&called.call_id),
        Uuid::try_parse(&called.report_id),
        answer_before,
        lapses_at,
    ) else {
        return Err(poison);
    };
    let Some(data_key) = event.data_key.as_ref().filter(|_| now < lapses_at) else {
        return Ok(None);
    };
    let (rule, recipient) = (Rule::Escalation, Recipient::OnCall);
    let payload = CallPayload {
        rule: rule.name().to_owned(),
        recipient: recipient.to_string(),
        call_id,
        reference: called.reference,
        answer_before,
        lapses_at,
        sealed_person: STANDARD.encode(&called.sealed_person),
        data_key: STANDARD.encode(data_key),
    };
    let parts: [&[u8]; 2] = [event.id.as_bytes(), rule.name().as_bytes()];
    Ok(Some(NewJob {
        job_id: derived_after(event.id, "delivery", &parts),
        kind: KIND.to_owned(),
        subject: format!("report/{report_id}"),
        urgent: rule.is_urgent(),
        // As at every replay.
        due_at: event.time,
        traceparent: event.traceparent.clone(),
        payload: json!(payload),
    }))
}

/// Sends calls.
pub(crate) struct CallChannel {
    /// Where reports are known.
    pub(crate) pool: PgPool,
    /// Opens the key of the rota.
    pub(crate) master_key: SealingKey,
    /// Writes and sends.
    pub(crate) mailer: Mailer,
}

#[async_trait]
impl Handler for CallChannel {
    fn kinds(&self) -> Vec<String> {
        vec![KIND.to_owned()]
    }

    async fn run(&self, job: &Job) -> Result<(), Failure> {
        let rejected = |class: &str| Failure::Rejected(class.to_owned());
        let payload = CallPayload::deserialize(&job.payload).map_err(|_| rejected("payload"))?;
        // The mail may have waited for the relay until the cell works again.
        if platform::now() >= payload.lapses_at {
            return Err(Failure::Erased);
        }
        let decoded = |text: &str| STANDARD.decode(text).map_err(|_| rejected("sealed"));
        let sealed = Sealed {
            sealed: decoded(&payload.sealed_person)?,
            data_key: decoded(&payload.data_key)?,
        };
        let person = sealed.called(&self.master_key, payload.call_id);
        let person = person.map_err(|_| rejected("sealed"))?;
        let summary = ReportSummary {
            reference: payload.reference,
            ..self.summary(job).await?
        };
        let called = Called {
            name: person.name,
            token: person.token,
            link: Some(person.link).filter(|link| !link.is_empty()),
            answer_before: payload.answer_before,
        };
        let content = Content::Call(Box::new(summary), called);
        self.mailer.send(job, &person.email, &content).await
    }
}

impl CallChannel {
    /// The report as it stands, as far as it is known.
    async fn summary(&self, job: &Job) -> Result<ReportSummary, Failure> {
        let report_id = store::report_of(&job.subject);
        let report_id = report_id.ok_or_else(|| Failure::Rejected("subject".to_owned()))?;
        let known = sqlx::query_scalar!(
            r#"select situation as "summary: Json<ReportSummary>" from known_report
               where report_id = $1"#,
            report_id,
        )
        .fetch_optional(&self.pool)
        .await
        .map_err(|_| Failure::Away("database".to_owned()))?;
        Ok(known.flatten().map(|summary| summary.0).unwrap_or_default())
    }
}

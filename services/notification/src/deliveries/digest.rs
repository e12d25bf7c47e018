//! The channel of digests: one mail a day to each mailbox, of what was entered afterwards.

use async_trait::async_trait;
use serde::Serialize;
use service::jobs::{Failure, Handler, Job};
use sqlx::{PgConnection, PgPool, types::Json};
use uuid::Uuid;

use super::mailer::Mailer;
use crate::notices::Content;

/// The kind of its jobs.
pub(super) const KIND: &str = "digest";

/// What the jobs of a digest are about.
pub(super) fn subject(digest_id: Uuid) -> String {
    format!("digest/{digest_id}")
}

/// A report that a digest lists.
#[derive(Debug, Serialize)]
pub(crate) struct DigestEntry {
    /// The digest.
    pub(super) digest_id: Uuid,
    /// The report.
    pub(super) report_id: Uuid,
    /// Its reference for people.
    pub(super) reference: String,
}

/// Adds what digests list.
pub(crate) async fn add_to_digests(
    conn: &mut PgConnection,
    entries: &[DigestEntry],
) -> sqlx::Result<()> {
    if entries.is_empty() {
        return Ok(());
    }
    sqlx::query!(
        "insert into digest_entry (digest_id, report_id, reference)
         select digest_id, report_id, reference
         from jsonb_populate_recordset(null::digest_entry, $1)
         order by digest_id, report_id
         on conflict do nothing",
        Json(entries) as Json<&[DigestEntry]>,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Sends digests.
pub(crate) struct DigestChannel {
    /// Where the entries rest.
    pub(crate) pool: PgPool,
    /// Writes and sends.
    pub(crate) mailer: Mailer,
}

#[async_trait]
impl Handler for DigestChannel {
    fn kinds(&self) -> Vec<String> {
        vec![KIND.to_owned()]
    }

    async fn run(&self, job: &Job) -> Result<(), Failure> {
        let digest = job.subject.strip_prefix("digest/");
        let digest_id = digest.and_then(|id| id.parse::<Uuid>().ok());
        let mailbox = job.payload["mailbox"].as_str();
        let Some((digest_id, mailbox)) = digest_id.zip(mailbox) else {
            return Err(Failure::Rejected("payload".to_owned()));
        };
        let references = sqlx::query_scalar!(
            "select reference from digest_entry where digest_id = $1 order by reference",
            digest_id,
        )
        .fetch_all(&self.pool)
        .await
        .map_err(|_| Failure::Away("database".to_owned()))?;
        let content = Content::Digest(references);
        self.mailer.send(job, mailbox, &content).await
    }
}

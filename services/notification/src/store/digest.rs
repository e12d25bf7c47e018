//! Digests: what they list, and the mails that are due for them.

use std::collections::BTreeMap;

use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;
use vocabulary::EmailAddress;

use crate::domain::rule::Rule;

/// Digests about to be due, with what they list.
#[derive(Clone, Debug, Default)]
pub(crate) struct NewDigests {
    /// The reports that a digest lists, by their references.
    pub(crate) entries: BTreeMap<(Uuid, Uuid), String>,
    /// The mails, by their ids. Writers insert in this order, so that none waits for
    /// another in a circle.
    pub(crate) mails: BTreeMap<Uuid, DigestMail>,
}

/// The mail of a digest to one mailbox.
#[derive(Clone, Debug)]
pub(crate) struct DigestMail {
    /// The digest.
    pub(crate) digest_id: Uuid,
    /// Who it goes to.
    pub(crate) recipient: String,
    /// Where it goes.
    pub(crate) mailbox: EmailAddress,
    /// When it is due.
    pub(crate) due_at: OffsetDateTime,
}

/// Adds what digests list, and the mails that do not exist yet.
pub(crate) async fn add(
    conn: &mut PgConnection,
    new: &NewDigests,
    now: OffsetDateTime,
) -> sqlx::Result<()> {
    let (digests, reports): (Vec<Uuid>, Vec<Uuid>) = new.entries.keys().copied().unzip();
    let references: Vec<&str> = new.entries.values().map(String::as_str).collect();
    let ids: Vec<Uuid> = new.mails.keys().copied().collect();
    let mails = new.mails.values();
    let digests_of_mails: Vec<Uuid> = mails.clone().map(|mail| mail.digest_id).collect();
    let recipients: Vec<&str> = mails.clone().map(|mail| mail.recipient.as_str()).collect();
    let mailboxes: Vec<&str> = mails.clone().map(|mail| mail.mailbox.expose()).collect();
    let due: Vec<OffsetDateTime> = mails.map(|mail| mail.due_at).collect();
    sqlx::query_file!(
        "src/store/sql/add_digests.sql",
        &digests,
        &reports,
        &references as &[&str],
        &ids,
        &digests_of_mails,
        &recipients as &[&str],
        &mailboxes as &[&str],
        &due,
        Rule::Digest.name(),
        now,
    )
    .execute(conn)
    .await?;
    Ok(())
}

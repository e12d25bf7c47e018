//! The audit trail: who accessed or changed what.
//!
//! A second later the entries are sealed ([`AuditSealer`]): each seal binds those of
//! its second and the seal before it, under a key that the database does not have.
//! Whoever edits, removes or adds one afterwards is found by [`verify_audit`]; whoever
//! cuts off the end together with its seals, by a checkpoint that the log told.

mod chain;
mod sealer;
mod verify;

use std::borrow::Cow;

use serde_json::Value;
use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::{ContextV7, Timestamp, Uuid};

pub use self::{
    sealer::AuditSealer,
    verify::{Break, Checkpoint, Findings, verify_audit},
};
use crate::{Caller, Result, propagation};

/// One access or change, without personal data.
#[derive(Debug)]
pub struct AuditEntry<'a> {
    /// Who acted.
    pub caller: &'a Caller,
    /// What was done, as in `report.read`.
    pub action: &'static str,
    /// The identifier of the thing, or the filter of a list.
    pub object: &'a str,
    /// How it ended.
    pub outcome: Outcome,
    /// What else an auditor needs; never personal data.
    pub detail: Value,
    /// When it happened.
    pub at: OffsetDateTime,
}

/// How an access ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It was done.
    Done,
    /// The thing is unknown or not visible to the caller: one row for both.
    NotVisible,
    /// The caller may not do it, or the state does not allow it.
    Refused,
}

impl Outcome {
    fn as_str(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::NotVisible => "not_visible",
            Self::Refused => "refused",
        }
    }
}

/// The most bytes of an object that are kept: a client may have made it up, and an
/// index takes no more than about 2,700.
const MAX_OBJECT: usize = 1_024;

/// What is kept of an object: not the end of one that is too long, and no NUL, which
/// PostgreSQL refuses.
fn kept(object: &str) -> Cow<'_, str> {
    if object.len() <= MAX_OBJECT && !object.contains('\0') {
        return Cow::Borrowed(object);
    }
    let end = object.floor_char_boundary(MAX_OBJECT);
    let mut kept = object[..end].replace('\0', "\u{fffd}");
    if end < object.len() {
        kept.push('…');
    }
    Cow::Owned(kept)
}

/// Records one entry in the caller's transaction.
pub async fn audit(conn: &mut PgConnection, entry: AuditEntry<'_>) -> Result<()> {
    audit_many(conn, &[entry]).await
}

/// Records entries in the caller's transaction, in one statement.
pub async fn audit_many(conn: &mut PgConnection, entries: &[AuditEntry<'_>]) -> Result<()> {
    if entries.is_empty() {
        return Ok(());
    }
    // Entries of the same microsecond keep the order in which they were given.
    let context = ContextV7::new();
    let id = |entry: &AuditEntry<'_>| {
        let seconds = u64::try_from(entry.at.unix_timestamp()).unwrap_or_default();
        let timestamp = Timestamp::from_unix(&context, seconds, entry.at.nanosecond());
        Uuid::new_v7(timestamp)
    };
    let roles = |entry: &AuditEntry<'_>| {
        let roles: Vec<_> = entry.caller.roles.iter().map(|it| it.as_str()).collect();
        roles.join(" ")
    };
    sqlx::query_file!(
        "src/audit_many.sql",
        &column(entries, id),
        &column(entries, |it| it.at),
        &column(entries, |it| it.caller.subject.as_str()) as &[&str],
        &column(entries, roles),
        &column(entries, |it| it.action) as &[&str],
        &column(entries, |it| kept(it.object)) as &[Cow<'_, str>],
        &column(entries, |it| it.outcome.as_str()) as &[&str],
        &column(entries, |it| &it.detail) as &[&Value],
        propagation::trace_id(),
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The values of one column of the entries.
fn column<'a, T>(entries: &'a [AuditEntry<'_>], of: impl Fn(&'a AuditEntry<'_>) -> T) -> Vec<T> {
    entries.iter().map(of).collect()
}

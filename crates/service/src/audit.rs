//! The entries that reads leave in the audit trail.

use platform::{AuditEntry, Caller, Outcome, Result, audit, now};
use serde_json::{Value, json};
use sqlx::PgConnection;

/// Leaves the entry of a read of one thing, before it is answered. What the caller may
/// not see leaves the same entry as what does not exist.
pub async fn audit_read(
    conn: &mut PgConnection,
    caller: &Caller,
    action: &'static str,
    object: &str,
    found: bool,
) -> Result<()> {
    let outcome = if found {
        Outcome::Done
    } else {
        Outcome::NotVisible
    };
    entry(conn, caller, action, object, outcome, json!({})).await
}

/// Leaves the one entry of a list, before it is answered: its filter and what else
/// tells an auditor how much was seen.
pub async fn audit_list(
    conn: &mut PgConnection,
    caller: &Caller,
    action: &'static str,
    filter: &str,
    detail: Value,
) -> Result<()> {
    entry(conn, caller, action, filter, Outcome::Done, detail).await
}

async fn entry(
    conn: &mut PgConnection,
    caller: &Caller,
    action: &'static str,
    object: &str,
    outcome: Outcome,
    detail: Value,
) -> Result<()> {
    let entry = AuditEntry {
        caller,
        action,
        object,
        outcome,
        detail,
        at: now(),
    };
    audit(conn, entry).await
}

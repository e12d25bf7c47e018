//! The history of cases.

use std::collections::HashSet;

use serde_json::Value;
use sqlx::{PgConnection, types::Json};
use time::OffsetDateTime;
use uuid::Uuid;
use vocabulary::{CaseState, Role, Word as _};

use super::case::json;
use crate::domain::{Action, Actor, Change, Triage};

/// A change with the event that caused it, if one did.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    /// The change.
    pub(crate) change: Change,
    /// The event of another service.
    pub(crate) cause: Option<Uuid>,
}

/// Adds lines to the history, in one statement.
pub(crate) async fn insert_entries(
    conn: &mut PgConnection,
    entries: &[Entry],
) -> platform::Result<()> {
    if entries.is_empty() {
        return Ok(());
    }
    let actors: Vec<_> = entries.iter().map(|entry| &entry.change.actor).collect();
    let roles: Vec<Option<&str>> = actors
        .iter()
        .map(|actor| actor.subject().map(|_| actor.role().as_str()))
        .collect();
    let subjects: Vec<Option<&str>> = actors.iter().map(|actor| actor.subject()).collect();
    let triages: Vec<Option<Value>> = entries
        .iter()
        .map(|entry| entry.change.triage.as_ref().map(json))
        .collect();
    sqlx::query_file!(
        "src/store/sql/insert_entries.sql",
        &column(entries, |entry| entry.change.case_id),
        &column(entries, |entry| entry.change.revision.cast_signed()),
        &column(entries, |entry| entry.change.at),
        &column(entries, |entry| entry.change.action.as_str()) as &[&str],
        &column(entries, |entry| entry.change.state.as_str()) as &[&str],
        &roles as &[Option<&str>],
        &subjects as &[Option<&str>],
        &column(entries, |entry| entry.change.note.as_str()) as &[&str],
        &triages as &[Option<Value>],
        &column(entries, |entry| entry.cause) as &[Option<Uuid>],
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Which of these events have already left their line.
pub(crate) async fn applied_events(
    conn: &mut PgConnection,
    event_ids: &[Uuid],
) -> platform::Result<HashSet<Uuid>> {
    let applied = sqlx::query_scalar!(
        r#"select cause_event_id as "event_id!" from case_entry where cause_event_id = any($1)"#,
        event_ids,
    )
    .fetch_all(conn)
    .await?;
    Ok(applied.into_iter().collect())
}

/// The history of a case, oldest first.
pub(crate) async fn history(
    conn: &mut PgConnection,
    case_id: Uuid,
) -> platform::Result<Vec<Change>> {
    let rows = sqlx::query_as!(
        Row,
        r#"select case_id, revision, at, action, state, actor_role, actor_subject, note,
                  triage as "triage: Json<Triage>", cause_event_id
           from case_entry
           where case_id = $1
           order by revision"#,
        case_id,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| Entry::from(row).change)
        .collect())
}

/// The latest line of each of these cases.
pub(crate) async fn latest_entries(
    conn: &mut PgConnection,
    case_ids: &[Uuid],
) -> platform::Result<Vec<Entry>> {
    let rows = sqlx::query_as!(
        Row,
        r#"select distinct on (case_id) case_id, revision, at, action, state, actor_role,
                  actor_subject, note, triage as "triage: Json<Triage>", cause_event_id
           from case_entry
           where case_id = any($1)
           order by case_id, revision desc"#,
        case_ids,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(Entry::from).collect())
}

struct Row {
    case_id: Uuid,
    revision: i64,
    at: OffsetDateTime,
    action: String,
    state: String,
    actor_role: Option<String>,
    actor_subject: Option<String>,
    note: String,
    triage: Option<Json<Triage>>,
    cause_event_id: Option<Uuid>,
}

impl From<Row> for Entry {
    fn from(row: Row) -> Self {
        let actor = match row.actor_role.zip(row.actor_subject) {
            Some((role, subject)) => Actor::Person {
                role: Role::stored(&role),
                subject,
            },
            None => Actor::System,
        };
        let change = Change {
            case_id: row.case_id,
            revision: row.revision.cast_unsigned(),
            at: row.at,
            action: Action::stored(&row.action),
            state: CaseState::stored(&row.state),
            actor,
            note: row.note,
            triage: row.triage.map(|triage| triage.0),
        };
        Self {
            change,
            cause: row.cause_event_id,
        }
    }
}

fn column<'a, T>(entries: &'a [Entry], cell: impl Fn(&'a Entry) -> T) -> Vec<T> {
    entries.iter().map(cell).collect()
}

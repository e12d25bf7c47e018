//! The history of cases at rest: one entry a revision, never changed.

use std::collections::{HashMap, HashSet};

use platform::Result;
use serde_json::{Value, json};
use service::wire::timestamptz;
use sqlx::{PgConnection, types::Json};
use time::OffsetDateTime;
use uuid::Uuid;
use vocabulary::{CaseState, Role, Word as _};

use super::{Action, Actor, Change, Triage};

/// Adds entries, in one statement.
pub(super) async fn insert(conn: &mut PgConnection, changes: &[Change]) -> Result<()> {
    if changes.is_empty() {
        return Ok(());
    }
    let rows: Value = changes.iter().map(row).collect();
    sqlx::query_file!("src/cases/sql/insert_entries.sql", rows)
        .execute(conn)
        .await?;
    Ok(())
}

/// Finds which of these events have already caused an entry of one of these cases.
pub(super) async fn applied_events(
    conn: &mut PgConnection,
    case_ids: &[Uuid],
    event_ids: &[Uuid],
) -> Result<HashSet<Uuid>> {
    if case_ids.is_empty() {
        return Ok(HashSet::new());
    }
    let applied = sqlx::query_scalar!(
        r#"select cause_event_id as "event_id!" from case_entry
           where case_id = any($1) and cause_event_id = any($2)"#,
        case_ids,
        event_ids,
    )
    .fetch_all(conn)
    .await?;
    Ok(applied.into_iter().collect())
}

/// Reads a page of the history of a case, newest first: entries below a revision.
pub(super) async fn page(
    conn: &mut PgConnection,
    case_id: Uuid,
    below: u64,
    limit: i64,
) -> Result<Vec<Change>> {
    let rows = sqlx::query_as!(
        Row,
        r#"select case_id, revision, at, action, state, actor_role, actor_subject, note,
                  triage as "triage: Json<Triage>", cause_event_id
           from case_entry
           where case_id = $1 and revision < $2
           order by revision desc
           limit $3"#,
        case_id,
        i64::try_from(below).unwrap_or(i64::MAX),
        limit,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(Change::from).collect())
}

/// Reads the latest entry of each of these cases.
pub(super) async fn latest(
    conn: &mut PgConnection,
    case_ids: &[Uuid],
) -> Result<HashMap<Uuid, Change>> {
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
    let changes = rows.into_iter().map(Change::from);
    Ok(changes.map(|change| (change.case_id, change)).collect())
}

/// Finds who lost sight of cases by these changes of theirs.
pub(crate) async fn lost_sight(
    conn: &mut PgConnection,
    changes: &[(Uuid, u64)],
) -> Result<HashMap<Uuid, Vec<String>>> {
    if changes.is_empty() {
        return Ok(HashMap::new());
    }
    let (case_ids, revisions): (Vec<_>, Vec<_>) = changes
        .iter()
        .map(|(case_id, revision)| (*case_id, revision.cast_signed()))
        .unzip();
    let rows = sqlx::query!(
        r#"select case_id, no_longer_visible_to as "lost!"
           from case_entry
           join unnest($1::uuid[], $2::bigint[]) as told (id, number)
               on case_id = told.id and revision = told.number
           where no_longer_visible_to is not null"#,
        &case_ids,
        &revisions,
    )
    .fetch_all(conn)
    .await?;
    let mut lost: HashMap<Uuid, Vec<String>> = HashMap::new();
    for row in rows {
        lost.entry(row.case_id).or_default().extend(row.lost);
    }
    Ok(lost)
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

impl From<Row> for Change {
    fn from(row: Row) -> Self {
        let actor = match row.actor_role.zip(row.actor_subject) {
            Some((role, subject)) => Actor::Person {
                role: Role::stored(&role),
                subject,
            },
            None => Actor::System,
        };
        Self {
            case_id: row.case_id,
            revision: row.revision.cast_unsigned(),
            at: row.at,
            action: Action::stored(&row.action),
            state: CaseState::stored(&row.state),
            actor,
            note: row.note,
            triage: row.triage.map(|triage| triage.0),
            cause: row.cause_event_id,
            lost: Vec::new(),
        }
    }
}

fn row(change: &Change) -> Value {
    let subject = change.actor.subject();
    json!({
        "case_id": change.case_id,
        "revision": change.revision,
        "at": timestamptz(change.at),
        "action": change.action.as_str(),
        "state": change.state.as_str(),
        "actor_role": subject.map(|_| change.actor.role().as_str()),
        "actor_subject": subject,
        "note": change.note,
        "triage": change.triage,
        "cause_event_id": change.cause,
        "no_longer_visible_to": (!change.lost.is_empty()).then_some(&change.lost),
    })
}

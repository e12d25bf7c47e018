//! Cases at rest.

use platform::{Error, Result};
use serde_json::{Value, json};
use service::{
    Sealed,
    wire::{bytea, timestamptz},
};
use sqlx::{PgConnection, types::Json};
use time::OffsetDateTime;
use uuid::Uuid;
use vocabulary::{
    CareImpact, CaseState, DeclarantLink, ReportKind, StructureKind, WaitingFor, Word as _,
};

use super::{
    Case, Closure, Report, Resolution, Triage, case_id_of,
    list::{CaseName, ListFilter, Position},
};

/// Reads a case that exists.
pub(crate) async fn read_case(conn: &mut PgConnection, case_id: Uuid) -> Result<Option<Case>> {
    Ok(read_cases(conn, &[case_id]).await?.pop())
}

/// Reads these cases, the latest declaration first.
pub(crate) async fn read_cases(conn: &mut PgConnection, case_ids: &[Uuid]) -> Result<Vec<Case>> {
    if case_ids.is_empty() {
        return Ok(Vec::new());
    }
    let rows = sqlx::query_file_as!(Row, "src/cases/sql/read_cases.sql", case_ids)
        .fetch_all(conn)
        .await?;
    Ok(rows.into_iter().map(Case::from).collect())
}

/// Finds a case that these parties see.
pub(crate) async fn find_case(
    conn: &mut PgConnection,
    name: &CaseName,
    parties: &[String],
) -> Result<Option<Case>> {
    let (case_id, reference) = match name {
        CaseName::Id(case_id) => (Some(*case_id), None),
        CaseName::Reference(reference) => (None, Some(reference)),
    };
    let found = sqlx::query_scalar!(
        "select case_id from case_file
         where (case_id = $1 or reference = $2) and visible_to && $3
         limit 1",
        case_id,
        reference,
        parties,
    )
    .fetch_optional(&mut *conn)
    .await?;
    match found {
        Some(case_id) => read_case(conn, case_id).await,
        None => Ok(None),
    }
}

/// Finds a case that these parties see and keeps others from changing it.
pub(crate) async fn lock_case(
    conn: &mut PgConnection,
    case_id: Uuid,
    parties: &[String],
) -> Result<Option<Case>> {
    let found = sqlx::query_scalar!(
        "select case_id from case_file where case_id = $1 and visible_to && $2 for update",
        case_id,
        parties,
    )
    .fetch_optional(&mut *conn)
    .await?;
    match found {
        Some(case_id) => read_case(conn, case_id).await,
        None => Ok(None),
    }
}

/// Finds those of these cases that the parties see, and keeps others from changing them.
/// Locks in one order, so that two calls never wait in a ring.
pub(crate) async fn lock_cases(
    conn: &mut PgConnection,
    case_ids: &[Uuid],
    parties: &[String],
) -> Result<Vec<Case>> {
    let found = sqlx::query_scalar!(
        "select case_id from case_file
         where case_id = any($1) and visible_to && $2
         order by case_id
         for update",
        case_ids,
        parties,
    )
    .fetch_all(&mut *conn)
    .await?;
    read_cases(conn, &found).await
}

/// Reads the cases of these reports, whoever sees them, and keeps others from changing
/// them. Locks in one order, so that two batches never wait in a ring.
pub(super) async fn lock_cases_of(
    conn: &mut PgConnection,
    report_ids: &[Uuid],
) -> Result<Vec<Case>> {
    let found = sqlx::query_scalar!(
        "select case_id from case_file where case_id = any($1) order by case_id for update",
        &cases_of(report_ids),
    )
    .fetch_all(&mut *conn)
    .await?;
    read_cases(conn, &found).await
}

fn cases_of(report_ids: &[Uuid]) -> Vec<Uuid> {
    report_ids.iter().copied().map(case_id_of).collect()
}

/// Lists the cases that these parties see, the latest declaration first.
pub(super) async fn list_cases(
    conn: &mut PgConnection,
    filter: &ListFilter,
    parties: &[String],
    after: Option<&Position>,
    limit: i64,
) -> Result<Vec<Case>> {
    let states: Vec<&str> = filter.states.iter().map(|state| state.as_str()).collect();
    // A plan made for no caller in particular would sort all cases for those who see
    // nearly all of them: plan for the caller at hand.
    sqlx::query!("set local plan_cache_mode = force_custom_plan")
        .execute(&mut *conn)
        .await?;
    let found = sqlx::query_file_scalar!(
        "src/cases/sql/list_cases.sql",
        parties,
        (!states.is_empty()).then_some(states) as Option<Vec<&str>>,
        filter.routing_region.map(|region| region.to_string()),
        filter.major_only,
        filter.assignee,
        filter.declared_after,
        filter.declared_before,
        after.map(|position| position.declared_at),
        after.map(|position| position.case_id),
        limit,
        filter.overdue_at,
        filter.report_overdue_at,
    )
    .fetch_all(&mut *conn)
    .await?;
    read_cases(conn, &found).await
}

/// Pages through all cases by their ids.
pub(super) async fn cases_after(
    conn: &mut PgConnection,
    after: Option<Uuid>,
    limit: i64,
) -> Result<Vec<Case>> {
    let found = sqlx::query_scalar!(
        "select case_id from case_file where $1::uuid is null or case_id > $1 order by case_id limit $2",
        after,
        limit,
    )
    .fetch_all(&mut *conn)
    .await?;
    read_cases(conn, &found).await
}

/// Inserts cases that were just opened, in one statement. `ABORTED` when one of them
/// exists meanwhile: the work is done again and meets it.
pub(super) async fn insert_cases(conn: &mut PgConnection, cases: &[&Case]) -> Result<()> {
    if cases.is_empty() {
        return Ok(());
    }
    let rows: Value = cases.iter().map(|case| row(case)).collect();
    let inserted = sqlx::query_file!("src/cases/sql/insert_cases.sql", rows)
        .execute(conn)
        .await?;
    changed_all(inserted.rows_affected(), cases.len())
}

/// Writes what may change of a case, and its judgement if this change confirms one:
/// what a later release may have put into another is left alone. `ABORTED` when
/// somebody else moved the case to this revision meanwhile.
pub(super) async fn update_case(
    conn: &mut PgConnection,
    case: &Case,
    confirmed: Option<&Triage>,
) -> Result<()> {
    let closure = case.closure.as_ref();
    let updated = sqlx::query_file!(
        "src/cases/sql/update_case.sql",
        case.id,
        case.revision.cast_signed(),
        case.state.as_str(),
        case.changed_at,
        confirmed.map(|triage| json!(triage)),
        confirmed.map(|triage| triage.severity.major),
        case.assignee,
        &case.visible_to.slugs(),
        closure.map(|closure| closure.lessons_learned.as_str()),
        closure.map(|closure| closure.closed_at),
        case.duplicate_of,
        case.pilot,
        case.parent,
        case.care_recorded.map(CareImpact::as_str),
        json!(case.proposed.impacts.care),
        json!(case.proposed.severity.serious),
    )
    .execute(conn)
    .await?;
    changed_all(updated.rows_affected(), 1)
}

/// Writes what a case keeps of its report, which was amended, and what the rules propose by it.
pub(super) async fn update_report(conn: &mut PgConnection, case: &Case) -> Result<()> {
    sqlx::query_file!("src/cases/sql/update_report.sql", row(case))
        .execute(conn)
        .await?;
    Ok(())
}

/// Keeps what the structure declared of the end of its incident.
pub(super) async fn keep_resolution(
    conn: &mut PgConnection,
    case_id: Uuid,
    resolution: &Resolution,
) -> Result<()> {
    sqlx::query!(
        "update case_file set resolution = $2, sealed_how = $3 where case_id = $1",
        case_id,
        json!(resolution),
        resolution.sealed_how,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Destroys the keys of the contacts of these reports, and of the names of those who were
/// called of their cases.
pub(super) async fn erase_contacts(conn: &mut PgConnection, report_ids: &[Uuid]) -> Result<()> {
    if report_ids.is_empty() {
        return Ok(());
    }
    let case_ids = cases_of(report_ids);
    sqlx::query!(
        "update case_file set sealed_personal_data = null, data_key = null
         where case_id = any($1) and data_key is not null",
        &case_ids,
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!(
        "update escalation_call set data_key = null
         from escalation
         where escalation.escalation_id = escalation_call.escalation_id
             and escalation.case_id = any($1)
             and escalation_call.data_key is not null",
        &case_ids,
    )
    .execute(conn)
    .await?;
    Ok(())
}

struct Row {
    case_id: Uuid,
    report_id: Uuid,
    reference: String,
    kind: Option<String>,
    structure_name: String,
    structure_kind: Option<String>,
    town: Option<String>,
    structure_key: Option<String>,
    routing_region: String,
    declared_at: OffsetDateTime,
    opened_at: OffsetDateTime,
    description: String,
    assistance_requested: bool,
    test: bool,
    proposed: Json<Triage>,
    sealed_personal_data: Option<Vec<u8>>,
    data_key: Option<Vec<u8>>,
    revision: i64,
    state: String,
    changed_at: OffsetDateTime,
    confirmed: Option<Json<Triage>>,
    assignee: Option<String>,
    visible_to: Vec<String>,
    lessons_learned: Option<String>,
    closed_at: Option<OffsetDateTime>,
    duplicate_of: Option<Uuid>,
    pilot: Option<String>,
    answer_due_at: Option<OffsetDateTime>,
    resolution: Option<Json<Resolution>>,
    sealed_how: Option<Vec<u8>>,
    report_revision: Option<i64>,
    cause_reference: Option<String>,
    parent_case_id: Option<Uuid>,
    children: i64,
    care_recorded: Option<String>,
    waiting_for: Vec<String>,
    declarant_link: Option<String>,
}

impl From<Row> for Case {
    fn from(row: Row) -> Self {
        let sealed = row.sealed_personal_data.zip(row.data_key);
        let closure = row.lessons_learned.zip(row.closed_at);
        let resolution = row.resolution.zip(row.sealed_how);
        Self {
            id: row.case_id,
            revision: row.revision.cast_unsigned(),
            state: CaseState::stored(&row.state),
            report: Report {
                id: row.report_id,
                revision: row.report_revision.map_or(1, i64::cast_unsigned),
                reference: row.reference,
                kind: row.kind.as_deref().map(ReportKind::stored),
                structure_name: row.structure_name,
                structure_kind: row.structure_kind.as_deref().map(StructureKind::stored),
                structure_town: row.town,
                structure_key: row.structure_key,
                routing_region: row.routing_region,
                declared_at: row.declared_at,
                description: row.description,
                assistance_requested: row.assistance_requested,
                test: row.test,
                cause_reference: row.cause_reference,
                link: row.declarant_link.as_deref().map(DeclarantLink::stored),
                sealed: sealed.map(|(sealed, data_key)| Sealed { sealed, data_key }),
            },
            opened_at: row.opened_at,
            changed_at: row.changed_at,
            proposed: row.proposed.0,
            confirmed: row.confirmed.map(|triage| triage.0),
            assignee: row.assignee,
            visible_to: row.visible_to.into_iter().collect(),
            closure: closure.map(|(lessons_learned, closed_at)| Closure {
                lessons_learned,
                closed_at,
            }),
            duplicate_of: row.duplicate_of,
            pilot: row.pilot,
            parent: row.parent_case_id,
            children: row.children.cast_unsigned(),
            answer_due_at: row.answer_due_at,
            resolution: resolution.map(|(resolution, sealed_how)| Resolution {
                sealed_how,
                ..resolution.0
            }),
            care_recorded: row.care_recorded.as_deref().map(CareImpact::stored),
            waiting_for: row
                .waiting_for
                .iter()
                .map(|whom| WaitingFor::stored(whom))
                .collect(),
        }
    }
}

/// The row of a case that was just opened, or whose report was amended.
fn row(case: &Case) -> Value {
    let report = &case.report;
    let sealed = report.sealed.as_ref();
    json!({
        "case_id": case.id,
        "report_id": report.id,
        "reference": report.reference,
        "kind": report.kind.map(ReportKind::as_str),
        "structure_name": report.structure_name,
        "structure_kind": report.structure_kind.map(StructureKind::as_str),
        "town": report.structure_town,
        "structure_key": report.structure_key,
        "routing_region": report.routing_region,
        "declared_at": timestamptz(report.declared_at),
        "opened_at": timestamptz(case.opened_at),
        "description": report.description,
        "assistance_requested": report.assistance_requested,
        "test": report.test,
        "proposed": case.proposed,
        "sealed_personal_data": sealed.map(|sealed| bytea(&sealed.sealed)),
        "data_key": sealed.map(|sealed| bytea(&sealed.data_key)),
        "revision": case.revision,
        "state": case.state.as_str(),
        "changed_at": timestamptz(case.changed_at),
        "major": false,
        "visible_to": case.visible_to.slugs(),
        "report_revision": (report.revision > 1).then_some(report.revision),
        "cause_reference": report.cause_reference,
        "declarant_link": report.link.map(DeclarantLink::as_str),
        "parent_case_id": case.parent,
    })
}

fn changed_all(changed: u64, wanted: usize) -> Result<()> {
    if usize::try_from(changed) == Ok(wanted) {
        return Ok(());
    }
    Err(Error::aborted(
        "CONCURRENT_CHANGE",
        "le dossier a changé entre-temps ; réessayez",
    ))
}

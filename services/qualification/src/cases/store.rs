//! The rows of cases.

use serde_json::Value;
use sqlx::{PgConnection, types::Json};
use time::OffsetDateTime;
use uuid::Uuid;
use vocabulary::{CaseState, ReportKind, StructureKind, Word as _};

use crate::domain::{Case, Closure, Report, Sealed, Triage};

/// Reads these cases, the latest declaration first.
pub(crate) async fn read_cases(
    conn: &mut PgConnection,
    case_ids: &[Uuid],
) -> platform::Result<Vec<Case>> {
    let rows = sqlx::query_file_as!(Row, "src/store/sql/read_cases.sql", case_ids)
        .fetch_all(conn)
        .await?;
    Ok(rows.into_iter().map(Case::from).collect())
}

/// Inserts cases that were just opened, in one statement. `ABORTED` when one
/// of them exists meanwhile: the work is done again and meets it.
pub(crate) async fn insert_cases(conn: &mut PgConnection, cases: &[&Case]) -> platform::Result<()> {
    if cases.is_empty() {
        return Ok(());
    }
    let inserted = sqlx::query_file!(
        "src/store/sql/insert_cases.sql",
        &column(cases, |case| case.id),
        &column(cases, |case| case.report.id),
        &column(cases, |case| case.report.reference.as_str()) as &[&str],
        &column(cases, |case| case
            .report
            .kind
            .map(vocabulary::ReportKind::as_str)) as &[Option<&str>],
        &column(cases, |case| case.report.structure_name.as_str()) as &[&str],
        &column(cases, |case| case
            .report
            .structure_kind
            .map(vocabulary::StructureKind::as_str)) as &[Option<&str>],
        &column(cases, |case| case.report.routing_region.as_str()) as &[&str],
        &column(cases, |case| case.report.declared_at),
        &column(cases, |case| case.opened_at),
        &column(cases, |case| case.report.description.as_str()) as &[&str],
        &column(cases, |case| case.report.assistance_requested),
        &column(cases, |case| case.report.test),
        &column(cases, |case| json(&case.proposed)),
        &column(cases, |case| case
            .report
            .sealed
            .as_ref()
            .map(|s| s.personal_data.as_slice())) as &[Option<&[u8]>],
        &column(cases, |case| case
            .report
            .sealed
            .as_ref()
            .map(|s| s.data_key.as_slice())) as &[Option<&[u8]>],
        &column(cases, |case| case.revision.cast_signed()),
        &column(cases, |case| case.state.as_str()) as &[&str],
        &column(cases, |case| case.changed_at),
        &column(cases, |case| Value::from(case.visible_to.slugs())),
    )
    .execute(conn)
    .await?;
    changed_all(inserted.rows_affected(), cases.len())
}

/// Writes what may change of a case, and its judgement if this change confirms one:
/// what a later release may have put into another is left alone. `ABORTED` when
/// somebody else moved the case to this revision meanwhile.
pub(crate) async fn update_case(
    conn: &mut PgConnection,
    case: &Case,
    confirmed: Option<&Triage>,
) -> platform::Result<()> {
    let closure = case.closure.as_ref();
    let updated = sqlx::query_file!(
        "src/store/sql/update_case.sql",
        case.id,
        case.revision.cast_signed(),
        case.state.as_str(),
        case.changed_at,
        confirmed.map(json),
        confirmed.map(|triage| triage.severity.major),
        case.assignee,
        &case.visible_to.slugs(),
        closure.map(|closure| closure.lessons_learned.as_str()),
        closure.map(|closure| closure.closed_at),
    )
    .execute(conn)
    .await?;
    changed_all(updated.rows_affected(), 1)
}

/// Destroys the keys of the contacts of these reports.
pub(crate) async fn erase_contacts(
    conn: &mut PgConnection,
    report_ids: &[Uuid],
) -> platform::Result<()> {
    if report_ids.is_empty() {
        return Ok(());
    }
    sqlx::query!(
        "update case_file set sealed_personal_data = null, data_key = null
         where report_id = any($1) and data_key is not null",
        report_ids,
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
}

impl From<Row> for Case {
    fn from(row: Row) -> Self {
        let sealed = row.sealed_personal_data.zip(row.data_key);
        let closure = row.lessons_learned.zip(row.closed_at);
        Self {
            id: row.case_id,
            revision: row.revision.cast_unsigned(),
            state: CaseState::stored(&row.state),
            report: Report {
                id: row.report_id,
                reference: row.reference,
                kind: row.kind.as_deref().map(ReportKind::stored),
                structure_name: row.structure_name,
                structure_kind: row.structure_kind.as_deref().map(StructureKind::stored),
                routing_region: row.routing_region,
                declared_at: row.declared_at,
                description: row.description,
                assistance_requested: row.assistance_requested,
                test: row.test,
                sealed: sealed.map(|(personal_data, data_key)| Sealed {
                    personal_data,
                    data_key,
                }),
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
        }
    }
}

fn column<'a, T>(cases: &[&'a Case], cell: impl Fn(&'a Case) -> T) -> Vec<T> {
    cases.iter().map(|case| cell(case)).collect()
}

pub(super) fn json(triage: &Triage) -> Value {
    serde_json::to_value(triage).expect("a triage holds only words, numbers and flags")
}

fn changed_all(changed: u64, wanted: usize) -> platform::Result<()> {
    if usize::try_from(changed) == Ok(wanted) {
        return Ok(());
    }
    Err(platform::Error::aborted(
        "CONCURRENT_CHANGE",
        "the case changed meanwhile; try again",
    ))
}

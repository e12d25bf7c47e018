//! Measures at rest.

use platform::Result;
use serde_json::json;
use sqlx::{PgConnection, types::Json};
use uuid::Uuid;
use vocabulary::{MeasureKind, Word as _};

use super::{Copied, Measure, SealedTexts, Step};

/// Adds a measure to a case that the transaction has locked; gives back its number.
pub(super) async fn insert(conn: &mut PgConnection, measure: &Measure) -> Result<u64> {
    let copied = measure.copied.as_ref();
    let number = sqlx::query_scalar!(
        r#"insert into case_measure (case_id, number, measure_id, kind, catalogue_code,
                                    catalogue_version, steps, sealed_request, sealed_title,
                                    sealed_text)
           select $1, coalesce(max(number), 0) + 1, $2, $3, $4, $5, $6, $7, $8, $9
           from case_measure where case_id = $1
           returning number"#,
        measure.case_id,
        measure.id,
        measure.kind.map(MeasureKind::as_str),
        copied.map(|it| it.code.as_str()),
        copied.map(|it| it.version.as_str()),
        json!(measure.steps),
        measure.sealed.request,
        measure.sealed.title,
        measure.sealed.text,
    )
    .fetch_one(conn)
    .await?;
    Ok(number.cast_unsigned())
}

/// Writes what a step changed of a measure of a case that the transaction has locked.
pub(super) async fn update(conn: &mut PgConnection, measure: &Measure) -> Result<()> {
    let copied = measure.copied.as_ref();
    sqlx::query!(
        "update case_measure
         set kind = $3,
             catalogue_code = $4,
             catalogue_version = $5,
             steps = $6,
             sealed_title = $7,
             sealed_text = $8,
             sealed_reason = $9
         where case_id = $1 and number = $2",
        measure.case_id,
        measure.number.cast_signed(),
        measure.kind.map(MeasureKind::as_str),
        copied.map(|it| it.code.as_str()),
        copied.map(|it| it.version.as_str()),
        json!(measure.steps),
        measure.sealed.title,
        measure.sealed.text,
        measure.sealed.reason,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Reads a measure of a case.
pub(super) async fn read(
    conn: &mut PgConnection,
    case_id: Uuid,
    measure_id: Uuid,
) -> Result<Option<Measure>> {
    let row = sqlx::query_as!(
        Row,
        r#"select case_id, number, measure_id, kind, catalogue_code, catalogue_version,
                  steps as "steps: Json<Vec<Step>>", sealed_request, sealed_title, sealed_text,
                  sealed_reason
           from case_measure
           where case_id = $1 and measure_id = $2"#,
        case_id,
        measure_id,
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(Measure::from))
}

/// Reads a page of the measures of a case, newest first: those below a number.
pub(super) async fn page(
    conn: &mut PgConnection,
    case_id: Uuid,
    below: Option<u64>,
    limit: i64,
) -> Result<Vec<Measure>> {
    let rows = sqlx::query_as!(
        Row,
        r#"select case_id, number, measure_id, kind, catalogue_code, catalogue_version,
                  steps as "steps: Json<Vec<Step>>", sealed_request, sealed_title, sealed_text,
                  sealed_reason
           from case_measure
           where case_id = $1 and ($2::bigint is null or number < $2)
           order by number desc
           limit $3"#,
        case_id,
        below.map(|below| i64::try_from(below).unwrap_or(i64::MAX)),
        limit,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(Measure::from).collect())
}

struct Row {
    case_id: Uuid,
    number: i64,
    measure_id: Uuid,
    kind: Option<String>,
    catalogue_code: Option<String>,
    catalogue_version: Option<String>,
    steps: Json<Vec<Step>>,
    sealed_request: Option<Vec<u8>>,
    sealed_title: Option<Vec<u8>>,
    sealed_text: Option<Vec<u8>>,
    sealed_reason: Option<Vec<u8>>,
}

impl From<Row> for Measure {
    fn from(row: Row) -> Self {
        let copied = row.catalogue_code.zip(row.catalogue_version);
        Self {
            id: row.measure_id,
            case_id: row.case_id,
            number: row.number.cast_unsigned(),
            kind: row.kind.as_deref().map(MeasureKind::stored),
            copied: copied.map(|(code, version)| Copied { code, version }),
            steps: row.steps.0,
            sealed: SealedTexts {
                request: row.sealed_request,
                title: row.sealed_title,
                text: row.sealed_text,
                reason: row.sealed_reason,
            },
        }
    }
}

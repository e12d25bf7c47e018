//! Declarations of resolution at rest.

use std::collections::BTreeMap;

use platform::Result;
use sqlx::PgConnection;
use uuid::Uuid;
use vocabulary::{Role, Word as _};

use super::Resolution;

/// How many declarations a report has.
pub(super) async fn count(conn: &mut PgConnection, report_id: Uuid) -> Result<u32> {
    let latest = sqlx::query_scalar!(
        r#"select coalesce(max(number), 0) as "latest!"
           from report_resolution where report_id = $1"#,
        report_id,
    );
    Ok(latest.fetch_one(conn).await?.cast_unsigned())
}

/// Adds a declaration to a locked report, whose revision it raises.
pub(super) async fn insert(
    conn: &mut PgConnection,
    report_id: Uuid,
    resolution: &Resolution,
) -> Result<()> {
    sqlx::query!(
        "with changed as (
             update report set revision = revision + 1 where report_id = $1 returning report_id
         )
         insert into report_resolution (report_id, number, resolved_at, declared_at, declared_by,
                                        sealed_how)
         select report_id, $2, $3, $4, $5, $6 from changed",
        report_id,
        resolution.number.cast_signed(),
        resolution.resolved_at,
        resolution.declared_at,
        resolution.declared_by.as_str(),
        resolution.sealed_how,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The declarations of these reports, each report's in their order.
pub(crate) async fn resolutions_of(
    conn: &mut PgConnection,
    report_ids: &[Uuid],
) -> Result<BTreeMap<Uuid, Vec<Resolution>>> {
    let rows = sqlx::query!(
        "select report_id, number, resolved_at, declared_at, declared_by, sealed_how
         from report_resolution where report_id = any($1) order by report_id, number",
        report_ids,
    );
    let mut resolutions: BTreeMap<Uuid, Vec<Resolution>> = BTreeMap::new();
    for row in rows.fetch_all(conn).await? {
        let of_report = resolutions.entry(row.report_id).or_default();
        of_report.push(Resolution {
            number: row.number.cast_unsigned(),
            resolved_at: row.resolved_at,
            declared_at: row.declared_at,
            declared_by: Role::stored(&row.declared_by),
            sealed_how: row.sealed_how,
        });
    }
    Ok(resolutions)
}

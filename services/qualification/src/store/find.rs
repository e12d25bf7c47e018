//! Which cases a request is about: what the caller may not see is not found.

use sqlx::PgConnection;
use uuid::Uuid;

use crate::domain::{Key, ListFilter, Place};

/// Finds a case that these parties see.
pub(crate) async fn find_case(
    conn: &mut PgConnection,
    key: &Key,
    parties: &[String],
) -> platform::Result<Option<Uuid>> {
    let (case_id, reference) = match key {
        Key::Id(case_id) => (Some(*case_id), None),
        Key::Reference(reference) => (None, Some(reference)),
    };
    let found = sqlx::query_scalar!(
        "select case_id from case_file
         where (case_id = $1 or reference = $2) and visible_to && $3
         limit 1",
        case_id,
        reference,
        parties,
    )
    .fetch_optional(conn)
    .await?;
    Ok(found)
}

/// Finds a case that these parties see and keeps others from changing it.
pub(crate) async fn lock_case(
    conn: &mut PgConnection,
    case_id: Uuid,
    parties: &[String],
) -> platform::Result<Option<Uuid>> {
    let found = sqlx::query_scalar!(
        "select case_id from case_file where case_id = $1 and visible_to && $2 for update",
        case_id,
        parties,
    )
    .fetch_optional(conn)
    .await?;
    Ok(found)
}

/// Finds the cases of these reports, whoever sees them, and keeps others from
/// changing them. Locks in one order, so that two batches never wait in a ring.
pub(crate) async fn lock_cases_of(
    conn: &mut PgConnection,
    report_ids: &[Uuid],
) -> platform::Result<Vec<Uuid>> {
    let found = sqlx::query_scalar!(
        "select case_id from case_file where report_id = any($1) order by case_id for update",
        report_ids,
    )
    .fetch_all(conn)
    .await?;
    Ok(found)
}

/// Lists the cases that these parties see, the latest declaration first.
pub(crate) async fn list_cases(
    conn: &mut PgConnection,
    filter: &ListFilter,
    parties: &[String],
    after: Option<Place>,
    limit: u16,
) -> platform::Result<Vec<Uuid>> {
    let states: Vec<&str> = filter.states.iter().map(|state| state.as_str()).collect();
    // A plan made for no caller in particular would sort all cases for those
    // who see nearly all of them: plan for the caller at hand.
    sqlx::query!("set local plan_cache_mode = force_custom_plan")
        .execute(&mut *conn)
        .await?;
    let found = sqlx::query_file_scalar!(
        "src/store/sql/list_cases.sql",
        parties,
        (!states.is_empty()).then_some(states) as Option<Vec<&str>>,
        filter.routing_region.map(|region| region.to_string()),
        filter.major_only,
        filter.assignee,
        filter.declared_after,
        filter.declared_before,
        after.map(|place| place.declared_at),
        after.map(|place| place.case_id),
        i64::from(limit),
    )
    .fetch_all(conn)
    .await?;
    Ok(found)
}

/// Pages through all cases by their ids.
pub(crate) async fn case_ids_after(
    conn: &mut PgConnection,
    after: Option<Uuid>,
    limit: i64,
) -> platform::Result<Vec<Uuid>> {
    let found = sqlx::query_scalar!(
        "select case_id from case_file where $1::uuid is null or case_id > $1 order by case_id limit $2",
        after,
        limit,
    )
    .fetch_all(conn)
    .await?;
    Ok(found)
}

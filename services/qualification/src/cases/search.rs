//! The search for cases at rest: by their tags and words, which the database keeps beside them.

use std::{collections::BTreeSet, fmt::Display};

use platform::Result;
use sqlx::PgConnection;
use uuid::Uuid;
use vocabulary::Word;

use super::{
    Audience, Case,
    list::{ListFilter, Position},
    store::read_cases,
};

/// How many of the latest cases are looked at one by one before the index is asked: a word of
/// one case in ten fills the largest page among them.
const LATEST: i64 = 2_500;

/// Finds the cases that these parties see and that a filter lets through, the latest declaration
/// first.
pub(super) async fn search_cases(
    conn: &mut PgConnection,
    filter: &ListFilter,
    mut parties: Vec<String>,
    after: Option<&Position>,
    limit: i64,
) -> Result<Vec<Case>> {
    if !filter.waiting_for.is_empty() {
        // Whom a case waits for tells of the exchanges.
        parties = Audience::Structure.readers(&parties.into_iter().collect());
    }
    // What is frequent for one caller is rare for another: plan for the caller at hand.
    sqlx::query!("set local plan_cache_mode = force_custom_plan")
        .execute(&mut *conn)
        .await?;
    let found = latest(conn, filter, &parties, after, limit).await?;
    let found = if i64::try_from(found.len()).is_ok_and(|found| found >= limit) {
        found
    } else {
        by_month(conn, filter, &parties, after, limit).await?
    };
    read_cases(conn, &found).await
}

/// Finds among the latest cases: as many as the limit, or else perhaps not all.
async fn latest(
    conn: &mut PgConnection,
    filter: &ListFilter,
    parties: &[String],
    after: Option<&Position>,
    limit: i64,
) -> Result<Vec<Uuid>> {
    let found = sqlx::query_file_scalar!(
        "src/cases/sql/search_latest.sql",
        after.map(|position| position.declared_at),
        after.map(|position| position.case_id),
        filter.declared_after,
        filter.declared_before,
        all_of(filter) as Option<Vec<String>>,
        &tags("party", parties),
        any("state", &filter.states) as Option<Vec<String>>,
        any("severity", &filter.severities) as Option<Vec<String>>,
        any("kind", &filter.kinds) as Option<Vec<String>>,
        any("origin", &filter.origins) as Option<Vec<String>>,
        any("waits", &filter.waiting_for) as Option<Vec<String>>,
        filter.text(),
        filter.overdue_at,
        limit,
        LATEST,
        filter.report_overdue_at,
    )
    .fetch_all(conn)
    .await?;
    Ok(found)
}

/// Finds month after month, the latest first.
async fn by_month(
    conn: &mut PgConnection,
    filter: &ListFilter,
    parties: &[String],
    after: Option<&Position>,
    limit: i64,
) -> Result<Vec<Uuid>> {
    let found = sqlx::query_file_scalar!(
        "src/cases/sql/search_months.sql",
        after.map(|position| position.declared_at),
        after.map(|position| position.case_id),
        filter.declared_after,
        filter.declared_before,
        all_of(filter) as Option<Vec<String>>,
        &tags("party", parties),
        any("state", &filter.states) as Option<Vec<String>>,
        any("severity", &filter.severities) as Option<Vec<String>>,
        any("kind", &filter.kinds) as Option<Vec<String>>,
        any("origin", &filter.origins) as Option<Vec<String>>,
        any("waits", &filter.waiting_for) as Option<Vec<String>>,
        filter.text(),
        filter.overdue_at,
        limit,
        filter.report_overdue_at,
    )
    .fetch_all(conn)
    .await?;
    Ok(found)
}

/// The tags of which a case has all; `None` where none is asked for.
fn all_of(filter: &ListFilter) -> Option<Vec<String>> {
    let region = filter
        .routing_region
        .map(|region| format!("region:{region}"));
    let major = filter.major_only.then(|| "major".to_owned());
    let assignee = filter.assignee.iter();
    let assignee = assignee.map(|subject| format!("assignee:{subject}"));
    // On a case that is ended nobody waits for an answer.
    let open = filter.overdue_at.map(|_| "open".to_owned());
    let all: Vec<_> = region
        .into_iter()
        .chain(major)
        .chain(assignee)
        .chain(open)
        .collect();
    (!all.is_empty()).then_some(all)
}

/// The tags of which a case has one; `None` where any will do.
fn any<W: Word>(name: &str, words: &BTreeSet<W>) -> Option<Vec<String>> {
    (!words.is_empty()).then(|| tags(name, words))
}

fn tags<T: Display>(name: &str, of: impl IntoIterator<Item = T>) -> Vec<String> {
    of.into_iter().map(|it| format!("{name}:{it}")).collect()
}

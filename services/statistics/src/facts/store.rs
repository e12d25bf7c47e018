//! Facts in PostgreSQL: one row for each report and period of validity.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize as _, Serialize};
use serde_json::Value;
use service::wire::timestamptz;
use sqlx::{PgConnection, types::Json};
use time::OffsetDateTime;
use uuid::Uuid;

use super::{Assessment, CaseStatus, Fact, FactHistory, Standing, Submission};

/// The histories of reports.
type Histories = BTreeMap<Uuid, FactHistory>;

/// The class of the advisory locks of facts.
const LOCKS: i32 = i32::from_be_bytes(*b"fact");

/// Locks reports, known or not, until the end of the transaction and loads their histories.
/// Locks are taken in one order, so that nobody waits in a circle, and are few: PostgreSQL has
/// room for some thousands.
pub(super) async fn lock(
    conn: &mut PgConnection,
    reports: &BTreeSet<Uuid>,
) -> sqlx::Result<Histories> {
    let reports: Vec<Uuid> = reports.iter().copied().collect();
    let locks: BTreeSet<i32> = reports.iter().map(lock_of).collect();
    let locks: Vec<i32> = locks.into_iter().collect();
    sqlx::query!(
        "select pg_advisory_xact_lock($1, lock) from unnest($2::integer[]) as lock",
        LOCKS,
        &locks,
    )
    .execute(&mut *conn)
    .await?;
    // Another statement: the one that waited does not see what was written meanwhile. Earlier
    // releases kept an empty row of each report to lock it.
    let rows = sqlx::query!(
        r#"select report_id, known_from, to_jsonb(fact_version) as "fact!"
           from fact_version where report_id = any($1) and known_from > '-infinity'"#,
        &reports,
    );
    let mut histories = Histories::new();
    for row in rows.fetch_all(conn).await? {
        let fact = from_row(&row.fact).map_err(|error| sqlx::Error::Decode(error.into()))?;
        let history = histories.entry(row.report_id).or_default();
        history.0.insert(row.known_from, fact);
    }
    Ok(histories)
}

/// One of 64 locks, by the last bits of the report's id, which are random.
fn lock_of(report_id: &Uuid) -> i32 {
    i32::from(report_id.as_bytes()[15] % 64)
}

/// Writes by what histories changed since this transaction locked them.
pub(super) async fn save(
    conn: &mut PgConnection,
    before: &Histories,
    after: &Histories,
) -> sqlx::Result<()> {
    let (before, after) = (periods(before), periods(after));
    let outdated = before
        .iter()
        .filter(|(key, period)| after.get(key) != Some(period));
    let (reports, moments): (Vec<Uuid>, Vec<OffsetDateTime>) =
        outdated.map(|(key, _)| *key).unzip();
    if !reports.is_empty() {
        sqlx::query_file!("src/facts/sql/forget.sql", &reports, &moments)
            .execute(&mut *conn)
            .await?;
    }
    let new = after
        .iter()
        .filter(|(key, period)| before.get(key) != Some(period));
    let rows = new.map(|((report_id, known_from), (known_until, fact))| FactRow {
        report_id: *report_id,
        known_from: timestamptz(*known_from),
        known_until: known_until.map(timestamptz),
        submission: fact.submission.as_ref(),
        report_revision: fact.report_revision,
        case: fact.case.clone().unwrap_or_default(),
        assessment: &fact.assessment,
        withdrawn: fact.withdrawn,
        standing: fact.standing(),
    });
    // A column that a later release added stays null.
    sqlx::query!(
        "insert into fact_version select * from jsonb_populate_recordset(null::fact_version, $1)",
        Json(rows.collect::<Vec<_>>()) as _,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The periods of validity by report and beginning, each with its end and its fact.
fn periods(
    histories: &Histories,
) -> BTreeMap<(Uuid, OffsetDateTime), (Option<OffsetDateTime>, &Fact)> {
    let mut periods = BTreeMap::new();
    for (report_id, FactHistory(facts)) in histories {
        let ends = facts.keys().skip(1).copied().map(Some).chain([None]);
        for ((known_from, fact), known_until) in facts.iter().zip(ends) {
            periods.insert((*report_id, *known_from), (known_until, fact));
        }
    }
    periods
}

/// A fact as it is stored.
#[derive(Serialize)]
struct FactRow<'a> {
    report_id: Uuid,
    known_from: String,
    known_until: Option<String>,
    #[serde(flatten)]
    submission: Option<&'a Submission>,
    report_revision: Option<u64>,
    /// Of revision 0 while no case is known.
    #[serde(flatten)]
    case: CaseStatus,
    #[serde(flatten)]
    assessment: &'a Assessment,
    withdrawn: bool,
    standing: Option<Standing>,
}

/// Reads a row back; only a row that this service did not write fails.
fn from_row(row: &Value) -> serde_json::Result<Fact> {
    let is_declared = !row["declared_on"].is_null();
    let has_case = row["case_revision"] != 0;
    Ok(Fact {
        submission: is_declared
            .then(|| Submission::deserialize(row))
            .transpose()?,
        report_revision: row["report_revision"].as_u64(),
        case: has_case.then(|| CaseStatus::deserialize(row)).transpose()?,
        assessment: Assessment::deserialize(row)?,
        withdrawn: bool::deserialize(&row["withdrawn"])?,
    })
}

//! Facts in PostgreSQL: one row for each report and period of validity.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};
use sqlx::PgConnection;
use time::{Date, OffsetDateTime, format_description::well_known::Rfc3339};
use uuid::Uuid;
use vocabulary::{
    CareImpact, CaseState, Origin, PatientEndangerment, ReportKind, RoutingRegion, Severity,
    StructureKind, Word,
};

use super::{Assessment, CaseStatus, Fact, FactHistory, Standing, Submission};

/// The histories of reports.
type Histories = BTreeMap<Uuid, FactHistory>;

/// Locks reports, known or not, until the end of the transaction and loads their histories.
pub(super) async fn lock(
    conn: &mut PgConnection,
    reports: &BTreeSet<Uuid>,
) -> sqlx::Result<Histories> {
    let reports: Vec<Uuid> = reports.iter().copied().collect();
    sqlx::query_file!("src/facts/sql/lock.sql", &reports)
        .execute(&mut *conn)
        .await?;
    // Another statement: the one that waited does not see what was written meanwhile.
    let rows = sqlx::query_file_as!(FactRow, "src/facts/sql/load.sql", &reports)
        .fetch_all(conn)
        .await?;
    let mut histories = Histories::new();
    for row in rows {
        let history = histories.entry(row.report_id).or_default();
        history.0.insert(row.known_from, row.into_fact()?);
    }
    Ok(histories)
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
    let rows: Value = new
        .map(|(key, period)| to_json(*key, *period))
        .collect::<sqlx::Result<_>>()?;
    sqlx::query_file!("src/facts/sql/insert.sql", rows)
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
#[expect(clippy::struct_excessive_bools, reason = "one field for each column")]
struct FactRow {
    report_id: Uuid,
    known_from: OffsetDateTime,
    declared_on: Option<Date>,
    region: Option<String>,
    structure_kind: Option<String>,
    structure_id: Option<Uuid>,
    report_kind: Option<String>,
    assistance_requested: Option<bool>,
    case_revision: i64,
    case_state: Option<String>,
    qualified: bool,
    origin: Option<String>,
    origin_types: Vec<String>,
    data_impacts: Vec<String>,
    care_impact: Option<String>,
    patient_endangerment: Option<String>,
    serious: bool,
    significant: bool,
    major: bool,
    withdrawn: bool,
}

impl FactRow {
    /// Reads a row back; only a row that this service did not write fails. Words come
    /// back as they were stored: a row that did not change is not written again.
    fn into_fact(self) -> sqlx::Result<Fact> {
        let submission = match (self.declared_on, self.region, self.structure_id) {
            (Some(declared_on), Some(region), Some(structure_id)) => Some(Submission {
                declared_on,
                region: region.parse::<RoutingRegion>().map_err(unreadable)?,
                structure_kind: self.structure_kind.as_deref().map(StructureKind::verbatim),
                structure_id,
                report_kind: self.report_kind.as_deref().map(ReportKind::verbatim),
                assistance_requested: self.assistance_requested.unwrap_or_default(),
            }),
            _ => None,
        };
        let case = match u64::try_from(self.case_revision).map_err(unreadable)? {
            0 => None,
            revision => Some(CaseStatus {
                revision,
                state: self.case_state.as_deref().map(CaseState::verbatim),
                qualified: self.qualified,
            }),
        };
        Ok(Fact {
            submission,
            case,
            assessment: Assessment {
                origin: self.origin.as_deref().map(Origin::verbatim),
                origin_types: all_verbatim(&self.origin_types),
                data_impacts: all_verbatim(&self.data_impacts),
                care: self.care_impact.as_deref().map(CareImpact::verbatim),
                endangerment: self
                    .patient_endangerment
                    .as_deref()
                    .map(PatientEndangerment::verbatim),
                severity: Severity {
                    serious: self.serious,
                    significant: self.significant,
                    major: self.major,
                },
            },
            withdrawn: self.withdrawn,
        })
    }
}

fn unreadable(cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> sqlx::Error {
    sqlx::Error::Decode(cause.into())
}

/// The row of a fact, for `jsonb_populate_recordset`.
fn to_json(
    (report_id, known_from): (Uuid, OffsetDateTime),
    (known_until, fact): (Option<OffsetDateTime>, &Fact),
) -> sqlx::Result<Value> {
    let moment = |at: OffsetDateTime| {
        at.format(&Rfc3339)
            .map_err(|error| sqlx::Error::Encode(error.into()))
    };
    let Assessment {
        origin,
        origin_types,
        data_impacts,
        care,
        endangerment,
        severity,
    } = &fact.assessment;
    let submission = fact.submission.as_ref();
    let case = fact.case.as_ref();
    Ok(json!({
        "report_id": report_id,
        "known_from": moment(known_from)?,
        "known_until": known_until.map(moment).transpose()?,
        "declared_on": submission.map(|s| s.declared_on.to_string()),
        "region": submission.map(|s| s.region.to_string()),
        "structure_kind": submission.and_then(|s| s.structure_kind),
        "structure_id": submission.map(|s| s.structure_id),
        "report_kind": submission.and_then(|s| s.report_kind),
        "assistance_requested": submission.map(|s| s.assistance_requested),
        "case_revision": case.map_or(0, |case| case.revision),
        "case_state": case.and_then(|case| case.state),
        "qualified": case.is_some_and(|case| case.qualified),
        "origin": origin,
        "origin_types": origin_types,
        "data_impacts": data_impacts,
        "care_impact": care,
        "patient_endangerment": endangerment,
        "serious": severity.serious,
        "significant": severity.significant,
        "major": severity.major,
        "withdrawn": fact.withdrawn,
        "standing": fact.standing().map(Standing::as_str),
    }))
}

fn all_verbatim<W: Word + Ord>(slugs: &[String]) -> BTreeSet<W> {
    slugs.iter().map(|slug| W::verbatim(slug)).collect()
}

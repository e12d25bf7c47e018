//! Facts: one row for each report.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};
use sqlx::PgConnection;
use time::Date;
use uuid::Uuid;
use vocabulary::{
    CareImpact, CaseState, Origin, PatientEndangerment, ReportKind, RoutingRegion, Severity,
    StructureKind, Word,
};

use crate::domain::{Assessment, CaseKnowledge, Fact, Month, Standing, Submission};

/// Locks the facts of the given reports, in the order of their ids, so that two
/// transactions that meet wait for each other and never deadlock. A report that was
/// never heard of gets an empty fact.
pub(crate) async fn lock(
    conn: &mut PgConnection,
    reports: &BTreeSet<Uuid>,
) -> sqlx::Result<BTreeMap<Uuid, Fact>> {
    let reports: Vec<Uuid> = reports.iter().copied().collect();
    sqlx::query!(
        "insert into fact (report_id) select * from unnest($1::uuid[]) on conflict do nothing",
        &reports,
    )
    .execute(&mut *conn)
    .await?;
    let rows = sqlx::query_file_as!(FactRow, "src/store/sql/lock_facts.sql", &reports)
        .fetch_all(conn)
        .await?;
    rows.into_iter()
        .map(|row| Ok((row.report_id, row.into_fact()?)))
        .collect()
}

/// Writes what was learnt of facts that this transaction has locked.
pub(crate) async fn save<'a>(
    conn: &mut PgConnection,
    facts: impl IntoIterator<Item = &'a Fact>,
) -> sqlx::Result<()> {
    let rows: Value = facts.into_iter().map(to_json).collect();
    sqlx::query_file!("src/store/sql/save_facts.sql", rows)
        .execute(conn)
        .await?;
    Ok(())
}

/// A fact as it is stored.
#[expect(clippy::struct_excessive_bools, reason = "one field for each column")]
pub(super) struct FactRow {
    pub(super) report_id: Uuid,
    pub(super) month: Option<Date>,
    pub(super) region: Option<String>,
    pub(super) structure_kind: Option<String>,
    pub(super) structure_id: Option<Uuid>,
    pub(super) report_kind: Option<String>,
    pub(super) assistance_requested: Option<bool>,
    pub(super) case_revision: i64,
    pub(super) case_state: Option<String>,
    pub(super) qualified: bool,
    pub(super) origin: Option<String>,
    pub(super) origin_types: Vec<String>,
    pub(super) data_impacts: Vec<String>,
    pub(super) care_impact: Option<String>,
    pub(super) patient_endangerment: Option<String>,
    pub(super) serious: bool,
    pub(super) significant: bool,
    pub(super) major: bool,
    pub(super) withdrawn: bool,
}

impl FactRow {
    /// Reads a row back; only a row that this service did not write fails. Words come
    /// back as they were counted: a counter moves by the same text as it was moved.
    pub(super) fn into_fact(self) -> sqlx::Result<Fact> {
        let submission = match (self.month, self.region, self.structure_id) {
            (Some(month), Some(region), Some(structure_id)) => Some(Submission {
                month: Month::of_date(month).ok_or_else(|| unreadable("month out of range"))?,
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
            revision => Some(CaseKnowledge {
                revision,
                state: self.case_state.as_deref().map(CaseState::verbatim),
                qualified: self.qualified,
            }),
        };
        Ok(Fact {
            report_id: self.report_id,
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

/// The row of a fact, for `jsonb_to_recordset`: an absent key is null.
fn to_json(fact: &Fact) -> Value {
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
    json!({
        "report_id": fact.report_id,
        "month": submission.map(|s| s.month.first_day().to_string()),
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
    })
}

fn all_verbatim<W: Word + Ord>(slugs: &[String]) -> BTreeSet<W> {
    slugs.iter().map(|slug| W::verbatim(slug)).collect()
}

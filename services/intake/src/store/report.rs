//! Reports.

use std::collections::BTreeSet;

use platform::{Error, Result};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;
use vocabulary::{CaseState, OperatorStatus, ReportKind, StructureKind};

use super::{read, report_row::Row};
use crate::domain::{CaseProgress, CaseStanding, Filter, Report, ReportState, Wanted};

/// A report about to be stored.
#[derive(Clone, Debug)]
pub(crate) struct NewReport {
    /// The report.
    pub(crate) report: Report,
    /// The subject of who sent it.
    pub(crate) author: String,
    /// What the request held, to tell a retry from another request.
    pub(crate) request_hash: Vec<u8>,
    /// The answer, kept for retries.
    pub(crate) receipt: Vec<u8>,
}

/// The answer that a stored report got.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Receipt {
    /// Of which report.
    pub(crate) report_id: Uuid,
    /// What its request held.
    pub(crate) request_hash: Vec<u8>,
    /// The answer, encoded.
    pub(crate) answer: Vec<u8>,
}

/// A place in the list of reports.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Position {
    #[serde(with = "time::serde::rfc3339")]
    declared_at: OffsetDateTime,
    report_id: Uuid,
}

impl Position {
    /// The place of a report.
    pub(crate) fn of(report: &Report) -> Self {
        Self {
            declared_at: report.declared_at,
            report_id: report.id,
        }
    }
}

/// Stores reports in one statement; gives back which are new.
pub(crate) async fn insert(conn: &mut PgConnection, new: &[&NewReport]) -> Result<BTreeSet<Uuid>> {
    let reports = || new.iter().map(|new| &new.report);
    let structures = || reports().map(|report| &report.structure);
    let contacts = || reports().map(|report| report.contacts.as_ref());
    let facts: Vec<Value> = reports()
        .map(|report| serde_json::to_value(&report.facts))
        .collect::<Result<_, _>>()
        .map_err(Error::internal)?;
    let visible_to: Vec<Value> = reports()
        .map(|report| {
            report
                .visible_to
                .iter()
                .map(|party| Value::from(party.to_string()))
                .collect()
        })
        .collect();
    let inserted = sqlx::query_file_scalar!(
        "src/store/insert_reports.sql",
        &reports().map(|report| report.id).collect::<Vec<_>>(),
        &reports()
            .map(|report| report.reference.to_string())
            .collect::<Vec<_>>(),
        &new.iter()
            .map(|new| new.author.as_str())
            .collect::<Vec<_>>() as &[&str],
        &new.iter()
            .map(|new| new.request_hash.as_slice())
            .collect::<Vec<_>>() as &[&[u8]],
        &new.iter()
            .map(|new| new.receipt.as_slice())
            .collect::<Vec<_>>() as &[&[u8]],
        &facts,
        &contacts()
            .map(|c| c.map(|c| c.sealed.as_slice()))
            .collect::<Vec<_>>() as &[Option<&[u8]>],
        &contacts()
            .map(|c| c.map(|c| c.wrapped_key.as_slice()))
            .collect::<Vec<_>>() as &[Option<&[u8]>],
        &structures().map(|s| s.key.to_string()).collect::<Vec<_>>(),
        &structures().map(|s| s.name.as_str()).collect::<Vec<_>>() as &[&str],
        &structures()
            .map(|s| s.kind.map(StructureKind::as_str))
            .collect::<Vec<_>>() as &[Option<&str>],
        &structures()
            .map(|s| s.department.map(|d| d.to_string()))
            .collect::<Vec<_>>() as &[Option<String>],
        &structures().map(|s| s.town.as_deref()).collect::<Vec<_>>() as &[Option<&str>],
        &structures()
            .map(|s| s.operator_status.map(OperatorStatus::as_str))
            .collect::<Vec<_>>() as &[Option<&str>],
        &structures().map(|s| s.link_verified).collect::<Vec<_>>(),
        &reports()
            .map(|report| report.routing_region.to_string())
            .collect::<Vec<_>>(),
        &visible_to,
        &reports()
            .map(|report| report.channel.as_str())
            .collect::<Vec<_>>() as &[&str],
        &reports()
            .map(|report| report.received_at)
            .collect::<Vec<_>>(),
        &reports()
            .map(|report| report.declared_at)
            .collect::<Vec<_>>(),
    )
    .fetch_all(conn)
    .await?;
    Ok(inserted.into_iter().collect())
}

/// The answers that stored reports got.
pub(crate) async fn receipts(conn: &mut PgConnection, ids: &[Uuid]) -> Result<Vec<Receipt>> {
    let receipts = sqlx::query_as!(
        Receipt,
        "select report_id, request_hash, receipt as answer from report where report_id = any($1)",
        ids,
    );
    Ok(receipts.fetch_all(conn).await?)
}

/// The wanted report, if one of the parties sees it.
pub(crate) async fn find(
    conn: &mut PgConnection,
    wanted: &Wanted,
    parties: &[String],
) -> Result<Option<Report>> {
    let (id, reference) = match wanted {
        Wanted::Id(id) => (Some(*id), None),
        Wanted::Reference(reference) => (None, Some(reference.to_string())),
    };
    sqlx::query_file_as!(Row, "src/store/find_report.sql", id, reference, parties)
        .fetch_optional(conn)
        .await?
        .map(Report::try_from)
        .transpose()
}

/// The report, held until the end of the transaction, if one of the parties
/// sees it.
pub(crate) async fn lock(
    conn: &mut PgConnection,
    report_id: Uuid,
    parties: &[String],
) -> Result<Option<Report>> {
    sqlx::query_file_as!(Row, "src/store/lock_report.sql", report_id, parties)
        .fetch_optional(conn)
        .await?
        .map(Report::try_from)
        .transpose()
}

/// Reports that one of the parties sees, latest declaration first.
pub(crate) async fn list(
    conn: &mut PgConnection,
    filter: &Filter,
    after: Option<Position>,
    limit: u32,
    parties: &[String],
) -> Result<Vec<Report>> {
    // The best plan depends on how much the parties see: a plan for all of them
    // would sort everything for those who see all.
    sqlx::query!("set local plan_cache_mode = force_custom_plan")
        .execute(&mut *conn)
        .await?;
    sqlx::query_file_as!(
        Row,
        "src/store/list_reports.sql",
        parties,
        filter.routing_region.map(|region| region.to_string()),
        filter.kind.map(ReportKind::as_str),
        filter.state.map(|state| state == ReportState::Withdrawn),
        filter.declared_after,
        filter.declared_before,
        after.map(|after| after.declared_at),
        after.map(|after| after.report_id),
        i64::from(limit),
    )
    .fetch_all(conn)
    .await?
    .into_iter()
    .map(Report::try_from)
    .collect()
}

/// Every report, by id.
pub(crate) async fn page(
    conn: &mut PgConnection,
    after: Option<Uuid>,
    limit: i64,
) -> Result<Vec<Report>> {
    sqlx::query_file_as!(Row, "src/store/page_reports.sql", after, limit)
        .fetch_all(conn)
        .await?
        .into_iter()
        .map(Report::try_from)
        .collect()
}

/// Stores the withdrawal of a locked report.
pub(crate) async fn withdraw(conn: &mut PgConnection, report: &Report) -> Result<()> {
    let withdrawal = report.withdrawal.as_ref();
    sqlx::query!(
        "update report set withdrawn_at = $2, withdrawal_reason = $3, revision = $4 where report_id = $1",
        report.id,
        withdrawal.map(|withdrawal| withdrawal.at),
        withdrawal.map(|withdrawal| withdrawal.reason.as_str()),
        report.revision.cast_signed(),
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Where the cases of these reports stand, as far as it is known; the reports are held
/// until the end of the transaction.
pub(crate) async fn lock_cases(
    conn: &mut PgConnection,
    report_ids: &[Uuid],
) -> Result<Vec<(Uuid, Option<CaseStanding>)>, sqlx::Error> {
    let rows = sqlx::query!(
        "select report_id, case_id, case_state, case_revision, case_ended_at from report
         where report_id = any($1) order by report_id for update",
        report_ids,
    )
    .fetch_all(conn)
    .await?;
    let standing = rows.into_iter().map(|row| {
        let known = row.case_id.zip(row.case_revision);
        let standing = known.map(|(case_id, revision)| CaseStanding {
            progress: CaseProgress {
                case_id,
                state: read::listed(row.case_state.as_deref()),
                revision: revision.cast_unsigned(),
            },
            ended_at: row.case_ended_at,
        });
        (row.report_id, standing)
    });
    Ok(standing.collect())
}

/// Keeps where the cases of locked reports stand.
pub(crate) async fn record_cases(
    conn: &mut PgConnection,
    cases: &[(Uuid, CaseStanding)],
) -> Result<(), sqlx::Error> {
    let progress = || cases.iter().map(|(_, standing)| standing.progress);
    sqlx::query!(
        "update report
         set case_id = known.case_id, case_state = known.state, case_revision = known.revision,
             case_ended_at = known.ended_at
         from unnest($1::uuid[], $2::uuid[], $3::text[], $4::bigint[], $5::timestamptz[])
              as known (report_id, case_id, state, revision, ended_at)
         where report.report_id = known.report_id",
        &cases.iter().map(|(id, _)| *id).collect::<Vec<_>>(),
        &progress().map(|it| it.case_id).collect::<Vec<_>>(),
        &progress()
            .map(|it| it.state.map(CaseState::as_str))
            .collect::<Vec<_>>() as &[Option<&str>],
        &progress()
            .map(|it| it.revision.cast_signed())
            .collect::<Vec<_>>(),
        &cases
            .iter()
            .map(|(_, standing)| standing.ended_at)
            .collect::<Vec<_>>() as &[Option<OffsetDateTime>],
    )
    .execute(conn)
    .await?;
    Ok(())
}

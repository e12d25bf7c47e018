//! Reports at rest.

use std::collections::BTreeSet;

use platform::{Error, Result};
use serde_json::{Value, json};
use service::{Sealed, wire::timestamptz};
use sqlx::{PgConnection, types::Json};
use time::OffsetDateTime;
use uuid::Uuid;
use vocabulary::{
    CaseState, Channel, DeclarantLink, Medium, OperatorStatus, ParseError, Party, Reference,
    ReportStage, Role, StructureKind, Word as _,
};

use super::{
    CaseProgress, EnteredBy, Facts, Report, ReportState, ReportedStructure, Withdrawal,
    list::{ListFilter, Position, ReportName},
};
use crate::{
    amendments::Revision,
    drafts::SentDraft,
    links::{LinkDecision, LinkDecisionKind},
};

/// A report about to be stored.
#[derive(Clone, Debug)]
pub(super) struct NewReport {
    /// The report.
    pub(super) report: Report,
    /// Derived from who sent it and his request: a retry has the same.
    pub(super) request_key: Uuid,
    /// The subject of who sent it.
    pub(super) author: String,
    /// The author's draft of which it was made.
    pub(super) sent_draft: Option<SentDraft>,
    /// What the request held and was answered.
    pub(super) receipt: Receipt,
}

/// The answer that a stored report got.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Receipt {
    /// The key of the request that made the report.
    pub(super) request_key: Uuid,
    /// Of which report.
    pub(super) report_id: Uuid,
    /// What the request held, to tell a retry from another request.
    pub(super) request_hash: Vec<u8>,
    /// The answer, encoded.
    pub(super) answer: Vec<u8>,
}

/// Stores reports in one statement; gives back which are new.
pub(super) async fn insert(conn: &mut PgConnection, new: &[&NewReport]) -> Result<BTreeSet<Uuid>> {
    let rows: Value = new.iter().map(|new| row(new)).collect();
    let facts: Vec<_> = new.iter().map(|new| Json(&new.report.facts)).collect();
    let long =
        |of: fn(&NewReport) -> Option<&[u8]>| -> Vec<_> { new.iter().map(|new| of(new)).collect() };
    let inserted = sqlx::query_file_scalar!(
        "src/reports/sql/insert_reports.sql",
        rows,
        &long(|new| Some(&new.receipt.request_hash)) as &[Option<&[u8]>],
        &long(|new| Some(&new.receipt.answer)) as &[Option<&[u8]>],
        &facts as &[Json<&Facts>],
        &long(|new| Some(&new.report.contacts.as_ref()?.sealed)) as &[Option<&[u8]>],
        &long(|new| Some(&new.report.contacts.as_ref()?.data_key)) as &[Option<&[u8]>],
    );
    Ok(inserted.fetch_all(conn).await?.into_iter().collect())
}

/// The answers that the reports of these requests got.
pub(super) async fn receipts(
    conn: &mut PgConnection,
    request_keys: &[Uuid],
) -> Result<Vec<Receipt>> {
    let receipts = sqlx::query_as!(
        Receipt,
        r#"select coalesce(request_key, report_id) as "request_key!", report_id, request_hash,
                  receipt as answer
           from report where coalesce(request_key, report_id) = any($1)"#,
        request_keys,
    );
    Ok(receipts.fetch_all(conn).await?)
}

/// Finds the report of a name, if one of the parties sees it.
pub(crate) async fn find(
    conn: &mut PgConnection,
    name: &ReportName,
    parties: &[String],
) -> Result<Option<Report>> {
    let (id, reference) = match name {
        ReportName::Id(id) => (Some(*id), None),
        ReportName::Reference(reference) => (None, Some(reference.as_str())),
    };
    let found = sqlx::query_scalar!(
        "select report_id from report
         where (report_id = $1 or reference = $2) and visible_to && $3",
        id,
        reference,
        parties,
    );
    let found = found.fetch_all(&mut *conn).await?;
    Ok(read(conn, &found).await?.pop())
}

/// Finds the id of the report of a reference, if one of the parties sees it.
pub(super) async fn id_of(
    conn: &mut PgConnection,
    reference: &Reference,
    parties: &[String],
) -> Result<Option<Uuid>> {
    let found = sqlx::query_scalar!(
        "select report_id from report where reference = $1 and visible_to && $2",
        reference.as_str(),
        parties,
    );
    Ok(found.fetch_optional(conn).await?)
}

/// Finds a report, held until the end of the transaction, if one of the parties sees it.
pub(crate) async fn lock(
    conn: &mut PgConnection,
    report_id: Uuid,
    parties: &[String],
) -> Result<Option<Report>> {
    let found = sqlx::query_scalar!(
        "select report_id from report where report_id = $1 and visible_to && $2 for update",
        report_id,
        parties,
    );
    let found = found.fetch_all(&mut *conn).await?;
    Ok(read(conn, &found).await?.pop())
}

/// Reports that one of the parties sees, latest declaration first.
pub(super) async fn list(
    conn: &mut PgConnection,
    filter: &ListFilter,
    after: Option<Position>,
    limit: i64,
    parties: &[String],
) -> Result<Vec<Report>> {
    // The best plan depends on how much the parties see: a plan for all of them
    // would sort everything for those who see all.
    sqlx::query!("set local plan_cache_mode = force_custom_plan")
        .execute(&mut *conn)
        .await?;
    let found = sqlx::query_file_scalar!(
        "src/reports/sql/list_reports.sql",
        parties,
        filter.routing_region.map(|region| region.to_string()),
        (!filter.facts.is_empty()).then(|| json!(filter.facts)),
        filter.state.map(|state| state == ReportState::Withdrawn),
        filter.declared_after,
        filter.declared_before,
        after.map(|after| after.declared_at),
        after.map(|after| after.report_id),
        limit,
    );
    let found = found.fetch_all(&mut *conn).await?;
    read(conn, &found).await
}

/// Every report, by id.
pub(crate) async fn reports_after(
    conn: &mut PgConnection,
    after: Option<Uuid>,
    limit: i64,
) -> Result<Vec<Report>> {
    let found = sqlx::query_scalar!(
        "select report_id from report where $1::uuid is null or report_id > $1
         order by report_id limit $2",
        after,
        limit,
    );
    let found = found.fetch_all(&mut *conn).await?;
    read(conn, &found).await
}

/// Keeps the withdrawal of a locked report.
pub(super) async fn withdraw(
    conn: &mut PgConnection,
    report: &Report,
    withdrawal: &Withdrawal,
) -> Result<()> {
    sqlx::query!(
        "update report set withdrawn_at = $2, withdrawal_reason = $3, revision = $4
         where report_id = $1",
        report.id,
        withdrawal.at,
        withdrawal.reason,
        report.revision.cast_signed(),
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Reads these reports, in their order.
async fn read(conn: &mut PgConnection, report_ids: &[Uuid]) -> Result<Vec<Report>> {
    let rows = sqlx::query_file_as!(ReportRow, "src/reports/sql/read_reports.sql", report_ids)
        .fetch_all(conn)
        .await?;
    let reports = rows.into_iter().map(Report::try_from);
    reports
        .collect::<Result<_, ParseError>>()
        .map_err(Error::internal)
}

/// A report at rest, as it stands or as it stood at a revision.
pub(crate) struct ReportRow {
    pub(crate) report_id: Uuid,
    pub(crate) reference: String,
    pub(crate) facts: Json<Facts>,
    pub(crate) sealed_contacts: Option<Vec<u8>>,
    pub(crate) wrapped_key: Option<Vec<u8>>,
    pub(crate) structure_key: String,
    pub(crate) structure_name: String,
    pub(crate) structure_kind: Option<String>,
    pub(crate) department: Option<String>,
    pub(crate) town: Option<String>,
    pub(crate) operator_status: Option<String>,
    pub(crate) link_verified: bool,
    pub(crate) routing_region: String,
    pub(crate) visible_to: Vec<String>,
    pub(crate) channel: String,
    pub(crate) received_at: OffsetDateTime,
    pub(crate) declared_at: OffsetDateTime,
    pub(crate) withdrawn_at: Option<OffsetDateTime>,
    pub(crate) withdrawal_reason: Option<String>,
    pub(crate) revision: i64,
    pub(crate) case_id: Option<Uuid>,
    pub(crate) case_state: Option<String>,
    pub(crate) case_revision: Option<i64>,
    pub(crate) case_resolutions: Option<i32>,
    pub(crate) declared_revision: Option<i64>,
    pub(crate) stage: Option<String>,
    pub(crate) amended_by: Option<String>,
    pub(crate) amended_as: Option<String>,
    pub(crate) amended_at: Option<OffsetDateTime>,
    pub(crate) changed_paths: Option<Vec<String>>,
    pub(crate) cause_report_id: Option<Uuid>,
    pub(crate) author: String,
    pub(crate) medium: Option<String>,
    pub(crate) decided_revision: Option<i64>,
    pub(crate) decision: Option<String>,
    pub(crate) no_longer_visible_to: Option<Vec<String>>,
    pub(crate) sealed_reason: Option<Vec<u8>>,
}

impl ReportRow {
    /// The revision of what was declared; nothing where the report was never amended.
    fn revision(&self) -> Option<Revision> {
        Some(Revision {
            number: self.declared_revision?.cast_unsigned(),
            stage: ReportStage::stored(self.stage.as_deref()?),
            author: self.amended_by.clone()?,
            role: Role::stored(self.amended_as.as_deref()?),
            at: self.amended_at?,
            changed_paths: self.changed_paths.clone()?,
            decision: self
                .decision()
                .filter(|_| self.decided_revision == self.declared_revision),
        })
    }

    /// What was decided last of the structure, up to this revision; nothing for what only a
    /// later release decides.
    fn decision(&self) -> Option<LinkDecision> {
        let removed = self.no_longer_visible_to.iter().flatten();
        Some(LinkDecision {
            kind: LinkDecisionKind::stored(self.decision.as_deref()?)?,
            no_longer_visible_to: removed.map(|it| Party::stored(it)).collect(),
            sealed_reason: self.sealed_reason.clone(),
        })
    }

    /// What is known of the link: what was decided of it, until the report was attached to
    /// another structure.
    fn link(&self) -> DeclarantLink {
        let decision = self.decision();
        let decided = decision.and_then(|decision| decision.kind.link());
        decided.unwrap_or(if self.link_verified {
            DeclarantLink::Verified
        } else {
            DeclarantLink::Unverified
        })
    }
}

impl TryFrom<ReportRow> for Report {
    type Error = ParseError;

    fn try_from(row: ReportRow) -> Result<Self, ParseError> {
        let amendment = row.revision();
        let link = row.link();
        let sealed = row.sealed_contacts.zip(row.wrapped_key);
        let withdrawal = row.withdrawn_at.zip(row.withdrawal_reason);
        let case = row.case_id.zip(row.case_revision);
        let department = row.department.map(|department| department.parse());
        let operator_status = row.operator_status.as_deref();
        let case_state = row.case_state.as_deref();
        Ok(Self {
            id: row.report_id,
            reference: row.reference.parse()?,
            facts: row.facts.0,
            cause: row.cause_report_id,
            contacts: sealed.map(|(sealed, data_key)| Sealed { sealed, data_key }),
            structure: ReportedStructure {
                key: row.structure_key.parse()?,
                name: row.structure_name,
                kind: row.structure_kind.as_deref().map(StructureKind::stored),
                department: department.transpose()?,
                town: row.town,
                operator_status: operator_status.map(OperatorStatus::stored),
                link,
            },
            routing_region: row.routing_region.parse()?,
            visible_to: row.visible_to.iter().map(|it| Party::stored(it)).collect(),
            channel: Channel::stored(&row.channel),
            entered_by: row.medium.as_deref().map(|medium| EnteredBy {
                medium: Medium::stored(medium),
                subject: row.author,
            }),
            received_at: row.received_at,
            declared_at: row.declared_at,
            withdrawal: withdrawal.map(|(at, reason)| Withdrawal { at, reason }),
            case: case.map(|(case_id, revision)| CaseProgress {
                case_id,
                state: case_state.map(CaseState::stored),
                revision: revision.cast_unsigned(),
                resolutions: row.case_resolutions.unwrap_or_default().cast_unsigned(),
            }),
            revision: row.revision.cast_unsigned(),
            amendment,
        })
    }
}

/// The row of a new report, but for what is long.
fn row(new: &NewReport) -> Value {
    let NewReport {
        report,
        request_key,
        author,
        ..
    } = new;
    let structure = &report.structure;
    json!({
        "report_id": report.id,
        "request_key": request_key,
        "reference": report.reference.as_str(),
        "author": author,
        "structure_key": structure.key.to_string(),
        "structure_name": structure.name,
        "structure_kind": structure.kind,
        "department": structure.department,
        "town": structure.town,
        "operator_status": structure.operator_status,
        "link_verified": structure.link.is_verified(),
        "routing_region": report.routing_region,
        "visible_to": report.visible_to,
        "channel": report.channel,
        "received_at": timestamptz(report.received_at),
        "declared_at": timestamptz(report.declared_at),
        "revision": report.revision,
        "cause_report_id": report.cause,
        "medium": report.entered_by.as_ref().map(|it| it.medium),
    })
}

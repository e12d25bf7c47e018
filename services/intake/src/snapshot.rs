//! The full state of intake, told as events.

use async_trait::async_trait;
use eventlog::{Log, NewEvent, Snapshot, SnapshotPage};
use platform::{Error, Result};
use service::revision_base;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::{
    amendments,
    reports::{self, Report},
    resolution, structure_contacts, structures,
};

/// Tells the structures and their contacts, then the reports as they were submitted, with their amendments, their
/// resolutions and their withdrawals, under the ids their events had at first.
#[derive(Clone, Debug)]
pub(crate) struct State {
    /// The log that they were announced in.
    pub(crate) log: Log,
}

/// Cursors name what they follow: a structure or its contacts by its FINESS, or a report by its
/// id.
const STRUCTURE: &str = "structure/";
const CONTACTS: &str = "structure_contacts/";
const REPORT: &str = "report/";
/// How many reports are told at once: each may have a hundred revisions.
const MOST_REPORTS: u16 = 16;

#[async_trait]
impl Snapshot for State {
    async fn page(
        &self,
        conn: &mut PgConnection,
        after: Option<String>,
        limit: u16,
    ) -> Result<SnapshotPage> {
        let after = after.as_deref();
        if let Some(report) = after.and_then(|cursor| cursor.strip_prefix(REPORT)) {
            return self.all_reports(conn, report, limit).await;
        }
        if let Some(finess) = after.and_then(|cursor| cursor.strip_prefix(CONTACTS)) {
            return self.all_contacts(conn, finess, limit).await;
        }
        let after = after.and_then(|cursor| cursor.strip_prefix(STRUCTURE));
        all_structures(conn, after, limit).await
    }
}

async fn all_structures(
    conn: &mut PgConnection,
    after: Option<&str>,
    limit: u16,
) -> Result<SnapshotPage> {
    let found = structures::structures_after(conn, after, i64::from(limit)).await?;
    let next = match found.last() {
        Some(last) if found.len() == usize::from(limit) => {
            format!("{STRUCTURE}{}", last.structure.finess)
        }
        _ => CONTACTS.to_owned(),
    };
    Ok(SnapshotPage {
        events: found.iter().map(structures::recorded).collect(),
        next: Some(next),
    })
}

impl State {
    async fn all_contacts(
        &self,
        conn: &mut PgConnection,
        after: &str,
        limit: u16,
    ) -> Result<SnapshotPage> {
        let after = Some(after).filter(|after| !after.is_empty());
        let found = structure_contacts::contacts_after(conn, after, i64::from(limit)).await?;
        let next = match found.last() {
            Some(last) if found.len() == usize::from(limit) => {
                format!("{CONTACTS}{}", last.finess)
            }
            _ => REPORT.to_owned(),
        };
        let base = revision_base(&self.log, conn).await?;
        let events = found.iter().map(|it| structure_contacts::changed(it, base));
        Ok(SnapshotPage {
            events: events.collect(),
            next: Some(next),
        })
    }

    async fn all_reports(
        &self,
        conn: &mut PgConnection,
        after: &str,
        limit: u16,
    ) -> Result<SnapshotPage> {
        let after = match after {
            "" => None,
            id => Some(Uuid::try_parse(id).map_err(Error::internal)?),
        };
        let limit = limit.min(MOST_REPORTS);
        let found = reports::reports_after(conn, after, i64::from(limit)).await?;
        let next = found
            .last()
            .filter(|_| found.len() == usize::from(limit))
            .map(|report| format!("{REPORT}{}", report.id));
        let report_ids: Vec<Uuid> = found.iter().map(|report| report.id).collect();
        let resolutions = resolution::resolutions_of(conn, &report_ids).await?;
        let base = revision_base(&self.log, conn).await?;
        let mut revisions = amendments::revisions_of(conn, &found).await?;
        let mut events: Vec<NewEvent> = Vec::new();
        for report in &found {
            match revisions.remove(&report.id) {
                None => events.push(reports::submitted(report, base)),
                // What was known at a moment is the same for whoever starts later.
                Some(revisions) => {
                    let history = history(&revisions);
                    let told = revisions.iter().enumerate().map(|(place, revision)| {
                        let base = if place < history { 0 } else { base };
                        amendments::announced(revision, base)
                    });
                    events.extend(told);
                }
            }
            let resolutions = resolutions.get(&report.id).into_iter().flatten();
            events.extend(resolutions.map(|it| resolution::resolved(report, it)));
            let withdrawal = report.withdrawal.as_ref();
            events.extend(withdrawal.map(|it| reports::withdrawn(report, it)));
        }
        Ok(SnapshotPage { events, next })
    }
}

/// How many revisions of a report are history alone. The last outranks whatever a restore lost,
/// and so does each from the first decision on a link: who missed that applies it, as nothing
/// after it tells who lost sight of the report.
fn history(revisions: &[Report]) -> usize {
    let is_decided = |it: &Report| {
        let revision = it.amendment.as_ref();
        revision.is_some_and(|revision| revision.decision.is_some())
    };
    let last = revisions.len().saturating_sub(1);
    revisions.iter().position(is_decided).unwrap_or(last)
}

#[cfg(test)]
mod tests {
    use time::OffsetDateTime;
    use vocabulary::{ReportStage, Role};

    use super::*;
    use crate::{
        amendments::Revision,
        links::{LinkDecision, LinkDecisionKind},
        reports::samples::report,
    };

    fn revision(number: u64, kind: Option<LinkDecisionKind>) -> Report {
        let decision = kind.map(|kind| LinkDecision {
            kind,
            no_longer_visible_to: [].into(),
            sealed_reason: None,
        });
        let revision = Revision {
            number,
            stage: ReportStage::Complement,
            author: "alice".to_owned(),
            role: Role::Analyst,
            at: OffsetDateTime::UNIX_EPOCH,
            changed_paths: Vec::new(),
            decision,
        };
        Report {
            amendment: Some(revision),
            ..report()
        }
    }

    #[test]
    fn the_last_revision_and_each_from_the_first_decision_on_outrank_what_was_lost() {
        let attached = Some(LinkDecisionKind::Attached);
        let amended = [report(), revision(2, None), revision(3, None)];
        assert_eq!(history(&amended), 2);
        let decided = [report(), revision(2, attached), revision(3, None)];
        assert_eq!(history(&decided), 1);
    }
}

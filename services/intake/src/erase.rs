//! The contacts that nobody needs any more are erased: the report's own key is destroyed.

use eventlog::{Log, erase_data_keys, in_transaction};
use futures::FutureExt as _;
use platform::{AuditEntry, Caller, Error, Outcome, Result, audit_many, now};
use serde_json::json;
use sqlx::{PgConnection, PgPool};
use time::OffsetDateTime;
use uuid::Uuid;
use vocabulary::Role;

use crate::{
    convert,
    domain::{Refusal, Report},
    store,
};

/// How many reports one transaction takes.
const PAGE: u16 = 200;

/// What erases, and where.
struct Eraser<'a> {
    log: &'a Log,
    who: Caller,
}

/// Erases the contacts of all reports whose treatment ended before a moment; gives back of
/// how many.
pub async fn erase_contacts_ended_before(
    pool: &PgPool,
    log: &Log,
    before: OffsetDateTime,
) -> Result<usize> {
    let eraser = Eraser::new(log);
    let (mut count, mut after) = (0, None);
    loop {
        // No treatment ends before its report was declared.
        let mut conn = pool.acquire().await?;
        let page = store::with_contacts(&mut conn, before, after, i64::from(PAGE)).await?;
        drop(conn);
        let ids: Vec<Uuid> = page.iter().map(|place| place.report_id()).collect();
        let with = (&eraser, ids, before);
        count += in_transaction(pool, &with, |conn, (eraser, ids, before)| {
            async move {
                let mut reports = store::lock_with_contacts(conn, ids).await?;
                reports.retain(|report| report.ended_at().is_some_and(|ended| ended < *before));
                eraser.erase(conn, &reports).await?;
                Ok(reports.len())
            }
            .boxed()
        })
        .await?;
        if page.len() < usize::from(PAGE) {
            return Ok(count);
        }
        after = page.last().copied();
    }
}

/// Erases the contacts of one report, by its id or reference, as a person may ask (RGPD,
/// article 17); gives back whether there were any. While its treatment goes on they are
/// needed, and it is refused.
pub async fn erase_contacts_of(pool: &PgPool, log: &Log, report: &str) -> Result<bool> {
    let wanted = convert::wanted_report(report)?;
    let with = (Eraser::new(log), wanted);
    in_transaction(pool, &with, |conn, (eraser, wanted)| {
        async move {
            let id = store::id_of(conn, wanted).await?;
            let id = id.ok_or(Error::NotFound("report"))?;
            let reports = store::lock_with_contacts(conn, &[id]).await?;
            if reports.iter().any(|report| report.ended_at().is_none()) {
                return Err(Refusal::TreatmentGoesOn.into());
            }
            eraser.erase(conn, &reports).await?;
            Ok(!reports.is_empty())
        }
        .boxed()
    })
    .await
}

impl<'a> Eraser<'a> {
    /// Who has the password of the database is an operator; the audit says by which way.
    fn new(log: &'a Log) -> Self {
        let who = Caller {
            subject: "vigie-intake erase-contacts".to_owned(),
            roles: [Role::Operator].into(),
            region: None,
            structures: [].into(),
            expires_at: None,
        };
        Self { log, who }
    }

    /// Destroys the keys of locked reports, also in the log, and has those who keep copies
    /// do the same.
    async fn erase(&self, conn: &mut PgConnection, reports: &[Report]) -> Result<()> {
        if reports.is_empty() {
            return Ok(());
        }
        let now = now();
        let ids: Vec<Uuid> = reports.iter().map(|report| report.id).collect();
        let subjects: Vec<String> = reports.iter().map(Report::subject).collect();
        store::erase_contacts(conn, &ids).await?;
        erase_data_keys(conn, &subjects).await?;
        let entries: Vec<AuditEntry<'_>> = subjects
            .iter()
            .map(|object| AuditEntry {
                caller: &self.who,
                action: "report.erase_contacts",
                object,
                outcome: Outcome::Done,
                detail: json!({}),
                at: now,
            })
            .collect();
        audit_many(conn, &entries).await?;
        let told = reports.iter();
        let told: Vec<_> = told.map(|it| convert::contacts_erased(it, now)).collect();
        self.log.append(conn, &told).await?;
        Ok(())
    }
}

//! The contacts that nobody needs any more are erased: the report's own key is destroyed.

use eventlog::{Log, erase_data_keys, in_transaction};
use futures::FutureExt as _;
use platform::{AuditEntry, Caller, Error, Outcome, Result, audit_many, now};
use serde_json::{Value, json};
use sqlx::{PgConnection, PgPool};
use time::OffsetDateTime;
use uuid::Uuid;
use vocabulary::Role;

use super::{End, Treatment, events, store};
use crate::reports::report_name;

/// How many reports are looked at together, and at most erased in one transaction.
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
        let mut conn = pool.acquire().await?;
        let page = store::with_contacts(&mut conn, after, i64::from(PAGE)).await?;
        // An earlier release recorded the end of these and not its moment.
        let unrecorded: Vec<Uuid> = page
            .iter()
            .filter(|it| it.end() == End::Unrecorded)
            .map(|it| it.report_id)
            .collect();
        if !unrecorded.is_empty() {
            store::record_ends(&mut conn, &unrecorded, now()).await?;
        }
        drop(conn);

        let due: Vec<Uuid> = page
            .iter()
            .filter(|it| it.ended_before(before))
            .map(|it| it.report_id)
            .collect();
        if !due.is_empty() {
            let with = (&eraser, due, before);
            count += in_transaction(pool, &with, |conn, (eraser, due, before)| {
                async move {
                    // A case may have been opened again since the page was read.
                    let mut due = store::lock_with_contacts(conn, due).await?;
                    due.retain(|it| it.ended_before(*before));
                    eraser.erase(conn, &due, json!({})).await?;
                    Ok(due.len())
                }
                .boxed()
            })
            .await?;
        }
        match page.last() {
            Some(last) if page.len() == usize::from(PAGE) => after = Some(last.report_id),
            _ => return Ok(count),
        }
    }
}

/// Erases the contacts of one report, by its id or reference, as a person may ask (RGPD,
/// article 17); gives back whether there were any. While it is treated they are needed: it
/// is refused, unless somebody decides otherwise.
pub async fn erase_contacts_of(
    pool: &PgPool,
    log: &Log,
    report: &str,
    although_treated: bool,
) -> Result<bool> {
    let name = report_name(report)?;
    let with = (Eraser::new(log), name);
    in_transaction(pool, &with, |conn, (eraser, name)| {
        async move {
            let Some(id) = store::id_of(conn, name).await? else {
                eraser
                    .audit(conn, &[name.subject()], Outcome::NotVisible, json!({}))
                    .await?;
                return Ok(Err(Error::NotFound("report")));
            };
            let found = store::lock_with_contacts(conn, &[id]).await?;
            let is_treated = found.iter().any(|it| it.end() == End::NotYet);
            if is_treated && !although_treated {
                eraser
                    .audit(conn, &[name.subject()], Outcome::Refused, json!({}))
                    .await?;
                let why = "ce signalement est encore en traitement";
                let refused = Error::failed_precondition("TREATMENT_GOES_ON", why);
                return Ok(Err(refused));
            }
            let detail = json!({ "although_treated": is_treated });
            eraser.erase(conn, &found, detail).await?;
            Ok(Ok(!found.is_empty()))
        }
        .boxed()
    })
    .await?
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
    async fn erase(&self, conn: &mut PgConnection, of: &[Treatment], detail: Value) -> Result<()> {
        if of.is_empty() {
            return Ok(());
        }
        let now = now();
        let ids: Vec<Uuid> = of.iter().map(|it| it.report_id).collect();
        let subjects: Vec<String> = of.iter().map(Treatment::subject).collect();
        store::erase_contacts(conn, &ids).await?;
        erase_data_keys(conn, &subjects).await?;
        self.audit(conn, &subjects, Outcome::Done, detail).await?;
        let told: Vec<_> = of
            .iter()
            .map(|it| events::contacts_erased(it, now))
            .collect();
        self.log.append(conn, &told).await?;
        Ok(())
    }

    async fn audit(
        &self,
        conn: &mut PgConnection,
        objects: &[String],
        outcome: Outcome,
        detail: Value,
    ) -> Result<()> {
        let at = now();
        let entries = objects.iter().map(|object| AuditEntry {
            caller: &self.who,
            action: "report.erase_contacts",
            object,
            outcome,
            detail: detail.clone(),
            at,
        });
        audit_many(conn, &entries.collect::<Vec<_>>()).await
    }
}

//! Deliveries as work that is due: claimed, done outside any transaction, and
//! recorded.

use sqlx::{PgConnection, PgPool, types::Json};
use time::OffsetDateTime;
use uuid::Uuid;
use vocabulary::EmailAddress;

use crate::{
    deliveries::Next,
    domain::{
        mail_draft::{Content, Template},
        rule::Rule,
        summary::ReportSummary,
    },
};

/// A delivery about to be due.
#[derive(Clone, Debug)]
pub(crate) struct NewDelivery {
    /// Derived from the event, the rule and the recipient.
    pub(crate) delivery_id: Uuid,
    /// The report it is about.
    pub(crate) report_id: Uuid,
    /// The rule that asks for it.
    pub(crate) rule: Rule,
    /// Who it goes to.
    pub(crate) recipient: String,
    /// Where it goes.
    pub(crate) address: DeliveryAddress,
    /// What it says.
    pub(crate) content: Content,
    /// The trace of the request that led to it.
    pub(crate) traceparent: Option<String>,
}

/// Where a delivery goes.
#[derive(Clone, Debug)]
pub(crate) enum DeliveryAddress {
    /// The mailbox of an institution.
    Mailbox(EmailAddress),
    /// A person's address, sealed under the key of the report.
    Sealed(Vec<u8>),
}

/// A delivery that this process has claimed.
#[derive(Clone, Debug)]
pub(crate) struct Claimed {
    /// Which one; the same at every attempt.
    pub(crate) delivery_id: Uuid,
    /// The rule that asks for it.
    pub(crate) rule: String,
    /// Where it goes, where it is an institution's mailbox.
    pub(crate) mailbox: Option<String>,
    /// Where it goes, where it is a person's address.
    pub(crate) sealed_address: Option<Vec<u8>>,
    /// The report's key, wrapped; absent once erased.
    pub(crate) data_key: Option<Vec<u8>>,
    /// What it says.
    pub(crate) content: Content,
    /// The trace of the request that led to it.
    pub(crate) traceparent: Option<String>,
    /// The date of its mail: when it was created, of a digest when it was first due.
    pub(crate) dated_at: OffsetDateTime,
    /// Attempts, with this one.
    pub(crate) attempts: u32,
    /// Attempts that the receiver's server refused, or left without an answer.
    pub(crate) refusals: u32,
    /// An earlier claim ended without a record: the message may have been sent.
    pub(crate) earlier_claim_expired: bool,
}

/// What came of an attempt, to be recorded.
#[derive(Clone, Debug)]
pub(crate) struct Attempt {
    /// The delivery that was tried.
    pub(crate) delivery_id: Uuid,
    /// Which attempt it was, from one.
    pub(crate) number: u32,
    /// When it began.
    pub(crate) started_at: OffsetDateTime,
    /// When it ended.
    pub(crate) ended_at: OffsetDateTime,
    /// Refusals so far, with this attempt.
    pub(crate) refusals: u32,
    /// What becomes of the delivery.
    pub(crate) next: Next,
    /// The class of the error, where there is one.
    pub(crate) error_class: Option<String>,
}

/// How many deliveries of a state are counted: more are told as so many.
const COUNTED: i64 = 10_000;

/// How the queue stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct QueueStats {
    /// Deliveries that are pending.
    pub(crate) pending: i64,
    /// Deliveries that were given up.
    pub(crate) dead: i64,
    /// Since when the oldest pending one waits, of those that are counted.
    pub(crate) oldest: Option<OffsetDateTime>,
}

/// Adds deliveries that are due at once; one that exists is left as it is.
pub(crate) async fn add(
    conn: &mut PgConnection,
    deliveries: &[NewDelivery],
    now: OffsetDateTime,
) -> sqlx::Result<()> {
    let mut mailboxes: Vec<Option<&str>> = Vec::with_capacity(deliveries.len());
    let mut sealed: Vec<Option<&[u8]>> = Vec::with_capacity(deliveries.len());
    for delivery in deliveries {
        match &delivery.address {
            DeliveryAddress::Mailbox(address) => {
                mailboxes.push(Some(address.expose()));
                sealed.push(None);
            }
            DeliveryAddress::Sealed(address) => {
                mailboxes.push(None);
                sealed.push(Some(address));
            }
        }
    }
    let ids: Vec<Uuid> = deliveries.iter().map(|new| new.delivery_id).collect();
    let reports: Vec<Uuid> = deliveries.iter().map(|new| new.report_id).collect();
    let rules: Vec<&str> = deliveries.iter().map(|new| new.rule.name()).collect();
    let urgent: Vec<bool> = deliveries.iter().map(|new| new.rule.is_urgent()).collect();
    let recipients: Vec<&str> = deliveries
        .iter()
        .map(|new| new.recipient.as_str())
        .collect();
    let templates: Vec<Json<Template>> = deliveries
        .iter()
        .map(|new| Json(new.content.template))
        .collect();
    // What goes out together tells the same: the first of them names it.
    let alike = deliveries.chunk_by(|one, next| {
        one.report_id == next.report_id && one.content.summary == next.content.summary
    });
    let mut summary_of: Vec<Uuid> = Vec::with_capacity(deliveries.len());
    let mut summary_ids: Vec<Uuid> = Vec::new();
    let mut summaries: Vec<Json<&ReportSummary>> = Vec::new();
    for alike in alike {
        let [first, ..] = alike else { continue };
        summary_of.extend(alike.iter().map(|_| first.delivery_id));
        summary_ids.push(first.delivery_id);
        summaries.push(Json(&first.content.summary));
    }
    let traces: Vec<Option<&str>> = deliveries
        .iter()
        .map(|new| new.traceparent.as_deref())
        .collect();
    sqlx::query_file!(
        "src/store/sql/add_deliveries.sql",
        &ids,
        &reports,
        &rules as &[&str],
        &recipients as &[&str],
        &mailboxes as &[Option<&str>],
        &sealed as &[Option<&[u8]>],
        &templates as &[Json<Template>],
        &summary_of,
        &traces as &[Option<&str>],
        &summary_ids,
        &summaries as &[Json<&ReportSummary>],
        now,
        &urgent,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Claims at most `limit` of the deliveries that have been due longest, urgent
/// ones first; nobody else has them until `until`.
pub(crate) async fn claim(
    pool: &PgPool,
    now: OffsetDateTime,
    until: OffsetDateTime,
    limit: usize,
) -> sqlx::Result<Vec<Claimed>> {
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let rows = sqlx::query_file!(
        "src/store/sql/claim_deliveries.sql",
        now,
        until,
        limit,
        &Template::ALL.map(Json) as &[Json<Template>],
    )
    .fetch_all(pool)
    .await?;
    let claimed = rows.into_iter().map(|row| Claimed {
        delivery_id: row.delivery_id,
        rule: row.rule,
        mailbox: row.mailbox,
        sealed_address: row.sealed_address,
        data_key: row.data_key,
        content: row.content.0,
        traceparent: row.traceparent,
        dated_at: row.dated_at,
        attempts: row.attempts.cast_unsigned(),
        refusals: row.refusals.cast_unsigned(),
        earlier_claim_expired: row.earlier_claim_expired,
    });
    Ok(claimed.collect())
}

/// Records attempts of a claim until `until`, and what becomes of the deliveries.
///
/// A message that was taken is recorded whoever holds the claim now; anything
/// else only while the claim is still ours. Recording again changes nothing.
pub(crate) async fn record(
    pool: &PgPool,
    until: OffsetDateTime,
    attempts: &[Attempt],
) -> sqlx::Result<()> {
    let mut ids = Vec::with_capacity(attempts.len());
    let mut numbers = Vec::with_capacity(attempts.len());
    let mut starts = Vec::with_capacity(attempts.len());
    let mut ends = Vec::with_capacity(attempts.len());
    let mut states = Vec::with_capacity(attempts.len());
    let mut due = Vec::with_capacity(attempts.len());
    let mut refusals = Vec::with_capacity(attempts.len());
    let mut errors = Vec::with_capacity(attempts.len());
    for attempt in attempts {
        let (state, due_at) = match attempt.next {
            Next::Sent => ("sent", None),
            Next::Again(due_at) => ("pending", Some(due_at)),
            Next::Dead => ("dead", None),
        };
        ids.push(attempt.delivery_id);
        numbers.push(attempt.number.cast_signed());
        starts.push(attempt.started_at);
        ends.push(attempt.ended_at);
        states.push(state);
        due.push(due_at);
        refusals.push(attempt.refusals.cast_signed());
        errors.push(attempt.error_class.as_deref());
    }
    sqlx::query_file!(
        "src/store/sql/record_attempts.sql",
        until,
        &ids,
        &numbers,
        &starts,
        &ends,
        &states as &[&str],
        &due as &[Option<OffsetDateTime>],
        &refusals,
        &errors as &[Option<&str>],
    )
    .execute(pool)
    .await?;
    Ok(())
}

/// Gives back what was claimed until `until` and not tried.
pub(crate) async fn give_back(
    pool: &PgPool,
    until: OffsetDateTime,
    untried: &[Uuid],
) -> sqlx::Result<()> {
    sqlx::query!(
        "update delivery set claimed_until = null, attempts = attempts - 1
         where delivery_id = any($1) and state = 'pending' and claimed_until = $2",
        untried,
        until,
    )
    .execute(pool)
    .await?;
    Ok(())
}

/// How the queue stands of what this release can write, counted up to [`COUNTED`]: it is
/// asked again and again, most of all while there is much to count.
pub(crate) async fn queue_stats(pool: &PgPool) -> sqlx::Result<QueueStats> {
    let row = sqlx::query!(
        r#"select count(*) as "pending!",
                  min(waits_since) as oldest,
                  (select count(*)
                   from (select from delivery where state = 'dead' limit $1) d) as "dead!"
           from (select coalesce(first_due_at, created_at) as waits_since from delivery
                 where state = 'pending' and to_jsonb(occasion) = any($2)
                 order by urgent desc, due_at limit $1) p"#,
        COUNTED,
        &Template::ALL.map(Json) as &[Json<Template>],
    )
    .fetch_one(pool)
    .await?;
    Ok(QueueStats {
        pending: row.pending,
        dead: row.dead,
        oldest: row.oldest,
    })
}

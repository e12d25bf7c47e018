//! What was raised, so that nothing is announced twice.

use std::collections::BTreeSet;

use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

/// A notification about to be raised.
#[derive(Clone, Copy, Debug)]
pub(crate) struct NewNotification {
    /// Derived from the event and the rule.
    pub(crate) notification_id: Uuid,
    /// The event that caused it.
    pub(crate) event_id: Uuid,
    /// The rule that raises it.
    pub(crate) rule: &'static str,
    /// The report it is about.
    pub(crate) report_id: Uuid,
}

/// Records notifications and gives back the ids of those that are new.
pub(crate) async fn record(
    conn: &mut PgConnection,
    notifications: &[NewNotification],
    raised_at: OffsetDateTime,
) -> sqlx::Result<BTreeSet<Uuid>> {
    let ids: Vec<Uuid> = notifications
        .iter()
        .map(|new| new.notification_id)
        .collect();
    let events: Vec<Uuid> = notifications.iter().map(|new| new.event_id).collect();
    let rules: Vec<&str> = notifications.iter().map(|new| new.rule).collect();
    let reports: Vec<Uuid> = notifications.iter().map(|new| new.report_id).collect();
    let recorded = sqlx::query_scalar!(
        "insert into notification (notification_id, event_id, rule, report_id, raised_at)
         select notification_id, event_id, rule, report_id, $5
         from unnest($1::uuid[], $2::uuid[], $3::text[], $4::uuid[])
              as new (notification_id, event_id, rule, report_id)
         on conflict do nothing
         returning notification_id",
        &ids,
        &events,
        &rules as &[&str],
        &reports,
        raised_at,
    )
    .fetch_all(conn)
    .await?;
    Ok(recorded.into_iter().collect())
}

//! Deliveries as they rest: jobs that are due, given up or done.

use serde::{Deserialize, Serialize};
use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use super::{Delivery, DeliveryFilter, DeliveryState};

/// Where a page ends: the next one begins behind it.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(super) struct ListPosition {
    /// When the last delivery of the page was created.
    #[serde(with = "time::serde::timestamp::microseconds")]
    pub(super) created_at: OffsetDateTime,
    /// Which one it is.
    pub(super) delivery_id: Uuid,
}

/// The report that jobs of this subject are about.
pub(super) fn report_of(subject: &str) -> Option<Uuid> {
    subject.strip_prefix("report/")?.parse().ok()
}

/// Lists deliveries, latest first.
pub(super) async fn list(
    conn: &mut PgConnection,
    filter: &DeliveryFilter,
    after: Option<ListPosition>,
    limit: i64,
) -> sqlx::Result<Vec<Delivery>> {
    let (after_at, after_id) = after.map(|at| (at.created_at, at.delivery_id)).unzip();
    let rows = sqlx::query_file_as!(
        Row,
        "src/deliveries/sql/list_deliveries.sql",
        filter.state.map(DeliveryState::as_str),
        filter.report_id,
        after_at,
        after_id,
        limit,
        None::<Uuid>,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(Delivery::from).collect())
}

/// Finds a delivery.
pub(super) async fn find(
    conn: &mut PgConnection,
    delivery_id: Uuid,
) -> sqlx::Result<Option<Delivery>> {
    let row = sqlx::query_file_as!(
        Row,
        "src/deliveries/sql/list_deliveries.sql",
        None::<&str>,
        None::<Uuid>,
        None::<OffsetDateTime>,
        None::<Uuid>,
        1,
        delivery_id,
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(Delivery::from))
}

struct Row {
    delivery_id: Uuid,
    subject: String,
    rule: String,
    recipient: String,
    attempts: i32,
    created_at: OffsetDateTime,
    due_at: Option<OffsetDateTime>,
    sent_at: Option<OffsetDateTime>,
    last_error: Option<String>,
}

impl From<Row> for Delivery {
    fn from(row: Row) -> Self {
        let state = match (row.due_at, row.sent_at) {
            (_, Some(_)) => DeliveryState::Sent,
            (Some(_), None) => DeliveryState::Pending,
            (None, None) => DeliveryState::Dead,
        };
        Self {
            id: row.delivery_id,
            report_id: report_of(&row.subject).filter(|id| !id.is_nil()),
            rule: row.rule,
            recipient: row.recipient,
            state,
            attempts: row.attempts.cast_unsigned(),
            created_at: row.created_at,
            due_at: row.due_at,
            sent_at: row.sent_at,
            last_error: row.last_error,
        }
    }
}

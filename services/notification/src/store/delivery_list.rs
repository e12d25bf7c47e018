//! Deliveries as an operator sees them.

use serde::{Deserialize, Serialize};
use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::domain::delivery::{Delivery, DeliveryFilter, DeliveryState};

/// Where a page ends: the next one begins behind it.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct ListPosition {
    /// When the last delivery of the page was created.
    #[serde(with = "time::serde::timestamp::microseconds")]
    pub(crate) created_at: OffsetDateTime,
    /// Which one it is.
    pub(crate) delivery_id: Uuid,
}

/// Lists deliveries, latest first.
pub(crate) async fn list(
    conn: &mut PgConnection,
    filter: &DeliveryFilter,
    after: Option<ListPosition>,
    limit: u16,
) -> sqlx::Result<Vec<Delivery>> {
    let (after_at, after_id) = after.map(|at| (at.created_at, at.delivery_id)).unzip();
    let rows = sqlx::query_file_as!(
        Row,
        "src/store/sql/list_deliveries.sql",
        filter.state.map(DeliveryState::as_str),
        filter.report_id,
        after_at,
        after_id,
        i64::from(limit),
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(Delivery::from).collect())
}

/// Takes a delivery for this transaction.
pub(crate) async fn take(
    conn: &mut PgConnection,
    delivery_id: Uuid,
) -> sqlx::Result<Option<Delivery>> {
    let row = sqlx::query_as!(
        Row,
        "select delivery_id, report_id, rule, recipient, state, attempts, created_at, due_at,
                sent_at, last_error
         from delivery where delivery_id = $1 for update",
        delivery_id,
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(Delivery::from))
}

/// Makes a taken delivery due again, with all its refusals forgotten.
pub(crate) async fn make_due(
    conn: &mut PgConnection,
    delivery_id: Uuid,
    now: OffsetDateTime,
) -> sqlx::Result<()> {
    sqlx::query!(
        "update delivery
         set state = 'pending', due_at = $2, refusals = 0, claimed_until = null
         where delivery_id = $1",
        delivery_id,
        now,
    )
    .execute(conn)
    .await?;
    Ok(())
}

struct Row {
    delivery_id: Uuid,
    report_id: Uuid,
    rule: String,
    recipient: String,
    state: String,
    attempts: i32,
    created_at: OffsetDateTime,
    due_at: Option<OffsetDateTime>,
    sent_at: Option<OffsetDateTime>,
    last_error: Option<String>,
}

impl From<Row> for Delivery {
    fn from(row: Row) -> Self {
        Self {
            id: row.delivery_id,
            report_id: row.report_id,
            rule: row.rule,
            recipient: row.recipient,
            state: DeliveryState::from_slug(&row.state)
                .expect("a constraint of the table knows the same states"),
            attempts: row.attempts.cast_unsigned(),
            created_at: row.created_at,
            due_at: row.due_at,
            sent_at: row.sent_at,
            last_error: row.last_error,
        }
    }
}

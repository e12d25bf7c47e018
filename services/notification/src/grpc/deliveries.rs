//! The health of deliveries, for operators.

use std::sync::Arc;

use futures::FutureExt as _;
use platform::{
    AuditEntry, Caller, Claim, Error, Outcome, PageToken, RequestKey, Result, Tasks, audit,
    claim_request, complete_request,
};
use prost::Message as _;
use proto::notification::v1::{
    ListDeliveriesRequest, ListDeliveriesResponse, RetryDeliveryRequest, RetryDeliveryResponse,
    delivery_service_server::DeliveryService,
};
use serde_json::{Value, json};
use sqlx::{PgConnection, PgPool};
use time::OffsetDateTime;
use tokio::sync::Notify;
use tonic::{Request, Response, Status};
use uuid::Uuid;

use crate::{
    convert::delivery,
    domain::delivery::{Delivery, DeliveryFilter, DeliveryState},
    store::delivery_list::{self, ListPosition},
};

/// Answers `DeliveryService`.
#[derive(Clone)]
pub(crate) struct Operators {
    /// Where deliveries rest.
    pub(crate) pool: PgPool,
    /// Woken when there is something to deliver.
    pub(crate) due: Arc<Notify>,
    /// Finishes what a client does not wait for.
    pub(crate) tasks: Tasks,
}

#[tonic::async_trait]
impl DeliveryService for Operators {
    async fn list_deliveries(
        &self,
        request: Request<ListDeliveriesRequest>,
    ) -> Result<Response<ListDeliveriesResponse>, Status> {
        let caller = Caller::of(&request)?.clone();
        Ok(Response::new(self.list(&caller, request.get_ref()).await?))
    }

    async fn retry_delivery(
        &self,
        request: Request<RetryDeliveryRequest>,
    ) -> Result<Response<RetryDeliveryResponse>, Status> {
        let caller = Caller::of(&request)?.clone();
        let (request_id, delivery_id) = delivery::retry(request.get_ref())?;
        let this = self.clone();
        let work = async move { this.retry(&caller, request_id, delivery_id).await };
        Ok(Response::new(self.tasks.finish(work).await?))
    }
}

impl Operators {
    async fn list(
        &self,
        caller: &Caller,
        request: &ListDeliveriesRequest,
    ) -> Result<ListDeliveriesResponse> {
        let filter = delivery::filter(request)?;
        let bound_to = format!("deliveries {filter:?}");
        let after: Option<ListPosition> =
            PageToken::decode(&request.page_token, bound_to.as_bytes())?;
        let size = delivery::page_size(request.page_size);

        let mut transaction = self.pool.begin().await?;
        // One more than asked tells whether there is another page.
        let mut deliveries =
            delivery_list::list(&mut transaction, &filter, after, size + 1).await?;
        audit(
            &mut transaction,
            list_entry(caller, &filter, platform::now()),
        )
        .await?;
        transaction.commit().await?;

        let more = deliveries.len() > usize::from(size);
        deliveries.truncate(usize::from(size));
        let last = deliveries.last().filter(|_| more);
        let next_page_token = last.map(|last| {
            let position = ListPosition {
                created_at: last.created_at,
                delivery_id: last.id,
            };
            PageToken::encode(&position, bound_to.as_bytes())
        });
        Ok(ListDeliveriesResponse {
            deliveries: deliveries.into_iter().map(Into::into).collect(),
            next_page_token: next_page_token.unwrap_or_default(),
        })
    }

    async fn retry(
        &self,
        caller: &Caller,
        request_id: Uuid,
        delivery_id: Uuid,
    ) -> Result<RetryDeliveryResponse> {
        let attempt = Attempt {
            caller,
            request_id,
            delivery_id,
            now: platform::now(),
        };
        // A lost connection runs it again: what was committed is answered as a retry.
        let answered = eventlog::in_transaction(&self.pool, &attempt, |conn, attempt| {
            attempt.answer(conn).boxed()
        })
        .await;
        match &answered {
            Ok(_) => self.due.notify_waiters(),
            Err(error) => attempt.record_refusal(&self.pool, error).await?,
        }
        answered
    }
}

/// A call of `RetryDelivery`.
struct Attempt<'a> {
    caller: &'a Caller,
    request_id: Uuid,
    delivery_id: Uuid,
    now: OffsetDateTime,
}

impl Attempt<'_> {
    /// Makes the delivery due, or finds what was answered before.
    async fn answer(&self, conn: &mut PgConnection) -> Result<RetryDeliveryResponse> {
        let key = RequestKey {
            caller: self.caller,
            method: "RetryDelivery",
            request_id: self.request_id,
        };
        let object = self.delivery_id.to_string();
        let hash = self.delivery_id.as_bytes();
        if let Claim::Replay(earlier) = claim_request(conn, &key, hash, self.now).await? {
            let entry = self.entry(&object, Outcome::Done, json!({ "retry": true }));
            audit(conn, entry).await?;
            return RetryDeliveryResponse::decode(earlier.as_slice()).map_err(Error::internal);
        }
        let delivery = delivery_list::take(conn, self.delivery_id).await?;
        let delivery = delivery.ok_or(Error::NotFound("delivery"))?;
        if delivery.state != DeliveryState::Dead {
            let why = "seule une remise abandonnée peut être reprise";
            return Err(Error::failed_precondition("WRONG_STATE", why));
        }
        delivery_list::make_due(conn, self.delivery_id, self.now).await?;
        let due = Delivery {
            state: DeliveryState::Pending,
            due_at: Some(self.now),
            ..delivery
        };
        let response = RetryDeliveryResponse {
            delivery: Some(due.into()),
        };
        audit(conn, self.entry(&object, Outcome::Done, json!({}))).await?;
        complete_request(conn, &key, &response.encode_to_vec()).await?;
        Ok(response)
    }

    /// Audits a refusal in a transaction of its own: that of the call is gone, and its
    /// request may be sent again.
    async fn record_refusal(&self, pool: &PgPool, error: &Error) -> Result<()> {
        let outcome = match error {
            Error::NotFound(_) => Outcome::NotVisible,
            Error::Unavailable { .. } | Error::Exhausted { .. } | Error::Internal(_) => {
                return Ok(());
            }
            _ => Outcome::Refused,
        };
        let object = self.delivery_id.to_string();
        let entry = self.entry(&object, outcome, json!({ "reason": error.code() }));
        let mut conn = pool.acquire().await?;
        audit(&mut conn, entry).await
    }

    fn entry<'a>(&'a self, object: &'a str, outcome: Outcome, detail: Value) -> AuditEntry<'a> {
        AuditEntry {
            caller: self.caller,
            action: "delivery.retry",
            object,
            outcome,
            detail,
            at: self.now,
        }
    }
}

fn list_entry<'a>(
    caller: &'a Caller,
    filter: &DeliveryFilter,
    at: OffsetDateTime,
) -> AuditEntry<'a> {
    AuditEntry {
        caller,
        action: "delivery.list",
        object: "deliveries",
        outcome: Outcome::Done,
        detail: json!({
            "state": filter.state.map(DeliveryState::as_str),
            "report_id": filter.report_id,
        }),
        at,
    }
}

//! The health of deliveries, for operators.

use std::sync::Arc;

use platform::{
    AuditEntry, Caller, Claim, Error, Outcome, PageToken, RequestKey, Result, Tasks, audit,
    claim_request, complete_request,
};
use prost::Message as _;
use proto::notification::v1::{
    ListDeliveriesRequest, ListDeliveriesResponse, RetryDeliveryRequest, RetryDeliveryResponse,
    delivery_service_server::DeliveryService,
};
use serde_json::json;
use sqlx::PgPool;
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
        let now = platform::now();
        let mut transaction = self.pool.begin().await?;
        let key = RequestKey {
            caller,
            method: "RetryDelivery",
            request_id,
        };
        let claim = claim_request(&mut transaction, &key, delivery_id.as_bytes(), now).await?;
        if let Claim::Replay(earlier) = claim {
            return RetryDeliveryResponse::decode(earlier.as_slice()).map_err(Error::internal);
        }
        let found = delivery_list::take(&mut transaction, delivery_id).await?;
        let outcome = match &found {
            None => Outcome::NotVisible,
            Some(delivery) if delivery.state == DeliveryState::Dead => Outcome::Done,
            Some(_) => Outcome::Refused,
        };
        let object = delivery_id.to_string();
        let entry = AuditEntry {
            caller,
            action: "delivery.retry",
            object: &object,
            outcome,
            detail: json!({}),
            at: now,
        };
        let delivery = match (found, outcome) {
            (Some(delivery), Outcome::Done) => {
                audit(&mut transaction, entry).await?;
                delivery
            }
            (found, _) => {
                // The refusal is audited without its request: it may be asked again.
                transaction.rollback().await?;
                let mut transaction = self.pool.begin().await?;
                audit(&mut transaction, entry).await?;
                transaction.commit().await?;
                return Err(found.map_or(Error::NotFound("delivery"), |_| wrong_state()));
            }
        };
        delivery_list::make_due(&mut transaction, delivery_id, now).await?;
        let due = Delivery {
            state: DeliveryState::Pending,
            due_at: Some(now),
            ..delivery
        };
        let response = RetryDeliveryResponse {
            delivery: Some(due.into()),
        };
        complete_request(&mut transaction, &key, &response.encode_to_vec()).await?;
        transaction.commit().await?;
        self.due.notify_waiters();
        Ok(response)
    }
}

fn wrong_state() -> Error {
    Error::failed_precondition("WRONG_STATE", "only a dead delivery can be tried again")
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

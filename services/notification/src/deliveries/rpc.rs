//! The health of deliveries, for operators: never an address nor contents.

use std::sync::Arc;

use futures::FutureExt as _;
use platform::{Caller, Error, Result, Violations, now};
use proto::notification::v1::{
    self as pb, ListDeliveriesRequest, ListDeliveriesResponse, RetryDeliveryRequest,
    RetryDeliveryResponse, delivery_service_server::DeliveryService,
};
use serde_json::json;
use service::{
    Call, Commands, Done, Fields, Page, audit_list, jobs::make_job_due, wire::timestamp,
};
use sqlx::PgConnection;
use tokio::sync::Notify;
use tonic::{Request, Response, Status};
use uuid::Uuid;

use super::{
    Delivery, DeliveryFilter, DeliveryState,
    store::{self, ListPosition},
};

/// How many deliveries a page holds when the request does not say.
const DEFAULT_PAGE: u32 = 50;

/// Answers `DeliveryService`.
#[derive(Clone)]
pub(crate) struct DeliveryRpc {
    /// Runs the commands.
    pub(crate) commands: Commands,
    /// Woken when there is something to deliver.
    pub(crate) due: Arc<Notify>,
}

#[tonic::async_trait]
impl DeliveryService for DeliveryRpc {
    async fn list_deliveries(
        &self,
        request: Request<ListDeliveriesRequest>,
    ) -> Result<Response<ListDeliveriesResponse>, Status> {
        let caller = Caller::of(&request)?;
        let asked = request.get_ref();
        let filter = read_filter(asked)?;
        let size = match asked.page_size {
            0 => DEFAULT_PAGE,
            size => size,
        };
        let bound_to = format!("deliveries {filter:?}");
        let page = Page::<ListPosition>::read(size, &asked.page_token, bound_to)?;
        let pool = &self.commands.pool;
        let mut transaction = pool.begin().await.map_err(Error::from)?;
        let listed = store::list(&mut transaction, &filter, page.after, page.limit()).await;
        let mut deliveries = listed.map_err(Error::from)?;
        let detail = json!({
            "state": filter.state.map(DeliveryState::as_str),
            "report_id": filter.report_id,
        });
        audit_list(
            &mut transaction,
            caller,
            "delivery.list",
            "deliveries",
            detail,
        )
        .await?;
        transaction.commit().await.map_err(Error::from)?;
        let next_page_token = page.cut(&mut deliveries, |last| ListPosition {
            created_at: last.created_at,
            delivery_id: last.id,
        });
        Ok(Response::new(ListDeliveriesResponse {
            deliveries: deliveries.into_iter().map(Into::into).collect(),
            next_page_token,
        }))
    }

    async fn retry_delivery(
        &self,
        request: Request<RetryDeliveryRequest>,
    ) -> Result<Response<RetryDeliveryResponse>, Status> {
        let caller = Caller::of(&request)?.clone();
        let (request_id, delivery_id) = read_retry(request.get_ref())?;
        let call = Call {
            caller,
            method: "RetryDelivery",
            action: "delivery.retry",
            object: delivery_id.to_string(),
            request_id,
            hash: delivery_id.as_bytes().to_vec(),
            at: now(),
        };
        let commands = &self.commands;
        let answer = commands
            .run(call, delivery_id, |conn, call, &delivery_id| {
                retry(conn, call, delivery_id).boxed()
            })
            .await?;
        self.due.notify_waiters();
        Ok(Response::new(answer))
    }
}

/// Makes a delivery due that was given up.
async fn retry(
    conn: &mut PgConnection,
    call: &Call,
    delivery_id: Uuid,
) -> Result<Done<RetryDeliveryResponse>> {
    let due = make_job_due(conn, delivery_id, call.at).await?;
    let delivery = store::find(conn, delivery_id).await?;
    let delivery = delivery.ok_or(Error::NotFound("delivery"))?;
    if !due {
        let why = "seule une remise abandonnée peut être reprise";
        return Err(Error::failed_precondition("WRONG_STATE", why));
    }
    Ok(Done {
        answer: RetryDeliveryResponse {
            delivery: Some(delivery.into()),
        },
        events: Vec::new(),
        detail: json!({}),
    })
}

fn read_filter(request: &ListDeliveriesRequest) -> Result<DeliveryFilter> {
    let mut violations = Violations::default();
    let mut fields = Fields::new("", &mut violations);
    let state = match pb::DeliveryState::try_from(request.state) {
        Ok(pb::DeliveryState::Unspecified) => None,
        Ok(pb::DeliveryState::Pending) => Some(DeliveryState::Pending),
        Ok(pb::DeliveryState::Sent) => Some(DeliveryState::Sent),
        Ok(pb::DeliveryState::Dead) => Some(DeliveryState::Dead),
        Err(_) => {
            fields.refuse("state", "UNKNOWN_VALUE", "Ce n'est pas un état de remise.");
            None
        }
    };
    let report_id = match request.report_id.as_str() {
        "" => None,
        text => fields.uuid("report_id", text),
    };
    violations.into_result()?;
    Ok(DeliveryFilter { state, report_id })
}

fn read_retry(request: &RetryDeliveryRequest) -> Result<(Uuid, Uuid)> {
    let mut violations = Violations::default();
    let mut fields = Fields::new("", &mut violations);
    let request_id = fields.uuid("request_id", &request.request_id);
    let delivery_id = fields.uuid("delivery_id", &request.delivery_id);
    violations.into_result()?;
    let read = request_id.zip(delivery_id);
    Ok(read.expect("what is missing is a violation"))
}

impl From<Delivery> for pb::Delivery {
    fn from(delivery: Delivery) -> Self {
        let state = match delivery.state {
            DeliveryState::Pending => pb::DeliveryState::Pending,
            DeliveryState::Sent => pb::DeliveryState::Sent,
            DeliveryState::Dead => pb::DeliveryState::Dead,
        };
        Self {
            delivery_id: delivery.id.to_string(),
            state: state.into(),
            rule: delivery.rule,
            recipient: delivery.recipient,
            report_id: service::wire::shown(delivery.report_id),
            attempts: delivery.attempts,
            created_at: Some(timestamp(delivery.created_at)),
            due_at: delivery.due_at.map(timestamp),
            sent_at: delivery.sent_at.map(timestamp),
            last_error: delivery.last_error.unwrap_or_default(),
        }
    }
}

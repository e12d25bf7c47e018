//! Deliveries on the wire: their health, never an address nor contents.

use platform::{Result, Violations};
use proto::notification::v1::{
    Delivery as WireDelivery, DeliveryState as WireState, ListDeliveriesRequest,
    RetryDeliveryRequest,
};
use service::wire::timestamp;
use uuid::Uuid;

use crate::domain::delivery::{Delivery, DeliveryFilter, DeliveryState};

const DEFAULT_PAGE: u32 = 50;
const LARGEST_PAGE: u32 = 200;

/// Reads the filter of a list; every field that is wrong is named.
pub(crate) fn filter(request: &ListDeliveriesRequest) -> Result<DeliveryFilter> {
    let mut violations = Violations::default();
    let state = match WireState::try_from(request.state) {
        Ok(WireState::Unspecified) => None,
        Ok(WireState::Pending) => Some(DeliveryState::Pending),
        Ok(WireState::Sent) => Some(DeliveryState::Sent),
        Ok(WireState::Dead) => Some(DeliveryState::Dead),
        Err(_) => {
            violations.add("state", "UNKNOWN_VALUE", "n'est pas un état de remise");
            None
        }
    };
    let report_id = match request.report_id.as_str() {
        "" => None,
        text => uuid("report_id", text, &mut violations),
    };
    violations.into_result()?;
    Ok(DeliveryFilter { state, report_id })
}

/// The size of a page: 50 unless said, at most 200.
pub(crate) fn page_size(asked: u32) -> u16 {
    let size = if asked == 0 {
        DEFAULT_PAGE
    } else {
        asked.min(LARGEST_PAGE)
    };
    u16::try_from(size).expect("a page is at most 200")
}

/// Reads which delivery is to be tried again, under which request.
pub(crate) fn retry(request: &RetryDeliveryRequest) -> Result<(Uuid, Uuid)> {
    let mut violations = Violations::default();
    let request_id = uuid("request_id", &request.request_id, &mut violations);
    let delivery_id = uuid("delivery_id", &request.delivery_id, &mut violations);
    violations.into_result()?;
    Ok(request_id
        .zip(delivery_id)
        .expect("what is missing is a violation"))
}

fn uuid(field: &str, text: &str, violations: &mut Violations) -> Option<Uuid> {
    let parsed = text.parse().ok();
    match (text, parsed) {
        ("", _) => violations.add(field, "REQUIRED", "doit être renseigné"),
        (_, None) => violations.add(field, "BAD_FORMAT", "doit être un UUID"),
        (_, Some(_)) => {}
    }
    parsed
}

impl From<Delivery> for WireDelivery {
    fn from(delivery: Delivery) -> Self {
        let state = match delivery.state {
            DeliveryState::Pending => WireState::Pending,
            DeliveryState::Sent => WireState::Sent,
            DeliveryState::Dead => WireState::Dead,
        };
        Self {
            delivery_id: delivery.id.to_string(),
            state: state.into(),
            rule: delivery.rule,
            recipient: delivery.recipient,
            report_id: match delivery.report_id {
                id if id.is_nil() => String::new(),
                id => id.to_string(),
            },
            attempts: delivery.attempts,
            created_at: Some(timestamp(delivery.created_at)),
            due_at: delivery.due_at.map(timestamp),
            sent_at: delivery.sent_at.map(timestamp),
            last_error: delivery.last_error.unwrap_or_default(),
        }
    }
}

//! The feed and the deliveries.

use std::collections::BTreeSet;

use prost::Message as _;
use proto::notification::v1 as pb;
use proto::notification::v1::watch_response::Message;
use testkit::TokenSpec;
use tonic::Code;
use uuid::Uuid;

use super::{Asked, Expected, answer, exactly, references, request_id};
use crate::scene::Scene;
use crate::visibility::sees;

/// What to ask of an RPC of notification.
pub(crate) fn requests(
    service: &str,
    method: &str,
    scene: &Scene,
    person: &TokenSpec,
) -> Option<Vec<Asked>> {
    match service {
        "NotificationService" => feed(method, scene, person),
        "DeliveryService" => deliveries(method, scene),
        _ => None,
    }
}

/// What to ask of the feed.
fn feed(method: &str, scene: &Scene, person: &TokenSpec) -> Option<Vec<Asked>> {
    if method != "Watch" {
        return None;
    }
    let expected = references(scene, |thing| sees(person, thing));
    let told = Expected::Answer(Box::new(move |messages| {
        let mut told = BTreeSet::new();
        for message in messages {
            let response = pb::WatchResponse::decode(message.clone()).map_err(|e| e.to_string())?;
            match response.message {
                Some(Message::Notification(notification)) => told.insert(notification.reference),
                Some(Message::Heartbeat(_)) => continue,
                other => return Err(format!("{other:?}")),
            };
        }
        exactly(&expected, &told)
    }));
    let request = pb::WatchRequest {
        start: pb::WatchStart::Oldest.into(),
        ..Default::default()
    };
    let mut asked = Asked::of("everything kept", &request, told);
    // A heartbeat follows what was kept.
    asked.sent.until = |message| {
        let response = pb::WatchResponse::decode(message.clone()).ok();
        matches!(
            response.and_then(|it| it.message),
            Some(Message::Heartbeat(_))
        )
    };
    Some(vec![asked])
}

/// What to ask about deliveries.
fn deliveries(method: &str, scene: &Scene) -> Option<Vec<Asked>> {
    Some(match method {
        "ListDeliveries" => {
            let told = answer(|response: pb::ListDeliveriesResponse| {
                if response.deliveries.is_empty() {
                    Err("shows none".to_owned())
                } else if format!("{response:?}").contains('@') {
                    Err("shows an address".to_owned())
                } else {
                    Ok(())
                }
            });
            vec![Asked::of(
                "all",
                &pb::ListDeliveriesRequest::default(),
                told,
            )]
        }
        "RetryDelivery" => {
            let retry = |delivery_id: &str| pb::RetryDeliveryRequest {
                request_id: request_id(),
                delivery_id: delivery_id.to_owned(),
            };
            let wrong_state = Expected::Refused(Code::FailedPrecondition);
            let nowhere = Expected::Refused(Code::NotFound);
            vec![
                Asked::of(
                    "one that is not dead",
                    &retry(&scene.delivery_id),
                    wrong_state,
                ),
                Asked::of("none", &retry(&Uuid::now_v7().to_string()), nowhere),
            ]
        }
        _ => return None,
    })
}

//! `vigie delivery` and `vigie consumer`: what an operator sees to.

use proto::eventlog::v1 as log_pb;
use proto::notification::v1 as pb;
use uuid::Uuid;

use crate::args::{ConsumerCommand, DeliveryCommand, DeliveryState, Service};
use crate::client::Client;
use crate::exit::Failure;
use crate::language::Language;
use crate::{json, table};

/// The most that a service puts on a page.
const PAGE: usize = 200;

pub(crate) async fn deliveries(command: DeliveryCommand, client: &Client) -> Result<(), Failure> {
    match command {
        DeliveryCommand::List {
            state,
            report,
            limit,
        } => {
            let filter = pb::ListDeliveriesRequest {
                state: state.map(wire).unwrap_or_default().into(),
                report_id: report.unwrap_or_default(),
                ..Default::default()
            };
            list_deliveries(filter, limit, client).await
        }
        DeliveryCommand::Retry { deliveries } => {
            let mut service = client.deliveries().await?;
            for delivery_id in deliveries {
                let request = pb::RetryDeliveryRequest {
                    request_id: Uuid::now_v7().to_string(),
                    delivery_id: delivery_id.clone(),
                };
                let answer = service.retry_delivery(request).await?.into_inner();
                if client.json {
                    say!("{}", json::to_json(&answer)?);
                } else {
                    let due = client.language.pick("à remettre", "due again");
                    say!("{delivery_id}  {due}");
                }
            }
            Ok(())
        }
    }
}

fn wire(state: DeliveryState) -> pb::DeliveryState {
    match state {
        DeliveryState::Pending => pb::DeliveryState::Pending,
        DeliveryState::Sent => pb::DeliveryState::Sent,
        DeliveryState::Dead => pb::DeliveryState::Dead,
    }
}

async fn list_deliveries(
    filter: pb::ListDeliveriesRequest,
    limit: usize,
    client: &Client,
) -> Result<(), Failure> {
    let mut service = client.deliveries().await?;
    let mut deliveries = Vec::new();
    let mut page_token = String::new();
    while deliveries.len() < limit {
        let request = pb::ListDeliveriesRequest {
            page_size: page_size(limit - deliveries.len()),
            page_token,
            ..filter.clone()
        };
        let page = service.list_deliveries(request).await?.into_inner();
        deliveries.extend(page.deliveries);
        page_token = page.next_page_token;
        if page_token.is_empty() {
            break;
        }
    }
    if client.json {
        let answer = pb::ListDeliveriesResponse {
            deliveries,
            next_page_token: page_token,
        };
        say!("{}", json::to_json(&answer)?);
        return Ok(());
    }
    let language = client.language;
    let headings = [
        language.pick("remise", "delivery"),
        language.pick("créée le", "created"),
        language.pick("règle", "rule"),
        language.pick("destinataire", "recipient"),
        language.pick("état", "state"),
        language.pick("essais", "attempts"),
        language.pick("erreur", "error"),
    ];
    table::print(
        headings,
        deliveries.into_iter().map(|delivery| {
            let state = delivery.state();
            [
                delivery.delivery_id,
                client.zone.show(delivery.created_at),
                delivery.rule,
                delivery.recipient,
                word(state, language).to_owned(),
                delivery.attempts.to_string(),
                delivery.last_error,
            ]
        }),
    );
    Ok(())
}

fn word(state: pb::DeliveryState, language: Language) -> &'static str {
    match state {
        pb::DeliveryState::Pending => language.pick("en attente", "pending"),
        pb::DeliveryState::Sent => language.pick("remise", "sent"),
        pb::DeliveryState::Dead => language.pick("abandonnée", "dead"),
        pb::DeliveryState::Unspecified => "",
    }
}

fn page_size(wanted: usize) -> u32 {
    u32::try_from(wanted.min(PAGE)).expect("a page is small")
}

pub(crate) async fn consumers(command: ConsumerCommand, client: &Client) -> Result<(), Failure> {
    let language = client.language;
    match command {
        ConsumerCommand::List { service } => list_consumers(service, client).await,
        ConsumerCommand::Parked { service, limit } => list_parked(service, limit, client).await,
        ConsumerCommand::Retry {
            service,
            producer,
            subject,
        } => {
            let request = log_pb::RetryParkedEventsRequest {
                consumer: name(service).to_owned(),
                producer,
                subject,
            };
            let mut consumers = client.consumers(service).await?;
            let answer = consumers.retry_parked_events(request).await?.into_inner();
            if client.json {
                say!("{}", json::to_json(&answer)?);
                return Ok(());
            }
            table::print_facts(&[
                (
                    language.pick("Appliqués", "Applied"),
                    answer.applied.to_string(),
                ),
                (
                    language.pick("Restent", "Still parked"),
                    answer.still_parked.to_string(),
                ),
            ]);
            Ok(())
        }
        ConsumerCommand::Skip {
            service,
            producer,
            event,
        } => {
            let request = log_pb::SkipParkedEventRequest {
                consumer: name(service).to_owned(),
                producer,
                event_id: event.clone(),
            };
            let mut consumers = client.consumers(service).await?;
            let answer = consumers.skip_parked_event(request).await?.into_inner();
            if client.json {
                say!("{}", json::to_json(&answer)?);
            } else {
                say!("{event}  {}", language.pick("écarté", "dropped"));
            }
            Ok(())
        }
        ConsumerCommand::Unregister { service, consumer } => {
            let request = log_pb::UnregisterConsumerRequest {
                consumer: consumer.clone(),
            };
            let mut consumers = client.consumers(service).await?;
            let answer = consumers.unregister_consumer(request).await?.into_inner();
            if client.json {
                say!("{}", json::to_json(&answer)?);
            } else {
                say!("{consumer}  {}", language.pick("oublié", "forgotten"));
            }
            Ok(())
        }
    }
}

/// The name under which a service consumes.
fn name(service: Service) -> &'static str {
    match service {
        Service::Intake => "intake",
        Service::Qualification => "qualification",
        Service::Notification => "notification",
        Service::Statistics => "statistics",
    }
}

async fn list_consumers(service: Service, client: &Client) -> Result<(), Failure> {
    let mut consumers = client.consumers(service).await?;
    let request = log_pb::ListConsumersRequest {};
    let answer = consumers.list_consumers(request).await?.into_inner();
    if client.json {
        say!("{}", json::to_json(&answer)?);
        return Ok(());
    }
    let language = client.language;
    let headings = [
        language.pick("consommateur", "consumer"),
        language.pick("producteur", "producer"),
        language.pick("partition", "shard"),
        language.pick("appliqué", "applied"),
        language.pick("tête", "head"),
        language.pick("depuis", "since"),
    ];
    let positions = answer.own.into_iter().chain(answer.registered);
    table::print(
        headings,
        positions.map(|position| {
            [
                position.consumer,
                position.producer,
                position.shard.to_string(),
                position.applied.to_string(),
                position.head.to_string(),
                client.zone.show(position.moved_at),
            ]
        }),
    );
    Ok(())
}

async fn list_parked(service: Service, limit: usize, client: &Client) -> Result<(), Failure> {
    let mut consumers = client.consumers(service).await?;
    let mut events = Vec::new();
    let mut page_token = String::new();
    while events.len() < limit {
        let request = log_pb::ListParkedEventsRequest {
            page_size: page_size(limit - events.len()),
            page_token,
        };
        let page = consumers.list_parked_events(request).await?.into_inner();
        events.extend(page.events);
        page_token = page.next_page_token;
        if page_token.is_empty() {
            break;
        }
    }
    if client.json {
        let answer = log_pb::ListParkedEventsResponse {
            events,
            next_page_token: page_token,
        };
        say!("{}", json::to_json(&answer)?);
        return Ok(());
    }
    let language = client.language;
    let headings = [
        language.pick("événement", "event"),
        language.pick("producteur", "producer"),
        language.pick("sujet", "subject"),
        "type",
        language.pick("raison", "reason"),
        language.pick("depuis", "since"),
    ];
    table::print(
        headings,
        events.into_iter().map(|event| {
            [
                event.event_id,
                event.producer,
                event.subject,
                event.r#type,
                event.reason,
                client.zone.show(event.parked_at),
            ]
        }),
    );
    Ok(())
}

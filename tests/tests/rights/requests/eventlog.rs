//! The logs and their consumers.

use proto::eventlog::v1 as pb;
use tonic::Code;
use uuid::Uuid;

use super::{Asked, Expected, any_answer};

/// What to ask of an RPC of every service's log.
pub(crate) fn requests(service: &str, method: &str) -> Option<Vec<Asked>> {
    match service {
        "ConsumerService" => consumers(method),
        "EventLogService" => log(method),
        _ => None,
    }
}

/// What to ask about consumers.
fn consumers(method: &str) -> Option<Vec<Asked>> {
    let nowhere = Expected::Refused(Code::NotFound);
    let (consumer, producer) = (String::from("nobody"), String::from("intake"));
    Some(vec![match method {
        "ListConsumers" => Asked::of(
            "all",
            &pb::ListConsumersRequest {},
            any_answer::<pb::ListConsumersResponse>(),
        ),
        "ListParkedEvents" => Asked::of(
            "all",
            &pb::ListParkedEventsRequest::default(),
            any_answer::<pb::ListParkedEventsResponse>(),
        ),
        "RetryParkedEvents" => {
            let subject = format!("report/{}", Uuid::now_v7());
            let request = pb::RetryParkedEventsRequest {
                consumer,
                producer,
                subject,
            };
            Asked::of("no subject", &request, nowhere)
        }
        "SkipParkedEvent" => {
            let event_id = Uuid::now_v7().to_string();
            let request = pb::SkipParkedEventRequest {
                consumer,
                producer,
                event_id,
            };
            Asked::of("no event", &request, nowhere)
        }
        "UnregisterConsumer" => {
            let request = pb::UnregisterConsumerRequest { consumer };
            Asked::of("no consumer", &request, nowhere)
        }
        _ => return None,
    }])
}

/// What a service asks of the log of another.
fn log(method: &str) -> Option<Vec<Asked>> {
    Some(vec![match method {
        "Describe" => Asked::of(
            "the log",
            &pb::DescribeRequest {},
            any_answer::<pb::DescribeResponse>(),
        ),
        "Read" => {
            let after = vec![pb::ShardPosition::default()];
            let request = pb::ReadRequest {
                after,
                ..Default::default()
            };
            Asked::of(
                "the first shard",
                &request,
                any_answer::<pb::ReadResponse>(),
            )
        }
        "Snapshot" => {
            let parts = Expected::Answer(Box::new(|messages| {
                let some = !messages.is_empty();
                some.then_some(()).ok_or_else(|| "no message".to_owned())
            }));
            Asked::of("everything", &pb::SnapshotRequest::default(), parts)
        }
        "ReportOffsets" => Asked::of(
            "no shard",
            &pb::ReportOffsetsRequest::default(),
            any_answer::<pb::ReportOffsetsResponse>(),
        ),
        _ => return None,
    }])
}

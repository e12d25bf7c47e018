//! Events as CloudEvents and back.

use std::collections::HashMap;

use prost_types::Timestamp;
use proto::eventlog::v1::{
    CloudEvent,
    cloud_event::{CloudEventAttributeValue, Data, cloud_event_attribute_value::Attr},
};
use time::OffsetDateTime;
use uuid::Uuid;

use crate::Event;

/// An envelope that is not one of ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the envelope of an event lacks a valid {0}")]
pub(crate) struct EnvelopeError(&'static str);

/// Writes the envelope of an event.
pub(crate) fn to_cloud_event(event: &Event) -> CloudEvent {
    let time = Timestamp {
        seconds: event.time.unix_timestamp(),
        nanos: event.time.nanosecond().cast_signed(),
    };
    let mut attributes = HashMap::from([
        (
            "subject".to_owned(),
            value(Attr::CeString(event.subject.clone())),
        ),
        ("time".to_owned(), value(Attr::CeTimestamp(time))),
    ]);
    if let Some(traceparent) = &event.traceparent {
        attributes.insert(
            "traceparent".to_owned(),
            value(Attr::CeString(traceparent.clone())),
        );
    }
    if let Some(key) = &event.data_key {
        attributes.insert(
            "datakey".to_owned(),
            value(Attr::CeBytes(key.clone().into())),
        );
    }
    if let Some(consumers) = &event.consumers {
        attributes.insert(
            "consumers".to_owned(),
            value(Attr::CeString(consumers.join(","))),
        );
    }
    CloudEvent {
        id: event.id.to_string(),
        source: event.source.clone(),
        spec_version: "1.0".to_owned(),
        r#type: event.event_type.clone(),
        attributes,
        data: Some(Data::BinaryData(event.payload.clone())),
    }
}

/// Reads the envelope of the event at a place of the log. Attributes of later
/// releases are passed over.
pub(crate) fn from_cloud_event(
    shard: u16,
    position: u64,
    envelope: CloudEvent,
) -> Result<Event, EnvelopeError> {
    let mut attributes = envelope.attributes;
    let mut take = |name: &str| attributes.remove(name).and_then(|value| value.attr);
    Ok(Event {
        shard,
        position,
        id: Uuid::try_parse(&envelope.id).map_err(|_| EnvelopeError("id"))?,
        event_type: envelope.r#type,
        source: envelope.source,
        subject: match take("subject") {
            Some(Attr::CeString(subject)) => subject,
            _ => return Err(EnvelopeError("subject")),
        },
        time: match take("time") {
            Some(Attr::CeTimestamp(time)) => moment(time).ok_or(EnvelopeError("time"))?,
            _ => return Err(EnvelopeError("time")),
        },
        traceparent: match take("traceparent") {
            Some(Attr::CeString(traceparent)) => Some(traceparent),
            _ => None,
        },
        payload: match envelope.data {
            Some(Data::BinaryData(payload)) => payload,
            // A message without any field set is written as no bytes at all.
            None => prost::bytes::Bytes::new(),
            Some(Data::TextData(_)) => return Err(EnvelopeError("payload")),
        },
        data_key: match take("datakey") {
            Some(Attr::CeBytes(key)) => Some(key.into()),
            _ => None,
        },
        consumers: match take("consumers") {
            Some(Attr::CeString(names)) => {
                let names = names.split(',').filter(|name| !name.is_empty());
                Some(names.map(str::to_owned).collect())
            }
            _ => None,
        },
    })
}

fn value(attr: Attr) -> CloudEventAttributeValue {
    CloudEventAttributeValue { attr: Some(attr) }
}

fn moment(time: Timestamp) -> Option<OffsetDateTime> {
    let nanos = u32::try_from(time.nanos).ok()?;
    OffsetDateTime::from_unix_timestamp(time.seconds)
        .ok()?
        .replace_nanosecond(nanos)
        .ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use prost::Message as _;

    use super::*;

    prop_compose! {
        fn events()(
            shard in 0u16..1024,
            position in 0u64..u64::MAX / 2,
            id in any::<u128>(),
            subject in "[a-z]{1,12}/[0-9a-f]{1,36}",
            micros in -2_000_000_000_000_000i64..4_000_000_000_000_000,
            traceparent in proptest::option::of("00-[0-9a-f]{32}-[0-9a-f]{16}-01"),
            payload in proptest::collection::vec(any::<u8>(), 0..200),
            data_key in proptest::option::of(proptest::collection::vec(any::<u8>(), 0..80)),
            consumers in proptest::option::of(proptest::collection::vec("[a-z]{1,12}", 0..4)),
        ) -> Event {
            Event {
                shard,
                position,
                id: Uuid::from_u128(id),
                event_type: "vigie.report.submitted.v1".into(),
                source: "/vigie/intake".into(),
                subject,
                time: OffsetDateTime::UNIX_EPOCH + time::Duration::microseconds(micros),
                traceparent,
                payload: payload.into(),
                data_key,
                consumers,
            }
        }
    }

    proptest! {
        #[test]
        fn an_event_survives_the_wire(event in events()) {
            let bytes = to_cloud_event(&event).encode_to_vec();
            let envelope = CloudEvent::decode(bytes.as_slice()).unwrap();
            prop_assert_eq!(from_cloud_event(event.shard, event.position, envelope), Ok(event));
        }

        #[test]
        fn attributes_of_a_later_release_are_passed_over(event in events()) {
            let mut envelope = to_cloud_event(&event);
            envelope.attributes.insert("partitionkey".into(), value(Attr::CeInteger(7)));
            prop_assert_eq!(from_cloud_event(event.shard, event.position, envelope), Ok(event));
        }
    }

    #[test]
    fn an_envelope_without_an_id_is_refused() {
        let envelope = CloudEvent {
            id: "seven".into(),
            ..CloudEvent::default()
        };
        assert_eq!(from_cloud_event(0, 1, envelope), Err(EnvelopeError("id")));
    }
}

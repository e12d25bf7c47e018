//! Events before they have a place in the log, and after.

use std::borrow::Cow;

use prost::bytes::Bytes;
use proto::Payload;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::ApplyError;

/// The most that the payload of an event holds, in bytes.
pub const MAX_PAYLOAD_BYTES: usize = 64 * 1024;

/// An event about to be appended, with the fact it announces.
#[derive(Clone, Debug)]
pub struct NewEvent {
    pub(crate) id: Uuid,
    pub(crate) event_type: &'static str,
    pub(crate) subject: String,
    pub(crate) time: OffsetDateTime,
    pub(crate) traceparent: Option<String>,
    pub(crate) payload: Bytes,
    pub(crate) data_key: Option<Vec<u8>>,
    pub(crate) consumers: Cow<'static, [&'static str]>,
}

impl NewEvent {
    /// Announces a fact about `subject` recorded at `time`, as part of the
    /// present trace. The id derives from the fact: the same fact always
    /// announces itself under the same id.
    pub fn new<P: Payload>(id: Uuid, subject: String, time: OffsetDateTime, payload: &P) -> Self {
        Self {
            id,
            event_type: P::TYPE,
            subject,
            time,
            traceparent: platform::traceparent(),
            payload: payload.encode_to_vec().into(),
            data_key: None,
            consumers: Cow::Borrowed(P::CONSUMERS),
        }
    }

    /// The id, derived from the fact.
    pub fn id(&self) -> Uuid {
        self.id
    }

    /// Says something else of the same fact.
    pub fn with_payload<P: Payload>(self, payload: &P) -> Self {
        Self {
            event_type: P::TYPE,
            payload: payload.encode_to_vec().into(),
            ..self
        }
    }

    /// Lets the wrapped key of the payload's sealed field travel with it.
    pub fn with_data_key(self, wrapped: Vec<u8>) -> Self {
        Self {
            data_key: Some(wrapped),
            ..self
        }
    }

    /// Leaves out a service that its type names, because this event tells it nothing.
    pub fn not_for(mut self, service: &str) -> Self {
        self.consumers
            .to_mut()
            .retain(|consumer| *consumer != service);
        self
    }

    /// Makes the event part of another trace than the present one.
    pub fn with_traceparent(self, traceparent: Option<String>) -> Self {
        Self {
            traceparent,
            ..self
        }
    }

    /// The event where it stands in the log of a source.
    pub(crate) fn at(self, shard: u16, position: u64, source: &str) -> Event {
        let consumers = self.consumers.iter().map(|&consumer| consumer.to_owned());
        Event {
            shard,
            position,
            id: self.id,
            event_type: self.event_type.to_owned(),
            source: source.to_owned(),
            subject: self.subject,
            time: self.time,
            traceparent: self.traceparent,
            payload: self.payload,
            data_key: self.data_key,
            consumers: Some(consumers.collect()),
        }
    }
}

/// An event where it stands in the log of its producer.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// The shard, from 0.
    pub shard: u16,
    /// The place in the shard, from 1; 0 for an event of a snapshot.
    pub position: u64,
    /// The id, derived from the fact.
    pub id: Uuid,
    /// The CloudEvents type, `vigie.report.submitted.v1` and the like.
    pub event_type: String,
    /// Whose log it is of, `/vigie/intake` and the like.
    pub source: String,
    /// What it is about.
    pub subject: String,
    /// When the fact was recorded.
    pub time: OffsetDateTime,
    /// The trace of the request that caused it (W3C).
    pub traceparent: Option<String>,
    /// The payload, encoded in protobuf.
    pub payload: Bytes,
    /// The wrapped key of the payload's sealed field; absent once erased.
    pub data_key: Option<Vec<u8>>,
    /// The services that must apply it, as its producer named them; `None` in what
    /// was written before producers did.
    pub consumers: Option<Vec<String>>,
}

/// The events of each shard, which stand side by side.
pub(crate) fn by_shard(events: &[Event]) -> impl Iterator<Item = &[Event]> {
    events.chunk_by(|one, next| one.shard == next.shard)
}

impl Event {
    /// Whether a service must apply it. Without named consumers the type decides; an
    /// unknown type may be for any service.
    pub(crate) fn is_for(&self, consumer: &str) -> bool {
        match &self.consumers {
            Some(named) => named.iter().any(|name| name == consumer),
            None => {
                proto::consumers_of(&self.event_type).is_none_or(|named| named.contains(&consumer))
            }
        }
    }

    /// Reads the payload. Fields and enumeration numbers of later releases are
    /// passed over or kept, never refused.
    pub fn decode<P: Payload>(&self) -> Result<P, ApplyError> {
        if self.event_type != P::TYPE {
            return Err(ApplyError::Poison("unexpected_type"));
        }
        P::decode(self.payload.clone()).map_err(|_| ApplyError::Poison("undecodable_payload"))
    }

    /// A span for the work on this event, within the trace that caused it.
    pub fn span(&self) -> tracing::Span {
        let span = tracing::info_span!(
            "apply event",
            event.id = %self.id,
            event.r#type = %self.event_type,
            event.shard = self.shard,
            event.position = self.position,
            trace_id = tracing::field::Empty,
        );
        platform::set_parent(&span, self.traceparent.as_deref());
        span
    }
}

#[cfg(test)]
mod tests {
    use std::{io::Seek as _, sync::Mutex};

    use opentelemetry::trace::TracerProvider as _;
    use opentelemetry_sdk::trace::SdkTracerProvider;
    use proto::events::v1::{ReportWithdrawn, StructureRecorded};
    use tracing_subscriber::layer::SubscriberExt as _;

    use super::*;

    fn placed(event: NewEvent) -> Event {
        event.at(0, 1, "/vigie/intake")
    }

    fn withdrawn() -> NewEvent {
        let payload = ReportWithdrawn {
            reference: "SIG".to_owned(),
            ..ReportWithdrawn::default()
        };
        NewEvent::new(
            Uuid::nil(),
            "report/1".to_owned(),
            OffsetDateTime::UNIX_EPOCH,
            &payload,
        )
    }

    #[test]
    fn the_work_on_an_event_and_its_lines_belong_to_the_trace_of_the_request_that_caused_it() {
        let provider = SdkTracerProvider::builder().build();
        let spans = tracing_opentelemetry::layer().with_tracer(provider.tracer("test"));
        let mut written = tempfile::tempfile().unwrap();
        let writer = Mutex::new(written.try_clone().unwrap());
        let lines = tracing_subscriber::fmt::layer().json().with_writer(writer);
        let layers = tracing_subscriber::registry().with(spans).with(lines);
        let caused = tracing::subscriber::with_default(layers, || {
            let request = tracing::info_span!("request");
            let event = placed(request.in_scope(withdrawn));
            let trace = |text: &str| text.split('-').nth(1).map(str::to_owned);
            let caused = trace(event.traceparent.as_deref().unwrap());
            let applied = event.span().in_scope(platform::traceparent).unwrap();
            assert_eq!(trace(&applied), caused);
            tracing::error!(parent: &event.span(), "it is kept aside");
            caused.unwrap()
        });
        written.rewind().unwrap();
        let line: serde_json::Value = serde_json::from_reader(written).unwrap();
        assert_eq!(line["span"]["trace_id"], caused);
    }

    #[test]
    fn an_event_is_for_the_services_that_it_names_and_else_for_those_of_its_type() {
        let mut event = placed(withdrawn());
        assert!(event.is_for("statistics"));
        assert!(!event.is_for("intake"));
        event.consumers = Some(vec!["intake".to_owned()]);
        assert!(!event.is_for("statistics"));
        assert!(event.is_for("intake"));
        event.consumers = Some(Vec::new());
        assert!(!event.is_for("intake"));
        event.consumers = None;
        assert!(event.is_for("statistics"));
        assert!(!event.is_for("intake"));
        event.event_type = "vigie.report.foreseen.v1".to_owned();
        assert!(event.is_for("intake"));
    }

    #[test]
    fn a_service_may_be_left_out_of_an_event() {
        let event = placed(withdrawn().not_for("statistics"));
        assert!(!event.is_for("statistics"));
        assert!(event.is_for("notification"));
    }

    #[test]
    fn a_payload_is_read_as_its_own_type_only() {
        let event = placed(withdrawn());
        assert_eq!(event.decode::<ReportWithdrawn>().unwrap().reference, "SIG");
        let refused = event.decode::<StructureRecorded>().unwrap_err();
        assert!(matches!(refused, ApplyError::Poison("unexpected_type")));
    }
}

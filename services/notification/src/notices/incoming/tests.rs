//! What the feed passes on of an event whose every field is filled, also one that is
//! added later.

use prost::Message as _;
use prost_reflect::{DescriptorPool, DynamicMessage, Kind, MessageDescriptor, Value};
use time::macros::datetime;

use super::*;

/// A message with a value in every field.
fn filled(descriptor: &MessageDescriptor) -> DynamicMessage {
    let mut message = DynamicMessage::new(descriptor.clone());
    for field in descriptor.fields() {
        let value = match field.kind() {
            Kind::String if field.name().ends_with("_id") => {
                Value::String(Uuid::from_u128(7).to_string())
            }
            Kind::String => Value::String("said".to_owned()),
            Kind::Bytes => Value::Bytes(vec![7].into()),
            Kind::Bool => Value::Bool(true),
            Kind::Int32 => Value::I32(1),
            Kind::Int64 => Value::I64(1),
            Kind::Uint32 => Value::U32(1),
            Kind::Uint64 => Value::U64(1),
            Kind::Enum(_) => Value::EnumNumber(1),
            Kind::Message(inner) => Value::Message(filled(&inner)),
            other => panic!("no value for {other:?}"),
        };
        let value = if field.is_list() {
            Value::List(vec![value])
        } else {
            value
        };
        message.set_field(&field, value);
    }
    message
}

fn descriptor<P: Payload>() -> MessageDescriptor {
    let pool = DescriptorPool::decode(proto::FILE_DESCRIPTOR_SET).unwrap();
    let name = std::any::type_name::<P>().rsplit("::").next().unwrap();
    pool.get_message_by_name(&format!("vigie.events.v1.{name}"))
        .unwrap()
}

fn names(message: &DynamicMessage) -> Vec<String> {
    message
        .fields()
        .map(|(field, _)| field.name().to_owned())
        .collect()
}

/// What is passed on of an event with a value in every field.
fn passed_on<P: Payload>() -> DynamicMessage {
    let descriptor = descriptor::<P>();
    let event = Event {
        shard: 0,
        position: 1,
        id: Uuid::from_u128(1),
        event_type: P::TYPE.to_owned(),
        source: "/vigie/intake".to_owned(),
        subject: "report/7".to_owned(),
        time: datetime!(2026-11-23 08:00 UTC),
        traceparent: None,
        payload: filled(&descriptor).encode_to_vec().into(),
        data_key: None,
        consumers: None,
    };
    let IncomingEvent::Parsed(parsed) = parse(&event).unwrap() else {
        panic!("an event without a notification");
    };
    let subject = match parsed.subject {
        Subject::ReportSubmitted(message) => message.encode_to_vec(),
        Subject::ReportWithdrawn(message) => message.encode_to_vec(),
        Subject::CaseChanged(message) => message.encode_to_vec(),
        Subject::CaseMessagePosted(message) => message.encode_to_vec(),
        Subject::CaseActivityRecorded(message) => message.encode_to_vec(),
        Subject::ReportAmended(message) => message.encode_to_vec(),
    };
    DynamicMessage::decode(descriptor, subject.as_slice()).unwrap()
}

#[test]
fn of_a_submission_the_listed_fields_are_passed_on_and_no_others() {
    let submitted = passed_on::<ReportSubmitted>();
    assert_eq!(
        names(&submitted),
        [
            "report_id",
            "reference",
            "kind",
            "channel",
            "test",
            "received_at",
            "declared_at",
            "found_at",
            "started_at",
            "structure",
            "origin",
            "origin_types",
            "impacts",
            "assistance_requested",
            "tlp",
        ]
    );
    let structure = submitted.get_field_by_name("structure").unwrap();
    assert_eq!(
        names(structure.as_message().unwrap()),
        [
            "name",
            "kind",
            "routing_region",
            "department",
            "town",
            "operator_status",
            "link_verified",
        ]
    );
}

#[test]
fn of_a_withdrawal_the_listed_fields_are_passed_on_and_no_others() {
    assert_eq!(
        names(&passed_on::<ReportWithdrawn>()),
        [
            "report_id",
            "reference",
            "withdrawn_at",
            "routing_region",
            "test"
        ]
    );
}

#[test]
fn of_a_case_the_listed_fields_are_passed_on_and_no_others() {
    assert_eq!(
        names(&passed_on::<CaseChanged>()),
        [
            "case_id",
            "report_id",
            "revision",
            "change",
            "changed_at",
            "state",
            "severity",
            "qualified",
            "origin",
            "origin_types",
            "impacts",
            "routing_region",
            "reference",
            "test",
            "duplicate_of",
        ]
    );
}

#[test]
fn of_a_message_the_listed_fields_are_passed_on_and_no_others() {
    assert_eq!(
        names(&passed_on::<CaseMessagePosted>()),
        [
            "message_id",
            "case_id",
            "report_id",
            "reference",
            "posted_at",
            "author_role",
            "to_structure",
            "routing_region",
            "test",
        ]
    );
}

#[test]
fn of_an_activity_the_listed_fields_are_passed_on_and_no_others() {
    assert_eq!(
        names(&passed_on::<CaseActivityRecorded>()),
        [
            "activity_id",
            "case_id",
            "report_id",
            "reference",
            "at",
            "activity",
            "actor_role",
            "to_structure",
            "routing_region",
            "test",
            "due_at",
        ]
    );
}

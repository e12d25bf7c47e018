//! Properties of the parser of drafts.

use platform::Violations;
use proptest::{collection::vec, option, prelude::*};
use prost::Name as _;
use prost_reflect::{DescriptorPool, DynamicMessage, Kind, MessageDescriptor, Value};
use prost_types::Timestamp;
use proto::{
    intake::v1 as pb,
    types::v1::{
        DescribedStructure, Impacts, StructureIdentifier, structure_identifier::Identifier,
    },
};
use time::{OffsetDateTime, macros::datetime};
use vocabulary::ReferenceCipher;

use super::{
    draft,
    facts::{Draft, Facts},
};

pub(crate) const NOW: OffsetDateTime = datetime!(2026-11-23 09:00 UTC);

pub(crate) fn parse(wire: pb::ReportDraft) -> Result<Draft, Violations> {
    let mut violations = Violations::default();
    draft::read(Some(wire), NOW, &mut violations).ok_or(violations)
}

/// Anything that the wire can bring, whatever fields the contract has.
fn any_draft() -> impl Strategy<Value = pb::ReportDraft> {
    let contracts = DescriptorPool::decode(proto::FILE_DESCRIPTOR_SET).unwrap();
    let draft = contracts.get_message_by_name(&pb::ReportDraft::full_name());
    any_message(&draft.unwrap()).prop_map(|message| match message {
        Value::Message(message) => message.transcode_to().unwrap(),
        other => unreachable!("it is a message: {other:?}"),
    })
}

/// A message of which any field may be absent; of a `oneof` the last one drawn is there.
fn any_message(descriptor: &MessageDescriptor) -> BoxedStrategy<Value> {
    let fields: Vec<_> = descriptor
        .fields()
        .map(|field| match any_value(&field.kind()) {
            value if field.is_list() => option::of(vec(value, 0..10).prop_map(Value::List)).boxed(),
            value => option::of(value).boxed(),
        })
        .collect();
    let descriptor = descriptor.clone();
    let message = fields.prop_map(move |values| {
        let mut message = DynamicMessage::new(descriptor.clone());
        for (field, value) in descriptor.fields().zip(values) {
            if let Some(value) = value {
                message.set_field(&field, value);
            }
        }
        Value::Message(message)
    });
    message.boxed()
}

/// A value of a kind; of texts and words such as somebody means, and any other.
fn any_value(kind: &Kind) -> BoxedStrategy<Value> {
    match kind {
        Kind::Bool => any::<bool>().prop_map(Value::Bool).boxed(),
        Kind::Uint32 => any::<u32>().prop_map(Value::U32).boxed(),
        // The parts of a moment.
        Kind::Int32 => any::<i32>().prop_map(Value::I32).boxed(),
        Kind::Int64 => prop_oneof![any::<i64>(), 946_684_800..NOW.unix_timestamp()]
            .prop_map(Value::I64)
            .boxed(),
        Kind::Enum(_) => prop_oneof![0..45, any::<i32>()]
            .prop_map(Value::EnumNumber)
            .boxed(),
        Kind::String => prop_oneof![
            Just("010000024".to_owned()),
            "[0-9AB +.()-]{0,22}",
            "[0-9]{0,3}|2[AB]",
            "[a-z]{1,8}@[a-z]{1,8}\\.fr",
            any::<String>(),
        ]
        .prop_map(Value::String)
        .boxed(),
        Kind::Message(descriptor) => any_message(descriptor),
        other => unreachable!("no draft has a {other:?} yet"),
    }
}

/// A line that says something: no control, no separator of lines or paragraphs.
const LINE: &str = "[^\\pC\\p{Zl}\\p{Zp}]{0,40}[a-z]";

prop_compose! {
    /// What a careful declarant sends.
    pub(crate) fn sound_draft()(
        wild in any_draft(),
        kind in 1..=5,
        capacity in 1..=4,
        seconds in 1_700_000_000..NOW.unix_timestamp(),
        nanos in 0..1_000_000_000,
        before in option::of(0i64..1_000_000),
        texts in [LINE, LINE, LINE],
        department in "0[1-9]|[3-8][0-9]|2[AB]",
        types in option::of(proptest::sample::subsequence(vec![1, 2, 3, 4, 5, 6, 7, 19, 40], 0..8)),
        data in proptest::sample::subsequence(vec![2, 3, 4], 0..=3),
        natures in proptest::sample::subsequence(vec![1, 2, 3, 4], 0..=4),
        care in 0..=4,
        reach in 0..=5,
        tlp in 0..=5,
        regions in proptest::sample::subsequence(vec!["01", "75", "94"], 0..=3),
        reference in option::of(any::<u32>()),
    ) -> pb::ReportDraft {
        let [name, description, vendor] = texts;
        let described = DescribedStructure { name: name.clone(), department };
        let identifier = Some(Identifier::Described(described));
        pb::ReportDraft {
            kind,
            structure: Some(StructureIdentifier { identifier }),
            structure_kind: care,
            operator_status: 0,
            declarant: Some(pb::Contact {
                family_name: name,
                email: "rssi@exemple.fr".to_owned(),
                ..pb::Contact::default()
            }),
            capacity,
            alternate_contact: None,
            found_at: Some(Timestamp { seconds, nanos }),
            started_at: before.map(|before| Timestamp { seconds: seconds - before, nanos: 0 }),
            perimeter: description.clone(),
            description,
            systems: String::new(),
            care_status: String::new(),
            measures_taken: String::new(),
            product: vendor.clone(),
            vendor,
            origin: types.as_ref().map_or(0, |_| 1),
            origin_types: types.unwrap_or_default(),
            impacts: Some(Impacts {
                data,
                data_natures: natures,
                care,
                patient_endangerment: care,
                reach,
                ..wild.impacts.unwrap_or_default()
            }),
            tlp,
            department: "2A".to_owned(),
            cause_reference: reference.map_or_else(String::new, |number| {
                ReferenceCipher::new([9; 32]).reference(2026, number).to_string()
            }),
            regions: regions.into_iter().map(str::to_owned).collect(),
            ..wild
        }
    }
}

proptest! {
    #[test]
    fn any_draft_is_parsed_or_refused_for_a_reason(wire in any_draft()) {
        if let Err(violations) = parse(wire) {
            prop_assert!(!violations.is_empty());
            for violation in violations.iter() {
                prop_assert!(violation.field.starts_with("draft"), "{}", violation.field);
            }
        }
    }

    #[test]
    fn a_sound_draft_is_accepted_and_survives_the_wire_and_the_store(wire in sound_draft()) {
        let draft = parse(wire).map_err(|violations| TestCaseError::fail(format!("{violations:?}")))?;
        let again = parse(draft::to_wire(&draft.facts, Some(&draft.contacts)));
        prop_assert_eq!(again.as_ref().ok(), Some(&draft));
        let stored = serde_json::to_value(&draft.facts).unwrap();
        prop_assert_eq!(serde_json::from_value::<Facts>(stored).unwrap(), draft.facts);
    }
}

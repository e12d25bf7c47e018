//! Drafts and values by what a form says of its fields.

use std::sync::LazyLock;

use platform::now;
use prost::Name as _;
use prost_reflect::{
    DescriptorPool, DynamicMessage, FieldDescriptor, Kind, ReflectMessage as _, Value,
};
use prost_types::Timestamp;
use proto::{
    intake::v1::{FormField, FormFieldType, ReportDraft, VocabularyValue},
    types::v1::Origin,
};
use service::wire::timestamp;
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

static CONTRACTS: LazyLock<DescriptorPool> =
    LazyLock::new(|| DescriptorPool::decode(proto::FILE_DESCRIPTOR_SET).unwrap());

/// A draft of which fields are read, set and cleared by their paths.
#[derive(Clone)]
pub(super) struct Bent(DynamicMessage);

impl Bent {
    pub(super) fn of(draft: &ReportDraft) -> Self {
        let descriptor = CONTRACTS.get_message_by_name(&ReportDraft::full_name());
        let mut message = DynamicMessage::new(descriptor.unwrap());
        message.transcode_from(draft).unwrap();
        Self(message)
    }

    pub(super) fn draft(&self) -> ReportDraft {
        self.0.transcode_to().unwrap()
    }

    pub(super) fn set(self, path: &str, value: Value) -> Self {
        self.change(path, Some(value))
    }

    pub(super) fn clear(self, path: &str) -> Self {
        self.change(path, None)
    }

    fn change(mut self, path: &str, value: Option<Value>) -> Self {
        change(&mut self.0, path, value);
        self
    }

    /// What is filled in.
    pub(super) fn get(&self, path: &str) -> Option<Value> {
        let mut value = Value::Message(self.0.clone());
        for name in path.split('.') {
            let message = value.as_message()?;
            let field = message.descriptor().get_field_by_name(name).unwrap();
            if !message.has_field(&field) {
                return None;
            }
            value = message.get_field(&field).into_owned();
        }
        Some(value)
    }
}

fn change(message: &mut DynamicMessage, path: &str, value: Option<Value>) {
    let (name, rest) = path.split_once('.').unwrap_or((path, ""));
    let field = message.descriptor().get_field_by_name(name).unwrap();
    match (rest.is_empty(), value) {
        (true, Some(value)) => message.set_field(&field, value),
        (true, None) => message.clear_field(&field),
        // Nothing is cleared in what is not there.
        (false, None) if !message.has_field(&field) => {}
        (false, value) => change(
            message.get_field_mut(&field).as_message_mut().unwrap(),
            rest,
            value,
        ),
    }
}

/// The field of the contract behind a path.
fn descriptor_of(path: &str) -> FieldDescriptor {
    let mut message = CONTRACTS.get_message_by_name(&ReportDraft::full_name());
    let mut found = None;
    for name in path.split('.') {
        let field = message.unwrap().get_field_by_name(name).unwrap();
        message = match field.kind() {
            Kind::Message(within) => Some(within),
            _ => None,
        };
        found = Some(field);
    }
    found.unwrap()
}

pub(super) fn moment(at: Timestamp) -> Value {
    let descriptor = CONTRACTS.get_message_by_name(&Timestamp::full_name());
    let mut message = DynamicMessage::new(descriptor.unwrap());
    message.transcode_from(&at).unwrap();
    Value::Message(message)
}

/// The value of a field that its text means: an example or a name of the contract.
pub(super) fn value(field: &FormField, text: &str) -> Value {
    let one = match field.r#type() {
        FormFieldType::Boolean => Value::Bool(text.parse().unwrap()),
        FormFieldType::Count => Value::U32(text.parse().unwrap()),
        FormFieldType::Moment => moment(timestamp(OffsetDateTime::parse(text, &Rfc3339).unwrap())),
        FormFieldType::Choice if !field.enumeration.is_empty() => {
            let named = field.choices.iter().find(|choice| choice.name == text);
            Value::EnumNumber(named.unwrap_or_else(|| panic!("no choice {text}")).number)
        }
        _ => Value::String(text.to_owned()),
    };
    if field.multiple {
        Value::List(vec![one])
    } else {
        one
    }
}

/// Values at the limits of a field.
pub(super) fn within(field: &FormField) -> Vec<(Value, &'static str)> {
    let most = field.max_length as usize;
    let text = |text: String| Value::String(text);
    match field.r#type() {
        FormFieldType::Line | FormFieldType::Text => vec![
            (text("é".repeat(most)), "the longest"),
            (text("é".repeat(field.min_length as usize)), "the shortest"),
        ],
        FormFieldType::Email => vec![(text(mail_of(most)), "the longest")],
        FormFieldType::Boolean => [true, false]
            .map(|said| (Value::Bool(said), "yes or no"))
            .into(),
        FormFieldType::Count => [0, field.max_value]
            .map(|count| (Value::U32(count), "least or greatest"))
            .into(),
        FormFieldType::Moment if field.not_after.is_empty() => {
            let ahead = now() + time::Duration::seconds(field.max_seconds_ahead.into());
            vec![
                (moment(field.earliest.unwrap()), "the earliest"),
                (moment(timestamp(ahead)), "the latest"),
            ]
        }
        FormFieldType::Moment => vec![(moment(field.earliest.unwrap()), "the earliest")],
        FormFieldType::Choice if field.multiple => {
            let all = field.choices.iter();
            let alone = all.clone().filter(|it| fits(it));
            let mut values: Vec<_> = alone
                .map(|it| (value(field, &it.name), "a choice"))
                .collect();
            values.push((choices(field, field.max_count), "as many as may be"));
            values
        }
        FormFieldType::Choice => {
            let all = field.choices.iter();
            all.map(|it| (value(field, &it.name), "a choice")).collect()
        }
        FormFieldType::Identifier | FormFieldType::Phone | FormFieldType::Unspecified => vec![],
    }
}

/// Values beyond the limits of a field.
pub(super) fn beyond(field: &FormField) -> Vec<(Value, &'static str)> {
    let most = field.max_length as usize;
    let text = |text: String| Value::String(text);
    match field.r#type() {
        FormFieldType::Line | FormFieldType::Text => {
            vec![(text("é".repeat(most + 1)), "too long")]
        }
        FormFieldType::Email => vec![
            (text(mail_of(most + 1)), "too long"),
            (text("direction".to_owned()), "no address"),
        ],
        FormFieldType::Identifier => vec![
            (text(format!("{}0", field.example)), "too long"),
            (text(field.example[1..].to_owned()), "too short"),
        ],
        FormFieldType::Phone => vec![(text("12".to_owned()), "no number")],
        FormFieldType::Moment => {
            let before = Timestamp {
                seconds: field.earliest.unwrap().seconds - 1,
                nanos: 0,
            };
            let mut values = vec![(moment(before), "too early")];
            if field.not_after.is_empty() {
                let ahead = i64::from(field.max_seconds_ahead) + 60;
                let after = now() + time::Duration::seconds(ahead);
                values.push((moment(timestamp(after)), "too late"));
            }
            values
        }
        FormFieldType::Choice => {
            let none = match descriptor_of(&field.path).kind() {
                Kind::Enum(_) => Value::EnumNumber(99),
                _ => text("99".to_owned()),
            };
            if field.multiple {
                let many = choices(field, field.max_count + 1);
                vec![(Value::List(vec![none]), "no choice"), (many, "too many")]
            } else {
                vec![(none, "no choice")]
            }
        }
        FormFieldType::Boolean | FormFieldType::Count | FormFieldType::Unspecified => vec![],
    }
}

/// Whether a type fits the origin of the examples; anything that is no type does.
fn fits(choice: &VocabularyValue) -> bool {
    choice.origins.is_empty() || choice.origins.contains(&Origin::Malicious.into())
}

/// So many choices, those first that go together; the last is repeated when there are no more.
fn choices(field: &FormField, count: u32) -> Value {
    let fitting: Vec<_> = field.choices.iter().filter(|it| fits(it)).collect();
    let (together, alone): (Vec<_>, Vec<_>) = fitting.into_iter().partition(|it| !it.exclusive);
    let ordered: Vec<_> = together.into_iter().chain(alone).collect();
    let items = (0..count as usize).map(|index| {
        let choice = ordered[index.min(ordered.len() - 1)];
        match value(field, &choice.name) {
            Value::List(mut one) => one.remove(0),
            one => one,
        }
    });
    Value::List(items.collect())
}

/// An address of so many characters.
fn mail_of(length: usize) -> String {
    let domain = format!("{}.{}.fr", "d".repeat(63), "e".repeat(63));
    let rest = length - 64 - 1 - domain.len() - 1;
    format!("{}@{}.{domain}", "a".repeat(64), "c".repeat(rest))
}

//! The fields of a draft by their paths, as the contract describes them: whatever the contract
//! has can be amended, and its change is told.

use std::sync::LazyLock;

use prost::{Message as _, Name as _};
use prost_reflect::{
    DescriptorPool, DynamicMessage, FieldDescriptor, Kind, MessageDescriptor, ReflectMessage as _,
    Value,
};
use proto::intake::v1::ReportDraft;
use service::wire::{moment, timestamptz};

use crate::reports::{Facts, draft_to_wire};

static DRAFT: LazyLock<MessageDescriptor> = LazyLock::new(|| {
    let contracts = DescriptorPool::decode(proto::FILE_DESCRIPTOR_SET);
    contracts
        .expect("the contracts compiled in are valid")
        .get_message_by_name(&ReportDraft::full_name())
        .expect("the contracts have the draft")
});

/// What is declared once: another kind or structure is another report, and who declared it
/// stays who he was.
const IMMUTABLE: [&str; 3] = ["kind", "structure", "capacity"];

/// A field of a draft, by those that lead to it.
#[derive(Clone, Debug)]
pub(super) struct Path(Vec<FieldDescriptor>);

impl Path {
    /// Reads a path, as in `impacts.care`; nothing when the draft has no such field.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let mut message = Some(DRAFT.clone());
        let mut fields = Vec::new();
        for name in text.split('.') {
            let field = message?.get_field_by_name(name)?;
            message = within(&field);
            fields.push(field);
        }
        Some(Self(fields))
    }

    /// Whether an amendment may change it.
    pub(super) fn is_mutable(&self) -> bool {
        let first = self.0.first().map(FieldDescriptor::name);
        first.is_some_and(|name| !IMMUTABLE.contains(&name))
    }
}

/// A draft with the fields of these paths as another one has them.
pub(super) fn merge(draft: &ReportDraft, changes: &ReportDraft, paths: &[Path]) -> ReportDraft {
    let (mut merged, changes) = (dynamic(draft), dynamic(changes));
    for Path(fields) in paths {
        copy(fields, &changes, &mut merged);
    }
    merged
        .transcode_to()
        .expect("a message is read by its own description")
}

fn copy(path: &[FieldDescriptor], from: &DynamicMessage, to: &mut DynamicMessage) {
    let Some((field, below)) = path.split_first() else {
        return;
    };
    if below.is_empty() {
        if from.has_field(field) {
            to.set_field(field, from.get_field(field).into_owned());
        } else {
            to.clear_field(field);
        }
        return;
    }
    let from = from.get_field(field);
    if let (Some(from), Some(to)) = (from.as_message(), to.get_field_mut(field).as_message_mut()) {
        copy(below, from, to);
    }
    // Of whom or what nothing is said any more, is not said.
    let is_empty = |value: &Value| {
        value
            .as_message()
            .is_some_and(|it| it.fields().next().is_none())
    };
    let nothing_left = is_empty(&to.get_field(field));
    if nothing_left {
        to.clear_field(field);
    }
}

/// A field that differs, with both of its values as texts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct FieldChange {
    /// Its path.
    pub(super) path: String,
    /// What it said; empty when it was not said.
    pub(super) before: String,
    /// What it says.
    pub(super) after: String,
}

/// What differs between two drafts, in the order of the contract.
pub(super) fn changes(before: &ReportDraft, after: &ReportDraft) -> Vec<FieldChange> {
    let mut changes = Vec::new();
    compare("", &dynamic(before), &dynamic(after), &mut changes);
    changes
}

/// The paths of the fields that differ between two reports, but for their contacts.
pub(crate) fn changed_paths(before: &Facts, after: &Facts) -> Vec<String> {
    let (before, after) = (draft_to_wire(before, None), draft_to_wire(after, None));
    let changes = changes(&before, &after).into_iter();
    changes.map(|change| change.path).collect()
}

fn compare(
    prefix: &str,
    before: &DynamicMessage,
    after: &DynamicMessage,
    changes: &mut Vec<FieldChange>,
) {
    for field in before.descriptor().fields() {
        let path = format!("{prefix}{}", field.name());
        let (old, new) = (before.get_field(&field), after.get_field(&field));
        if let (Some(_), Some(old), Some(new)) =
            (within(&field), old.as_message(), new.as_message())
        {
            compare(&format!("{path}."), old, new, changes);
        } else if (before.has_field(&field), &old) != (after.has_field(&field), &new) {
            let said = |draft: &DynamicMessage, value: &Value| {
                if draft.has_field(&field) {
                    text(&field, value)
                } else {
                    String::new()
                }
            };
            changes.push(FieldChange {
                path,
                before: said(before, &old),
                after: said(after, &new),
            });
        }
    }
}

fn text(field: &FieldDescriptor, value: &Value) -> String {
    match value {
        Value::Bool(said) => said.to_string(),
        Value::I32(number) => number.to_string(),
        Value::I64(number) => number.to_string(),
        Value::U32(number) => number.to_string(),
        Value::U64(number) => number.to_string(),
        Value::String(text) => text.clone(),
        Value::EnumNumber(number) => match field.kind() {
            Kind::Enum(words) => words
                .get_value(*number)
                .map_or_else(|| number.to_string(), |word| word.name().to_owned()),
            _ => number.to_string(),
        },
        Value::List(values) => {
            let texts: Vec<String> = values.iter().map(|value| text(field, value)).collect();
            texts.join(", ")
        }
        Value::Message(message) => message
            .transcode_to::<prost_types::Timestamp>()
            .ok()
            .and_then(|timestamp| moment(&timestamp))
            .map(timestamptz)
            .unwrap_or_default(),
        Value::F32(_) | Value::F64(_) | Value::Bytes(_) | Value::Map(_) => String::new(),
    }
}

/// The message of a field whose own fields have paths: one of ours, once.
fn within(field: &FieldDescriptor) -> Option<MessageDescriptor> {
    match field.kind() {
        Kind::Message(message) if !field.is_list() && !field.is_map() => {
            Some(message).filter(|message| message.package_name().starts_with("vigie."))
        }
        _ => None,
    }
}

fn dynamic(draft: &ReportDraft) -> DynamicMessage {
    DynamicMessage::decode(DRAFT.clone(), draft.encode_to_vec().as_slice())
        .expect("a message is read by its own description")
}

#[cfg(test)]
mod tests {
    use proptest::{prelude::*, sample::subsequence};
    use service::wire::timestamp;
    use time::macros::datetime;

    use super::*;
    use crate::reports::properties::{parse, sound_draft};

    /// Every field that can be amended, of whatever the contract has.
    fn mutable_paths() -> Vec<String> {
        fn collect(prefix: &str, message: &MessageDescriptor, paths: &mut Vec<String>) {
            for field in message.fields() {
                let path = format!("{prefix}{}", field.name());
                match within(&field) {
                    Some(message) => collect(&format!("{path}."), &message, paths),
                    None => paths.push(path),
                }
            }
        }
        let mut paths = Vec::new();
        collect("", &DRAFT, &mut paths);
        paths.retain(|path| Path::parse(path).unwrap().is_mutable());
        paths
    }

    fn merged(draft: &ReportDraft, changes: &ReportDraft, paths: &[String]) -> ReportDraft {
        let paths: Vec<Path> = paths
            .iter()
            .map(|path| Path::parse(path).unwrap())
            .collect();
        merge(draft, changes, &paths)
    }

    proptest! {
        #[test]
        fn amendments_one_after_the_other_come_to_the_draft_made_at_once(
            first in sound_draft(),
            last in sound_draft(),
            paths in Just(mutable_paths()).prop_shuffle(),
            size in 1_usize..9,
        ) {
            let last = ReportDraft {
                kind: first.kind,
                structure: first.structure.clone(),
                capacity: first.capacity,
                ..last
            };
            let mut draft = first.clone();
            for paths in paths.chunks(size) {
                draft = merged(&draft, &last, paths);
            }
            let at_once = parse(last.clone());
            prop_assert!(at_once.is_ok());
            prop_assert_eq!(parse(draft), at_once.clone());

            // What is told to differ is all that does.
            let told: Vec<String> = changes(&first, &last).into_iter().map(|it| it.path).collect();
            prop_assert_eq!(parse(merged(&first, &last, &told)), at_once);
        }

        #[test]
        fn an_amendment_changes_the_fields_it_names_and_no_others(
            first in sound_draft(),
            last in sound_draft(),
            paths in subsequence(mutable_paths(), 0..8),
        ) {
            let amended = merged(&first, &last, &paths);
            for change in changes(&first, &amended) {
                prop_assert!(paths.contains(&change.path), "{}", change.path);
            }
        }
    }

    #[test]
    fn a_path_names_a_field_of_the_draft() {
        for path in [
            "description",
            "impacts",
            "impacts.care",
            "declarant.email",
            "regions",
        ] {
            assert!(
                Path::parse(path).is_some_and(|path| path.is_mutable()),
                "{path}"
            );
        }
        for path in ["kind", "structure", "structure.finess", "capacity"] {
            assert!(
                Path::parse(path).is_some_and(|path| !path.is_mutable()),
                "{path}"
            );
        }
        for path in [
            "",
            "*",
            "draft.description",
            "impacts.",
            "found_at.seconds",
            "regions.0",
        ] {
            assert!(Path::parse(path).is_none(), "{path}");
        }
    }

    #[test]
    fn a_change_is_told_in_words() {
        let before = ReportDraft {
            description: "Serveurs chiffrés".to_owned(),
            cross_border: Some(false),
            ..ReportDraft::default()
        };
        let after = ReportDraft {
            description: String::new(),
            found_at: Some(timestamp(datetime!(2026-11-23 09:00 UTC))),
            origin_types: vec![1, 77],
            cross_border: None,
            regions: vec!["76".to_owned(), "93".to_owned()],
            ..ReportDraft::default()
        };
        let told: Vec<_> = changes(&before, &after)
            .into_iter()
            .map(|it| format!("{}: {} -> {}", it.path, it.before, it.after))
            .collect();
        assert_eq!(
            told,
            [
                "found_at:  -> 2026-11-23T09:00:00Z",
                "description: Serveurs chiffrés -> ",
                "origin_types:  -> ORIGIN_TYPE_MALICIOUS_MESSAGE, 77",
                "regions:  -> 76, 93",
                "cross_border: false -> ",
            ]
        );
    }

    #[test]
    fn whoever_is_named_no_more_is_nobody() {
        let before = ReportDraft {
            alternate_contact: Some(proto::intake::v1::Contact {
                phone: "3646".to_owned(),
                ..Default::default()
            }),
            ..ReportDraft::default()
        };
        let paths = ["alternate_contact.phone".to_owned()];
        let after = merged(&before, &ReportDraft::default(), &paths);
        assert_eq!(after.alternate_contact, None);
    }
}

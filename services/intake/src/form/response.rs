//! The form and the words, for the wire.

use proto::intake::v1 as pb;
use service::wire::timestamp;
use vocabulary::{ReportKind, Word as _};

use super::{
    Condition, Field, Group, Input, Language, Section, Test, decide, texts,
    words::{self, Value},
};
use crate::reports::MAX_DRAFT_BYTES;

/// The form of a kind of report.
pub(super) fn form(kind: ReportKind, language: Language) -> pb::Form {
    let sections = decide::form(kind);
    pb::Form {
        kind: kind.number(),
        locale: language.tag().to_owned(),
        sections: sections.iter().map(|it| section(it, language)).collect(),
        max_bytes: number(MAX_DRAFT_BYTES),
    }
}

/// The words of the contract.
pub(super) fn vocabulary(language: Language) -> pb::GetVocabularyResponse {
    let shown = words::ENUMERATIONS
        .iter()
        .map(|it| pb::VocabularyEnumeration {
            name: it.name.to_owned(),
            values: choices(&it.values, language),
        });
    pb::GetVocabularyResponse {
        locale: language.tag().to_owned(),
        enumerations: shown.collect(),
    }
}

fn section(section: &Section, language: Language) -> pb::FormSection {
    pb::FormSection {
        name: section.name.to_owned(),
        label: texts::of_section(section.name, language).to_owned(),
        optional: section.optional,
        fields: section
            .fields
            .iter()
            .map(|it| field(it, language))
            .collect(),
        groups: section
            .groups
            .iter()
            .map(|it| group(it, language))
            .collect(),
    }
}

fn field(field: &Field, language: Language) -> pb::FormField {
    let text = texts::of_field(&field.path);
    let of_input = input(&field.input, language);
    pb::FormField {
        path: field.path.clone(),
        label: language.pick(text.label[0], text.label[1]).to_owned(),
        help: language.pick(text.help[0], text.help[1]).to_owned(),
        example: text.example.to_owned(),
        required: field.required,
        required_if: field.required_if.iter().map(condition).collect(),
        shown_if: field.shown_if.iter().map(condition).collect(),
        legal_basis: field.legal_basis.to_owned(),
        ..of_input
    }
}

/// What a field takes and which limits it has.
fn input(input: &Input, language: Language) -> pb::FormField {
    let of = |field_type: pb::FormFieldType| pb::FormField {
        r#type: field_type.into(),
        ..pb::FormField::default()
    };
    let text = |field_type, min: usize, max: usize| pb::FormField {
        min_length: number(min),
        max_length: number(max),
        ..of(field_type)
    };
    let choice = |name: &str, values: &[Value]| pb::FormField {
        enumeration: name.to_owned(),
        choices: choices(values, language),
        ..of(pb::FormFieldType::Choice)
    };
    let list = |max_count: usize, of_one| pb::FormField {
        multiple: true,
        max_count: number(max_count),
        ..of_one
    };
    match *input {
        Input::Line { min, max } => text(pb::FormFieldType::Line, min, max),
        Input::Text { min, max } => text(pb::FormFieldType::Text, min, max),
        Input::Identifier { length } => text(pb::FormFieldType::Identifier, length, length),
        Input::Email { max } => text(pb::FormFieldType::Email, 1, max),
        Input::Phone => text(pb::FormFieldType::Phone, 1, 0),
        Input::Department => choice("", &words::departments()),
        Input::Regions { max_count } => list(max_count, choice("", &words::regions())),
        Input::Word(name) => choice(name, words::values_of(name)),
        Input::Words { name, max_count } => list(max_count, choice(name, words::values_of(name))),
        Input::Boolean => of(pb::FormFieldType::Boolean),
        Input::Count => pb::FormField {
            max_value: u32::MAX,
            ..of(pb::FormFieldType::Count)
        },
        Input::Moment {
            earliest,
            ahead,
            not_after,
        } => pb::FormField {
            earliest: Some(timestamp(earliest)),
            max_seconds_ahead: u32::try_from(ahead.whole_seconds()).unwrap_or_default(),
            not_after: not_after.to_owned(),
            ..of(pb::FormFieldType::Moment)
        },
    }
}

fn choices(values: &[Value], language: Language) -> Vec<pb::VocabularyValue> {
    let shown = values.iter().map(|value| pb::VocabularyValue {
        name: value.name.clone(),
        number: value.number,
        word: value.word.clone(),
        label: language.pick(value.labels[0], value.labels[1]).to_owned(),
        origins: proto::numbers(&value.origins),
        exclusive: value.exclusive,
    });
    shown.collect()
}

fn condition(condition: &Condition) -> pb::FormCondition {
    let (kind, values) = match &condition.test {
        Test::Given => (pb::FormConditionKind::Given, &[][..]),
        Test::Absent => (pb::FormConditionKind::Absent, &[][..]),
        Test::OneOf(values) => (pb::FormConditionKind::OneOf, values.as_slice()),
        Test::NoneOf(values) => (pb::FormConditionKind::NoneOf, values.as_slice()),
    };
    let owned = |texts: &[&str]| texts.iter().map(|&it| it.to_owned()).collect();
    pb::FormCondition {
        paths: owned(&condition.paths),
        kind: kind.into(),
        values: owned(values),
    }
}

fn group(group: &Group, language: Language) -> pb::FormGroup {
    let label = texts::of_group(&group.violation_path, language);
    pb::FormGroup {
        label: label.to_owned(),
        paths: group.paths.clone(),
        exclusive: group.exclusive,
        violation_path: group.violation_path.clone(),
    }
}

fn number(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

//! The form has every field of a draft, the vocabulary every word of the contract, and the
//! page for people shows them.

use std::{collections::BTreeSet, fmt::Write as _, fs};

use prost::Name as _;
use prost_reflect::{DescriptorPool, Kind, MessageDescriptor};
use proto::intake::v1 as pb;
use vocabulary::{ReportKind, Word as _};

use super::{Language, response, texts};

/// Enumerations of the package that people do not meet.
const OF_PROGRAMS: [&str; 3] = [
    "vigie.intake.v1.FormConditionKind",
    "vigie.intake.v1.FormFieldType",
    "vigie.intake.v1.StructureFileLayout",
];

fn contracts() -> DescriptorPool {
    DescriptorPool::decode(proto::FILE_DESCRIPTOR_SET).unwrap()
}

fn forms() -> Vec<pb::Form> {
    let kinds = ReportKind::ALL.iter();
    kinds
        .map(|&kind| response::form(kind, Language::French))
        .collect()
}

fn fields(form: &pb::Form) -> impl Iterator<Item = &pb::FormField> {
    form.sections.iter().flat_map(|section| &section.fields)
}

/// The paths of all that a message holds, but for the messages in it.
fn leaves(message: &MessageDescriptor, path: &str, found: &mut BTreeSet<String>) {
    for field in message.fields() {
        let path = format!("{path}{}", field.name());
        match field.kind() {
            Kind::Message(within) if within.full_name() != "google.protobuf.Timestamp" => {
                leaves(&within, &format!("{path}."), found);
            }
            _ => {
                found.insert(path);
            }
        }
    }
}

#[test]
fn the_form_has_every_field_of_a_draft_once() {
    let contracts = contracts();
    let draft = contracts.get_message_by_name(&pb::ReportDraft::full_name());
    let mut expected = BTreeSet::new();
    leaves(&draft.unwrap(), "", &mut expected);
    for form in forms() {
        let paths: Vec<_> = fields(&form).map(|field| field.path.clone()).collect();
        assert_eq!(paths.len(), expected.len(), "{:?}", form.kind());
        assert_eq!(BTreeSet::from_iter(paths), expected, "{:?}", form.kind());
    }
}

#[test]
fn conditions_and_groups_are_of_fields_and_words_that_there_are() {
    for form in forms() {
        let field = |path: &str| fields(&form).find(|field| field.path == path);
        for of in fields(&form) {
            assert!(of.not_after.is_empty() || field(&of.not_after).is_some());
            for condition in of.shown_if.iter().chain(&of.required_if) {
                for path in &condition.paths {
                    let on = field(path).unwrap();
                    for value in &condition.values {
                        let known = on.choices.iter().any(|choice| choice.name == *value);
                        assert!(known || value == "true", "{path} {value}");
                    }
                }
            }
        }
        for group in form.sections.iter().flat_map(|section| &section.groups) {
            assert!(group.paths.iter().all(|path| field(path).is_some()));
        }
    }
}

#[test]
fn the_vocabulary_has_every_value_of_the_contract_by_its_name_and_its_number() {
    let told = response::vocabulary(Language::English).enumerations;
    let mut missing = BTreeSet::new();
    for expected in contracts().all_enums() {
        let name = expected.full_name().to_owned();
        let package = expected.package_name().to_owned();
        if !["vigie.types.v1", "vigie.intake.v1"].contains(&package.as_str()) {
            continue;
        }
        let Some(found) = told.iter().find(|it| it.name == name) else {
            missing.insert(name);
            continue;
        };
        let values = expected.values().filter(|value| value.number() != 0);
        let values: Vec<_> = values
            .map(|value| (value.name().to_owned(), value.number()))
            .collect();
        let told = found.values.iter();
        let told: Vec<_> = told.map(|it| (it.name.clone(), it.number)).collect();
        assert_eq!(told, values, "{name}");
    }
    assert_eq!(missing, OF_PROGRAMS.map(str::to_owned).into());
    let labels = told.iter().flat_map(|it| &it.values);
    assert!(labels.clone().all(|value| !value.label.is_empty()));

    let ransomware = labels
        .clone()
        .find(|it| it.name == "ORIGIN_TYPE_RANSOMWARE");
    assert_eq!(ransomware.unwrap().origins, [1]);
    assert_eq!(ransomware.unwrap().word, "ransomware");
    let exclusive = labels.filter(|it| it.exclusive);
    let exclusive: Vec<_> = exclusive.map(|it| it.name.as_str()).collect();
    assert_eq!(exclusive, ["DATA_IMPACT_NONE", "DATA_IMPACT_UNKNOWN"]);
}

#[test]
fn every_part_has_its_text_in_both_languages() {
    for form in forms() {
        for section in &form.sections {
            for field in &section.fields {
                let text = texts::of_field(&field.path);
                assert!(text.label.iter().all(|label| !label.is_empty()));
                let helps = text.help.map(str::is_empty);
                assert_eq!(helps[0], helps[1], "{}", field.path);
                assert!(!text.example.is_empty(), "{}", field.path);
            }
        }
    }
    let english = response::form(ReportKind::Incident, Language::of("en-GB"));
    let french = response::form(ReportKind::Incident, Language::of(""));
    assert_eq!(english.sections[1].label, "Structure concerned");
    assert_eq!(french.sections[1].label, "Structure concernée");
    for locale in ["fr", "FR-ca", " fr_FR.UTF-8 "] {
        assert_eq!(Language::of(locale), Language::French, "{locale}");
    }
    assert_eq!(Language::of("frr"), Language::English);
}

const BEGIN: &str = "<!-- fields: begin -->";
const END: &str = "<!-- fields: end -->";

/// `UPDATE_FORM=1 cargo test -p intake` writes the table of fields anew.
#[test]
fn the_page_for_people_shows_this_very_form() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/declaring.md");
    let page = fs::read_to_string(path).unwrap();
    let (before, rest) = page.split_once(BEGIN).unwrap();
    let (_, after) = rest.split_once(END).unwrap();
    let written = format!("{before}{BEGIN}\n{}\n{END}{after}", table());
    if option_env!("UPDATE_FORM").is_some() {
        fs::write(path, &written).unwrap();
    }
    assert_eq!(fs::read_to_string(path).unwrap(), written);
}

fn table() -> String {
    let forms = forms();
    let required = |path: &str| {
        let of_form = |form: &&pb::Form| fields(form).any(|it| it.path == path && it.required);
        let kinds: Vec<_> = forms.iter().filter(of_form).collect();
        if kinds.len() == forms.len() {
            return "yes".to_owned();
        }
        let words = kinds.iter().filter_map(|form| ReportKind::known(form.kind));
        let words: Vec<_> = words.map(|kind| format!("`{kind}`")).collect();
        words.join(", ")
    };
    let mut table = String::new();
    for section in &forms[0].sections {
        let optional = if section.optional {
            " (may be left out as a whole)"
        } else {
            ""
        };
        write!(
            table,
            "\n### {}{optional}\n\n\
             | field | | takes | required | text of law |\n|---|---|---|---|---|\n",
            section.label
        )
        .unwrap();
        for field in &section.fields {
            let mut required = required(&field.path);
            if !field.required_if.is_empty() {
                let conditions: Vec<_> = field.required_if.iter().map(said).collect();
                required = format!("if {}", conditions.join(" and "));
            }
            let group = section
                .groups
                .iter()
                .find(|group| group.paths.contains(&field.path));
            if let Some(group) = group {
                let rule = if group.exclusive {
                    "exactly one of these"
                } else {
                    "at least one of these"
                };
                required = format!("{rule}: {}", group.label.to_lowercase());
            }
            writeln!(
                table,
                "| `{}` | {} | {} | {required} | {} |",
                field.path,
                field.label,
                takes(field),
                field.legal_basis,
            )
            .unwrap();
        }
    }
    table
}

/// What a field takes, in words.
fn takes(field: &pb::FormField) -> String {
    let most = field.max_length;
    let one = match field.r#type() {
        pb::FormFieldType::Line => format!("a line of at most {most} characters"),
        pb::FormFieldType::Text => format!("a text of at most {most} characters"),
        pb::FormFieldType::Identifier => format!("{most} characters"),
        pb::FormFieldType::Email => format!("a mail address of at most {most} characters"),
        pb::FormFieldType::Phone => "a telephone number".to_owned(),
        pb::FormFieldType::Boolean => "yes or no".to_owned(),
        pb::FormFieldType::Count => "a number from 0".to_owned(),
        pb::FormFieldType::Moment if field.not_after.is_empty() => {
            "a moment of the past, not before 2000".to_owned()
        }
        pb::FormFieldType::Moment => format!("a moment, not after `{}`", field.not_after),
        pb::FormFieldType::Choice => {
            let name = field.enumeration.rsplit('.').next().unwrap_or_default();
            if name.is_empty() {
                "a number or code of the territory".to_owned()
            } else {
                format!("`{name}`")
            }
        }
        pb::FormFieldType::Unspecified => unreachable!("every field takes something"),
    };
    if field.multiple {
        format!("at most {} of {one}", field.max_count)
    } else {
        one
    }
}

/// A condition in words.
fn said(condition: &pb::FormCondition) -> String {
    let paths: Vec<_> = condition.paths.iter().map(|it| format!("`{it}`")).collect();
    let (paths, values) = (paths.join(" or "), condition.values.join(" or "));
    match condition.kind() {
        pb::FormConditionKind::Given => format!("{paths} is given"),
        pb::FormConditionKind::Absent => format!("{paths} is not"),
        pb::FormConditionKind::OneOf => format!("{paths} is {values}"),
        pb::FormConditionKind::NoneOf => format!("{paths} is not {values}"),
        pb::FormConditionKind::Unspecified => unreachable!("every condition says something"),
    }
}

//! `vigie report form` and `vigie vocabulary`: what a declaration asks, and the words of the
//! contract.

use std::collections::BTreeMap;

use proto::intake::v1::{self as pb, FormFieldType, form_service_client::FormServiceClient};

use crate::args::Service;
use crate::client::{Authenticated, Client};
use crate::draft::parse;
use crate::exit::Failure;
use crate::language::Language;
use crate::report::word;
use crate::{json, table};

/// Prints the form of a kind of report.
pub(crate) async fn print_form(kind: Option<&str>, client: &Client) -> Result<(), Failure> {
    let kind = kind.map(|word| parse::<vocabulary::ReportKind>("--kind", word));
    let request = pb::GetFormRequest {
        kind: kind.transpose()?.unwrap_or_default(),
        locale: locale(client.language),
    };
    let answer = service(client).await?.get_form(request).await?;
    let form = answer.into_inner().form.unwrap_or_default();
    if client.json {
        say!("{}", json::to_json(&form)?);
        return Ok(());
    }
    let language = client.language;
    let headings = [
        language.pick("champ", "field"),
        "",
        language.pick("attendu", "takes"),
        language.pick("obligatoire", "required"),
        language.pick("texte", "text of law"),
    ];
    for section in &form.sections {
        say!("{}", section.label.to_uppercase());
        table::print(
            headings,
            section.fields.iter().map(|field| {
                [
                    field.path.clone(),
                    field.label.clone(),
                    takes(field, language),
                    required(field, section, language),
                    field.legal_basis.clone(),
                ]
            }),
        );
        say!();
    }
    Ok(())
}

/// What people call the fields of a draft, by their paths, and the words of the contract, by
/// their names such as "ORIGIN_TYPE_RANSOMWARE".
pub(crate) async fn labels(client: &Client) -> Result<BTreeMap<String, String>, Failure> {
    let mut service = service(client).await?;
    let locale = locale(client.language);
    let request = pb::GetFormRequest {
        locale: locale.clone(),
        ..pb::GetFormRequest::default()
    };
    let form = service.get_form(request).await?.into_inner().form;
    let sections = form.unwrap_or_default().sections.into_iter();
    let fields = sections.flat_map(|section| section.fields);
    let mut labels: BTreeMap<String, String> =
        fields.map(|field| (field.path, field.label)).collect();
    let request = pb::GetVocabularyRequest { locale };
    let told = service.get_vocabulary(request).await?.into_inner();
    let values = told.enumerations.into_iter().flat_map(|it| it.values);
    // Codes of regions and departments would be taken for one another, and for numbers.
    let words = values.filter(|value| value.name.starts_with(|it: char| it.is_ascii_uppercase()));
    labels.extend(words.map(|value| (value.name, value.label)));
    Ok(labels)
}

/// Prints the words of the contract: of one enumeration, or the names of all.
pub(crate) async fn print_vocabulary(name: Option<&str>, client: &Client) -> Result<(), Failure> {
    let request = pb::GetVocabularyRequest {
        locale: locale(client.language),
    };
    let answer = service(client).await?.get_vocabulary(request).await?;
    let mut told = answer.into_inner();
    if let Some(name) = name {
        told.enumerations.retain(|it| is_called(&it.name, name));
        if told.enumerations.is_empty() {
            let why = format!("{name}: not one of those that `vigie vocabulary` lists");
            return Err(Failure::Usage(why));
        }
    }
    if client.json {
        say!("{}", json::to_json(&told)?);
        return Ok(());
    }
    let language = client.language;
    let headings = [
        language.pick("énumération", "enumeration"),
        language.pick("n°", "no."),
        language.pick("mot", "word"),
        language.pick("libellé", "label"),
        language.pick("origines", "origins"),
    ];
    let rows = told.enumerations.iter().flat_map(|enumeration| {
        let name = short(&enumeration.name);
        enumeration.values.iter().map(move |value| {
            let origins = value.origins.iter();
            let origins = origins.map(|&it| word::<vocabulary::Origin>(it, language));
            [
                name.to_owned(),
                value.number.to_string(),
                value.word.clone(),
                value.label.clone(),
                origins.collect::<Vec<_>>().join(", "),
            ]
        })
    });
    table::print(headings, rows);
    Ok(())
}

async fn service(client: &Client) -> Result<FormServiceClient<Authenticated>, Failure> {
    let channel = client.channel_to(Service::Intake).await?;
    Ok(FormServiceClient::new(channel))
}

fn locale(language: Language) -> String {
    language.pick("fr", "en").to_owned()
}

/// Whether an enumeration is meant by a name: "OriginType", "origin-type" or the full one.
fn is_called(full: &str, name: &str) -> bool {
    let letters = |text: &str| text.replace(['-', '_'], "").to_lowercase();
    full == name || letters(short(full)) == letters(name)
}

fn short(full: &str) -> &str {
    full.rsplit('.').next().unwrap_or(full)
}

/// What a field takes, in the person's language.
fn takes(field: &pb::FormField, language: Language) -> String {
    let words = match field.r#type() {
        FormFieldType::Line => language.pick("ligne", "line"),
        FormFieldType::Text => language.pick("texte", "text"),
        FormFieldType::Identifier => language.pick("numéro", "number"),
        FormFieldType::Email => language.pick("courriel", "mail address"),
        FormFieldType::Phone => language.pick("téléphone", "telephone"),
        FormFieldType::Boolean => language.pick("oui ou non", "yes or no"),
        FormFieldType::Count => language.pick("nombre", "count"),
        FormFieldType::Moment => language.pick("date et heure", "moment"),
        FormFieldType::Choice if field.enumeration.is_empty() => {
            language.pick("code du territoire", "code of the territory")
        }
        FormFieldType::Choice => short(&field.enumeration),
        FormFieldType::Unspecified => "",
    };
    let most = match (field.max_count, field.max_length) {
        (0, 0) => return words.to_owned(),
        (0, length) => language
            .pick("{} caractères au plus", "at most {} characters")
            .replace("{}", &length.to_string()),
        (count, _) => language
            .pick("{} au plus", "at most {}")
            .replace("{}", &count.to_string()),
    };
    format!("{words}, {most}")
}

fn required(field: &pb::FormField, section: &pb::FormSection, language: Language) -> String {
    let mut groups = section.groups.iter();
    let word = if groups.any(|group| group.paths.contains(&field.path)) {
        language.pick("au choix", "one of these")
    } else if field.required {
        language.pick("oui", "yes")
    } else if field.required_if.is_empty() {
        ""
    } else {
        language.pick("selon le cas", "at times")
    };
    word.to_owned()
}

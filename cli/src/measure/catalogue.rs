//! `vigie measure catalogue`: what the catalogue advises.

use clap::Args;
use proto::qualification::v1 as pb;
use vocabulary::{MeasureKind, OriginType, StructureKind};

use super::service;
use crate::client::Client;
use crate::draft::{parse, parse_all};
use crate::exit::Failure;
use crate::language::Language;
use crate::report::word;
use crate::{json, table};

#[derive(Args, Debug)]
pub(crate) struct CatalogueOptions {
    /// For this type of origin; may be repeated
    #[arg(long = "origin-type")]
    origin_types: Vec<String>,
    /// For this kind of structure
    #[arg(long)]
    structure_kind: Option<String>,
    /// Only this kind of measure; may be repeated
    #[arg(long = "kind")]
    kinds: Vec<String>,
    /// Language of the texts: fr or en; yours when it is not given
    #[arg(long)]
    locale: Option<String>,
    /// Show what each entry says
    #[arg(long)]
    text: bool,
    /// At most so many
    #[arg(long, default_value_t = 20)]
    limit: usize,
}

/// Lists the entries that fit, best first.
pub(super) async fn list(options: CatalogueOptions, client: &Client) -> Result<(), Failure> {
    let kind = options
        .structure_kind
        .map(|kind| parse::<StructureKind>("--structure-kind", &kind));
    let locale = options
        .locale
        .unwrap_or_else(|| client.language.pick("fr", "en").to_owned());
    let wanted = pb::ListCatalogueRequest {
        origin_types: parse_all::<OriginType>("--origin-type", &options.origin_types)?,
        structure_kind: kind.transpose()?.unwrap_or_default(),
        kinds: parse_all::<MeasureKind>("--kind", &options.kinds)?,
        locale,
        ..Default::default()
    };
    let mut service = service(client).await?;
    let mut listed = pb::ListCatalogueResponse::default();
    while listed.entries.len() < options.limit {
        let left = u32::try_from(options.limit - listed.entries.len()).unwrap_or(u32::MAX);
        let request = pb::ListCatalogueRequest {
            page_size: left.min(200),
            page_token: listed.next_page_token.clone(),
            ..wanted.clone()
        };
        let page = service.list_catalogue(request).await?.into_inner();
        listed.entries.extend(page.entries);
        listed.next_page_token = page.next_page_token;
        listed.version = page.version;
        if listed.next_page_token.is_empty() {
            break;
        }
    }
    if client.json {
        say!("{}", json::to_json(&listed)?);
    } else if options.text {
        for entry in &listed.entries {
            print_entry(entry, client.language);
        }
    } else {
        print_entries(&listed.entries, client.language);
    }
    Ok(())
}

fn print_entries(entries: &[pb::CatalogueEntry], language: Language) {
    let headings = [
        "code",
        language.pick("type", "kind"),
        language.pick("titre", "title"),
    ];
    table::print(
        headings,
        entries.iter().map(|entry| {
            [
                entry.code.clone(),
                word::<MeasureKind>(entry.kind, language),
                entry.title.clone(),
            ]
        }),
    );
}

fn print_entry(entry: &pb::CatalogueEntry, language: Language) {
    let all = |words: Vec<String>| words.join(", ");
    let origins = entry.origin_types.iter();
    let structures = entry.structure_kinds.iter();
    table::print_facts(&[
        ("Code", entry.code.clone()),
        (
            language.pick("Type", "Kind"),
            word::<MeasureKind>(entry.kind, language),
        ),
        (
            language.pick("Origines", "Origins"),
            all(origins
                .map(|it| word::<OriginType>(*it, language))
                .collect()),
        ),
        (
            "Structures",
            all(structures
                .map(|it| word::<StructureKind>(*it, language))
                .collect()),
        ),
        (language.pick("Titre", "Title"), entry.title.clone()),
        (language.pick("À faire", "What to do"), entry.text.clone()),
    ]);
    say!();
}

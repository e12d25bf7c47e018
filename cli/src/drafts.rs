//! `vigie draft`: drafts of reports, kept until they are sent.

use clap::Subcommand;
use proto::intake::v1::{self as pb, draft_service_client::DraftServiceClient};
use proto::types::v1::structure_identifier::Identifier;
use tonic::Code;
use uuid::Uuid;

use crate::args::Service;
use crate::client::{Authenticated, Client};
use crate::draft::{self, DraftOptions};
use crate::exit::Failure;
use crate::language::Language;
use crate::report::{self, word};
use crate::{clock, json, table};

#[derive(Subcommand, Debug)]
#[expect(
    clippy::large_enum_variant,
    reason = "one is made in the life of the process"
)]
pub(crate) enum DraftCommand {
    /// Save a draft, however unfinished; a new one, or one to go on with
    Save {
        /// UUID of the draft to go on with: what is not given stays as it is
        draft: Option<Uuid>,
        #[command(flatten)]
        options: DraftOptions,
    },
    /// Show a draft
    Show {
        /// UUID of the draft
        draft: Uuid,
    },
    /// List your drafts, last saved first
    List {
        /// At most so many
        #[arg(long, default_value_t = 20)]
        limit: usize,
    },
    /// Erase a draft
    Delete {
        /// UUID of the draft
        draft: Uuid,
        /// The same at every retry
        #[arg(long)]
        request_id: Option<Uuid>,
    },
    /// Send a draft as a report, print its receipt and erase the draft
    Send {
        /// UUID of the draft
        draft: Uuid,
    },
}

pub(crate) async fn run(command: DraftCommand, client: &Client) -> Result<(), Failure> {
    let channel = client.channel_to(Service::Intake).await?;
    let mut service = DraftServiceClient::new(channel);
    match command {
        DraftCommand::Save { draft, options } => {
            let request = to_save(draft, &options, &mut service, client.language).await?;
            let answer = service.save_draft(request).await?.into_inner();
            show(&answer.draft.unwrap_or_default(), client)
        }
        DraftCommand::Show { draft } => show(&fetch(draft, &mut service).await?, client),
        DraftCommand::List { limit } => list(limit, &mut service, client).await,
        DraftCommand::Delete { draft, request_id } => {
            let request = pb::DeleteDraftRequest {
                request_id: request_id.unwrap_or_else(Uuid::now_v7).to_string(),
                draft_id: draft.to_string(),
            };
            let answer = service.delete_draft(request).await?.into_inner();
            if client.json {
                say!("{}", json::to_json(&answer)?);
            }
            Ok(())
        }
        DraftCommand::Send { draft } => {
            let saved = fetch(draft, &mut service).await?;
            let request = pb::SubmitReportRequest {
                request_id: Uuid::now_v7().to_string(),
                draft: saved.draft,
                draft_id: draft.to_string(),
                // What was saved in another window since it was read is kept.
                draft_etag: saved.etag,
                ..pb::SubmitReportRequest::default()
            };
            report::send(request, client).await
        }
    }
}

/// What is to be saved: the flags over the draft that is gone on with, if it is there, over a
/// file, or over a new one. One that is kept and does not open is replaced by a file alone.
async fn to_save(
    draft_id: Option<Uuid>,
    options: &DraftOptions,
    service: &mut DraftServiceClient<Authenticated>,
    language: Language,
) -> Result<pb::SaveDraftRequest, Failure> {
    let kept = match draft_id {
        Some(draft_id) => match fetch(draft_id, service).await {
            Ok(kept) => Some(kept),
            Err(Failure::Refused(status)) if status.code() == Code::NotFound => None,
            Err(failure) => return Err(failure),
        },
        None => None,
    };
    let is_closed = kept.as_ref().is_some_and(|kept| kept.draft.is_none());
    if is_closed && options.file.is_none() {
        let why = language.pick(
            "ce brouillon ne s'ouvre pas ; donnez --file pour le remplacer",
            "this draft does not open; give --file to replace it",
        );
        return Err(Failure::Local(anyhow::anyhow!(why)));
    }
    let etag = kept.as_ref().map(|kept| kept.etag.clone());
    let content = kept.and_then(|kept| kept.draft);
    let draft = match content.filter(|_| options.file.is_none()) {
        Some(mut draft) => {
            draft::apply(options, &mut draft)?;
            draft
        }
        None => draft::request(options, clock::now())?
            .draft
            .unwrap_or_default(),
    };
    Ok(pb::SaveDraftRequest {
        request_id: Uuid::now_v7().to_string(),
        draft_id: draft_id.map(|id| id.to_string()).unwrap_or_default(),
        draft: Some(draft),
        etag: etag.unwrap_or_default(),
    })
}

async fn fetch(
    draft_id: Uuid,
    service: &mut DraftServiceClient<Authenticated>,
) -> Result<pb::SavedDraft, Failure> {
    let request = pb::GetDraftRequest {
        draft_id: draft_id.to_string(),
    };
    let answer = service.get_draft(request).await?.into_inner();
    Ok(answer.draft.unwrap_or_default())
}

async fn list(
    limit: usize,
    service: &mut DraftServiceClient<Authenticated>,
    client: &Client,
) -> Result<(), Failure> {
    let listed = pages!(
        service.list_drafts(pb::ListDraftsRequest::default()) -> pb::ListDraftsResponse,
        drafts,
        limit
    );
    if client.json {
        say!("{}", json::to_json(&listed)?);
        return Ok(());
    }
    let language = client.language;
    let headings = [
        language.pick("brouillon", "draft"),
        language.pick("enregistré le", "saved"),
        language.pick("effacé le", "erased"),
        language.pick("objet", "kind"),
        "structure",
        "description",
    ];
    table::print(
        headings,
        listed.drafts.iter().map(|saved| {
            let draft = saved.draft.clone().unwrap_or_default();
            [
                saved.draft_id.clone(),
                client.zone.show(saved.saved_at),
                client.zone.show(saved.expires_at),
                word::<vocabulary::ReportKind>(draft.kind, language),
                structure(&draft),
                beginning(&draft.description),
            ]
        }),
    );
    Ok(())
}

fn show(saved: &pb::SavedDraft, client: &Client) -> Result<(), Failure> {
    if client.json {
        say!("{}", json::to_json(saved)?);
        return Ok(());
    }
    let language = client.language;
    let draft = saved.draft.clone().unwrap_or_default();
    let declarant = draft.declarant.clone().unwrap_or_default();
    let name = format!("{} {}", declarant.given_name, declarant.family_name);
    table::print_facts(&[
        (language.pick("Brouillon", "Draft"), saved.draft_id.clone()),
        (
            language.pick("Enregistré le", "Saved"),
            client.zone.show(saved.saved_at),
        ),
        (
            language.pick("Effacé le", "Erased"),
            client.zone.show(saved.expires_at),
        ),
        (
            language.pick("Objet", "Kind"),
            word::<vocabulary::ReportKind>(draft.kind, language),
        ),
        ("Structure", structure(&draft)),
        (
            language.pick("Constaté le", "Noticed"),
            client.zone.show(draft.found_at),
        ),
        (
            language.pick("Origine", "Origin"),
            word::<vocabulary::Origin>(draft.origin, language),
        ),
        (
            language.pick("Déclarant", "Declarant"),
            name.trim().to_owned(),
        ),
        (language.pick("Courriel", "Mail"), declarant.email),
        (language.pick("Téléphone", "Telephone"), declarant.phone),
        ("Description", draft.description),
    ]);
    Ok(())
}

/// The structure as the draft names it.
fn structure(draft: &pb::ReportDraft) -> String {
    let structure = draft.structure.clone().unwrap_or_default();
    match structure.identifier {
        Some(Identifier::Finess(number) | Identifier::Siret(number) | Identifier::Rpps(number)) => {
            number
        }
        Some(Identifier::Described(described)) => described.name,
        None => String::new(),
    }
}

/// The beginning of a text, as a list shows it.
fn beginning(text: &str) -> String {
    const MOST: usize = 60;
    if text.chars().count() <= MOST {
        return text.to_owned();
    }
    text.chars().take(MOST).chain(['…']).collect()
}

//! `vigie message`: the exchanges on a case.

use clap::{Subcommand, ValueEnum};
use proto::qualification::v1::{self as pb, message_service_client::MessageServiceClient};
use uuid::Uuid;

use crate::args::{Service, free_text};
use crate::case::case_id;
use crate::client::Client;
use crate::exit::Failure;
use crate::language::Language;
use crate::report::word;
use crate::{json, table};

#[derive(Subcommand, Debug)]
pub(crate) enum MessageCommand {
    /// Write to those concerned by a case
    Post {
        /// UUID of the case, or reference of the report
        case: String,
        /// Who reads it
        #[arg(long, value_enum, default_value = "structure")]
        to: Audience,
        /// What it says
        #[arg(long, allow_hyphen_values = true, value_parser = free_text)]
        text: String,
        /// The same at every retry
        #[arg(long)]
        request_id: Option<Uuid>,
    },
    /// List the messages of a case, newest first
    List {
        /// UUID of the case, or reference of the report
        case: String,
        /// The internal notes of your own organisation instead
        #[arg(long)]
        internal: bool,
        /// At most so many
        #[arg(long, default_value_t = 20)]
        limit: usize,
    },
    /// Mark the messages of a case as read, for your side
    Read {
        /// UUID of the case, or reference of the report
        case: String,
        /// Up to the message of this number; the newest when not given
        #[arg(long)]
        up_to: Option<u64>,
        /// The same at every retry
        #[arg(long, requires = "up_to")]
        request_id: Option<Uuid>,
    },
}

/// Who reads a message.
#[derive(ValueEnum, Clone, Copy, Debug)]
pub(crate) enum Audience {
    /// The structure, the cell, the FSSI and the agencies
    Structure,
    /// The cell, the FSSI and the agencies
    Agencies,
    /// Your own organisation alone
    Internal,
}

pub(crate) async fn run(command: MessageCommand, client: &Client) -> Result<(), Failure> {
    match command {
        MessageCommand::Post {
            case,
            to,
            text,
            request_id,
        } => {
            let audience = match to {
                Audience::Structure => pb::Audience::Structure,
                Audience::Agencies => pb::Audience::Agencies,
                Audience::Internal => pb::Audience::Internal,
            };
            let request = pb::PostMessageRequest {
                request_id: request_id.unwrap_or_else(Uuid::now_v7).to_string(),
                case_id: case_id(case, client).await?,
                audience: audience.into(),
                text,
            };
            let channel = client.channel_to(Service::Qualification).await?;
            let mut service = MessageServiceClient::new(channel);
            let answer = service.post_message(request).await?;
            let message = answer.into_inner().message.unwrap_or_default();
            if client.json {
                say!("{}", json::to_json(&message)?);
            } else {
                print(&[message], client);
            }
            Ok(())
        }
        MessageCommand::List {
            case,
            internal,
            limit,
        } => list(case, internal, limit, client).await,
        MessageCommand::Read {
            case,
            up_to,
            request_id,
        } => read(case, up_to, request_id, client).await,
    }
}

async fn read(
    case: String,
    up_to: Option<u64>,
    request_id: Option<Uuid>,
    client: &Client,
) -> Result<(), Failure> {
    let channel = client.channel_to(Service::Qualification).await?;
    let mut service = MessageServiceClient::new(channel);
    let mut page_token = String::new();
    // Found among the newest, as a rule.
    let message = loop {
        let request = pb::ListMessagesRequest {
            case_id: case.clone(),
            page_size: 200,
            page_token,
            internal: false,
        };
        let page = service.list_messages(request).await?.into_inner();
        let mut messages = page.messages.into_iter();
        let wanted = |it: &pb::Message| up_to.is_none_or(|up_to| it.number <= up_to);
        if let Some(message) = messages.find(wanted) {
            break Some(message);
        }
        page_token = page.next_page_token;
        if page_token.is_empty() {
            break None;
        }
    };
    let language = client.language;
    let marked = match message {
        Some(message) => {
            let request = pb::MarkMessagesReadRequest {
                request_id: request_id.unwrap_or_else(Uuid::now_v7).to_string(),
                case_id: message.case_id,
                message_id: message.message_id,
            };
            service.mark_messages_read(request).await?.into_inner()
        }
        None => pb::MarkMessagesReadResponse::default(),
    };
    if client.json {
        say!("{}", json::to_json(&marked)?);
    } else if marked.read_up_to == 0 {
        say!("{}", language.pick("Rien à lire.", "Nothing to read."));
    } else {
        let up_to = language.pick("Lu jusqu'au message", "Read up to message");
        say!("{up_to} {}.", marked.read_up_to);
    }
    Ok(())
}

async fn list(case: String, internal: bool, limit: usize, client: &Client) -> Result<(), Failure> {
    let channel = client.channel_to(Service::Qualification).await?;
    let mut service = MessageServiceClient::new(channel);
    let listed = pages!(
        service.list_messages(pb::ListMessagesRequest {
            case_id: case.clone(),
            internal,
            ..Default::default()
        }) -> pb::ListMessagesResponse,
        messages,
        limit
    );
    if client.json {
        say!("{}", json::to_json(&listed)?);
    } else {
        print(&listed.messages, client);
    }
    Ok(())
}

fn print(messages: &[pb::Message], client: &Client) {
    let language = client.language;
    let headings = [
        language.pick("n°", "no."),
        language.pick("quand", "when"),
        language.pick("par", "by"),
        language.pick("pour", "to"),
        language.pick("message", "message"),
        language.pick("lu", "read"),
    ];
    table::print(
        headings,
        messages.iter().map(|message| {
            let role = word::<vocabulary::Role>(message.author_role, language);
            let erased = language.pick("(effacé)", "(erased)");
            [
                message.number.to_string(),
                client.zone.show(message.posted_at),
                format!("{role} {}", message.author).trim_end().to_owned(),
                audience(message.audience(), language).to_owned(),
                if message.erased {
                    erased.to_owned()
                } else {
                    message.text.clone()
                },
                read_by(&message.read_by, client),
            ]
        }),
    );
}

fn audience(audience: pb::Audience, language: Language) -> &'static str {
    match audience {
        pb::Audience::Structure => language.pick("structure et agences", "structure and agencies"),
        pb::Audience::Agencies => language.pick("agences seules", "agencies only"),
        pb::Audience::Internal => language.pick("interne", "internal"),
        pb::Audience::Unspecified => "",
    }
}

/// Who has read a message and when, like "lu par la structure le …".
fn read_by(marks: &[pb::ReadMark], client: &Client) -> String {
    let language = client.language;
    let by = marks.iter().filter_map(|mark| {
        let side = match mark.side() {
            pb::ReaderSide::Structure => language.pick("la structure", "the structure"),
            pb::ReaderSide::Cell => language.pick("la cellule", "the cell"),
            pb::ReaderSide::SecurityOfficer => language.pick("le FSSI", "the FSSI"),
            pb::ReaderSide::Agency => language.pick("l'ARS", "the ARS"),
            pb::ReaderSide::Unspecified => return None,
        };
        let side = format!("{side} {}", mark.region);
        let (by, on) = (
            language.pick("lu par", "read by"),
            language.pick("le", "on"),
        );
        let at = client.zone.show(mark.read_at);
        Some(format!("{by} {} {on} {at}", side.trim_end()))
    });
    by.collect::<Vec<_>>().join(", ")
}

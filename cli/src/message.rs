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
        /// At most so many
        #[arg(long, default_value_t = 20)]
        limit: usize,
    },
}

/// Who reads a message.
#[derive(ValueEnum, Clone, Copy, Debug)]
pub(crate) enum Audience {
    /// The structure, the cell, the FSSI and the agencies
    Structure,
    /// The cell, the FSSI and the agencies
    Agencies,
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
        MessageCommand::List { case, limit } => list(case, limit, client).await,
    }
}

async fn list(case: String, limit: usize, client: &Client) -> Result<(), Failure> {
    let channel = client.channel_to(Service::Qualification).await?;
    let mut service = MessageServiceClient::new(channel);
    let listed = pages!(
        service.list_messages(pb::ListMessagesRequest {
            case_id: case.clone(),
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
            ]
        }),
    );
}

fn audience(audience: pb::Audience, language: Language) -> &'static str {
    match audience {
        pb::Audience::Structure => language.pick("structure et agences", "structure and agencies"),
        pb::Audience::Agencies => language.pick("agences seules", "agencies only"),
        pb::Audience::Unspecified => "",
    }
}

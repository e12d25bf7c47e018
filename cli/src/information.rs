//! `vigie information`: what is asked of a structure on a case, and what it answers.

use clap::Subcommand;
use proto::qualification::v1::{
    self as pb, information_request_service_client::InformationRequestServiceClient,
};
use uuid::Uuid;

use crate::args::{Service, free_text};
use crate::case::case_id;
use crate::client::{Authenticated, Client};
use crate::exit::Failure;
use crate::language::Language;
use crate::report::word;
use crate::{clock, json, table};

#[derive(Subcommand, Debug)]
pub(crate) enum InformationCommand {
    /// Request information of the structure
    Ask {
        /// UUID of the case, or reference of the report
        case: String,
        /// What is asked
        #[arg(long, allow_hyphen_values = true, value_parser = free_text)]
        question: String,
        /// Until when the answer is expected, like 2026-11-02T08:00:00+01:00
        #[arg(long)]
        due_at: Option<String>,
        /// The same at every retry
        #[arg(long)]
        request_id: Option<Uuid>,
    },
    /// Answer a request
    Answer {
        /// UUID of the request for information
        information_request: String,
        /// The answer
        #[arg(long, allow_hyphen_values = true, value_parser = free_text)]
        text: String,
        /// The same at every retry
        #[arg(long)]
        request_id: Option<Uuid>,
    },
    /// Cancel a request that is no longer needed
    Cancel {
        /// UUID of the request for information
        information_request: String,
        /// Why, for the structure
        #[arg(long, default_value = "", allow_hyphen_values = true, value_parser = free_text)]
        reason: String,
        /// The same at every retry
        #[arg(long)]
        request_id: Option<Uuid>,
    },
    /// List the requests on a case, newest first
    List {
        /// UUID of the case, or reference of the report
        case: String,
        /// At most so many
        #[arg(long, default_value_t = 20)]
        limit: usize,
    },
}

pub(crate) async fn run(command: InformationCommand, client: &Client) -> Result<(), Failure> {
    let answer = match command {
        InformationCommand::Ask {
            case,
            question,
            due_at,
            request_id,
        } => {
            let due_at = due_at.map(|due_at| clock::parse("--due-at", &due_at));
            let request = pb::RequestInformationRequest {
                request_id: same(request_id),
                case_id: case_id(case, client).await?,
                question,
                due_at: due_at.transpose()?,
                etag: String::new(),
            };
            let answer = service(client).await?.request_information(request).await?;
            answer.into_inner().information_request
        }
        InformationCommand::Answer {
            information_request,
            text,
            request_id,
        } => {
            let request = pb::AnswerInformationRequestRequest {
                request_id: same(request_id),
                information_request_id: information_request,
                answer: text,
            };
            let mut service = service(client).await?;
            let answer = service.answer_information_request(request).await?;
            answer.into_inner().information_request
        }
        InformationCommand::Cancel {
            information_request,
            reason,
            request_id,
        } => {
            let request = pb::CancelInformationRequestRequest {
                request_id: same(request_id),
                information_request_id: information_request,
                reason,
            };
            let mut service = service(client).await?;
            let answer = service.cancel_information_request(request).await?;
            answer.into_inner().information_request
        }
        InformationCommand::List { case, limit } => return list(case, limit, client).await,
    };
    let request = answer.unwrap_or_default();
    if client.json {
        say!("{}", json::to_json(&request)?);
    } else {
        print(&[request], client);
    }
    Ok(())
}

fn same(request_id: Option<Uuid>) -> String {
    request_id.unwrap_or_else(Uuid::now_v7).to_string()
}

async fn service(
    client: &Client,
) -> Result<InformationRequestServiceClient<Authenticated>, Failure> {
    let channel = client.channel_to(Service::Qualification).await?;
    Ok(InformationRequestServiceClient::new(channel))
}

async fn list(case: String, limit: usize, client: &Client) -> Result<(), Failure> {
    let mut service = service(client).await?;
    let listed = pages!(
        service.list_information_requests(pb::ListInformationRequestsRequest {
            case_id: case.clone(),
            ..Default::default()
        }) -> pb::ListInformationRequestsResponse,
        information_requests,
        limit
    );
    if client.json {
        say!("{}", json::to_json(&listed)?);
    } else {
        print(&listed.information_requests, client);
    }
    Ok(())
}

fn print(requests: &[pb::InformationRequest], client: &Client) {
    let language = client.language;
    let headings = [
        language.pick("demande", "request"),
        language.pick("quand", "when"),
        language.pick("par", "by"),
        language.pick("état", "state"),
        language.pick("pour le", "due"),
        "question",
        language.pick("réponse", "answer"),
    ];
    table::print(
        headings,
        requests.iter().map(|request| {
            let role = word::<vocabulary::Role>(request.asked_by_role, language);
            let text = |text: &String| {
                if request.erased {
                    language.pick("(effacé)", "(erased)").to_owned()
                } else {
                    text.clone()
                }
            };
            [
                request.information_request_id.clone(),
                client.zone.show(request.asked_at),
                format!("{role} {}", request.asked_by).trim_end().to_owned(),
                state(request, language).to_owned(),
                client.zone.show(request.due_at),
                text(&request.question),
                text(&request.answer),
            ]
        }),
    );
}

fn state(request: &pb::InformationRequest, language: Language) -> &'static str {
    match request.state() {
        _ if request.overdue => language.pick("en retard", "overdue"),
        pb::InformationRequestState::Open => language.pick("en attente", "open"),
        pb::InformationRequestState::Answered => language.pick("répondue", "answered"),
        pb::InformationRequestState::Cancelled => language.pick("annulée", "cancelled"),
        pb::InformationRequestState::Unspecified => "",
    }
}

//! `vigie case attach`, `detach` and `attached`: cases of one cause.

use clap::Subcommand;
use proto::qualification::v1::{self as pb, cause_service_client::CauseServiceClient};

use crate::args::{Service, free_text};
use crate::case::{case_id, fetch, new_request, show};
use crate::client::{Authenticated, Client};
use crate::exit::Failure;
use crate::language::Language;
use crate::{json, queue, table};

/// How many cases one call attaches.
const MOST: usize = 500;

#[derive(Subcommand, Debug)]
pub(crate) enum CauseCommand {
    /// Attach cases to the case of their common cause
    Attach {
        /// UUIDs, or references of the reports
        #[arg(required_unless_present = "suggested")]
        cases: Vec<String>,
        /// The case of the common cause: UUID, or reference of its report
        #[arg(long)]
        to: String,
        /// Those whose declarations name its report as that of their cause
        #[arg(long, conflicts_with = "cases")]
        suggested: bool,
        /// A note for those who follow the cases
        #[arg(long, default_value = "", allow_hyphen_values = true, value_parser = free_text)]
        note: String,
    },
    /// Detach a case from that of its common cause
    Detach {
        /// UUID, or reference of the report
        case: String,
        /// A note for those who follow the case
        #[arg(long, default_value = "", allow_hyphen_values = true, value_parser = free_text)]
        note: String,
    },
    /// List the cases attached to one, latest first
    Attached {
        /// UUID, or reference of the report
        case: String,
        /// Instead those whose declarations name its report, and that are attached to none
        #[arg(long)]
        suggested: bool,
        /// At most so many
        #[arg(long, default_value_t = 20)]
        limit: usize,
    },
}

pub(crate) async fn run(command: CauseCommand, client: &Client) -> Result<(), Failure> {
    match command {
        CauseCommand::Attach {
            cases,
            to,
            suggested,
            note,
        } => {
            let to = case_id(to, client).await?;
            match <[String; 1]>::try_from(cases) {
                Ok([case]) => attach(case, to, note, client).await,
                Err(_) if suggested => {
                    let found = listed(&to, true, usize::MAX, client).await?.cases;
                    let found = found.into_iter().map(|case| case.case_id).collect();
                    attach_many(found, to, note, client).await
                }
                Err(cases) => {
                    let mut case_ids = Vec::new();
                    for case in cases {
                        case_ids.push(case_id(case, client).await?);
                    }
                    attach_many(case_ids, to, note, client).await
                }
            }
        }
        CauseCommand::Detach { case, note } => {
            let case = fetch(case, client).await?;
            let request = pb::DetachCaseRequest {
                request_id: new_request(),
                case_id: case.case_id,
                etag: case.etag,
                note,
            };
            let answer = service(client).await?.detach_case(request).await?;
            show(&answer.into_inner().case.unwrap_or_default(), client)
        }
        CauseCommand::Attached {
            case,
            suggested,
            limit,
        } => {
            let answer = listed(&case, suggested, limit, client).await?;
            if client.json {
                say!("{}", json::to_json(&answer)?);
            } else {
                queue::print(&answer.cases, client);
            }
            Ok(())
        }
    }
}

async fn service(client: &Client) -> Result<CauseServiceClient<Authenticated>, Failure> {
    let channel = client.channel_to(Service::Qualification).await?;
    Ok(CauseServiceClient::new(channel))
}

async fn attach(case: String, to: String, note: String, client: &Client) -> Result<(), Failure> {
    let case = fetch(case, client).await?;
    let request = pb::AttachCaseRequest {
        request_id: new_request(),
        case_id: case.case_id,
        etag: case.etag,
        parent_case_id: to,
        note,
    };
    let answer = service(client).await?.attach_case(request).await?;
    show(&answer.into_inner().case.unwrap_or_default(), client)
}

/// Attaches cases, and says what became of each; fails when one is not attached.
async fn attach_many(
    case_ids: Vec<String>,
    to: String,
    note: String,
    client: &Client,
) -> Result<(), Failure> {
    let mut answer = pb::AttachCasesResponse::default();
    let mut service = service(client).await?;
    for case_ids in case_ids.chunks(MOST) {
        let request = pb::AttachCasesRequest {
            request_id: new_request(),
            parent_case_id: to.clone(),
            case_ids: case_ids.to_vec(),
            note: note.clone(),
        };
        let attached = service.attach_cases(request).await?.into_inner();
        answer.results.extend(attached.results);
    }
    let language = client.language;
    if client.json {
        say!("{}", json::to_json(&answer)?);
    } else {
        let headings = [
            language.pick("dossier", "case"),
            language.pick("rattaché", "attached"),
            language.pick("motif", "why not"),
        ];
        let rows = answer.results.iter().map(|result| {
            let attached = if result.attached {
                language.pick("oui", "yes")
            } else {
                language.pick("non", "no")
            };
            let why = match result.reason.as_str() {
                "" => String::new(),
                reason => format!("{} [{reason}]", result.description),
            };
            [result.case_id.clone(), attached.to_owned(), why]
        });
        table::print(headings, rows);
    }
    let failed = answer.results.iter().filter(|it| !it.attached).count();
    if failed == 0 {
        return Ok(());
    }
    let why = language.pick("dossiers non rattachés", "cases not attached");
    Err(Failure::Local(anyhow::anyhow!("{failed} {why}")))
}

async fn listed(
    case: &str,
    suggested: bool,
    limit: usize,
    client: &Client,
) -> Result<pb::ListAttachedCasesResponse, Failure> {
    let mut service = service(client).await?;
    Ok(pages!(
        service.list_attached_cases(pb::ListAttachedCasesRequest {
            case_id: case.to_owned(),
            suggested,
            ..Default::default()
        }) -> pb::ListAttachedCasesResponse,
        cases,
        limit
    ))
}

/// Where a case stands among those of its cause; empty when it has none.
pub(crate) fn summary(case: &pb::Case, language: Language) -> String {
    if !case.parent_case_id.is_empty() {
        return case.parent_case_id.clone();
    }
    if case.children > 0 {
        let attached = language.pick("dossiers rattachés", "attached cases");
        return format!("{} {attached}", case.children);
    }
    if case.cause_reference.is_empty() {
        return String::new();
    }
    let suggested = language.pick("selon le signalement", "as the report says");
    format!("{} ({suggested})", case.cause_reference)
}

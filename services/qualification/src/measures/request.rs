//! Requests about measures, strictly read: every violation is told at once.

use platform::{Result, Violations};
use proto::qualification::v1::{self as pb, propose_measure_request::Content};
use serde_json::{Value, json};
use service::{Fields, Page, wire};
use uuid::Uuid;
use vocabulary::{Word as _, is_empty_text};

use super::{
    catalogue::{Language, Wanted},
    decide::{Command, Proposal},
};

/// A command as it was asked for.
#[derive(Debug)]
pub(super) struct CommandRequest {
    /// The same at every retry.
    pub(super) request_id: Uuid,
    /// The case.
    pub(super) case_id: Uuid,
    /// The measure; a new one when `None`.
    pub(super) measure_id: Option<Uuid>,
    /// The etag that the measure must still have; any when `None`.
    pub(super) etag: Option<String>,
    /// What to do.
    pub(super) command: Command,
}

/// What every request for a step of a measure carries.
struct Named<'a> {
    request_id: &'a str,
    case_id: &'a str,
    measure_id: &'a str,
    etag: &'a str,
}

/// Whether a request is about a measure that exists.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Subject {
    Existing,
    NewOrExisting,
    New,
}

/// Takes the fields that every request for a step has.
macro_rules! named {
    ($request:ident) => {
        Named {
            request_id: &$request.request_id,
            case_id: &$request.case_id,
            measure_id: &$request.measure_id,
            etag: &$request.etag,
        }
    };
}

/// Reads a request to propose a measure.
pub(super) fn propose(request: pb::ProposeMeasureRequest) -> Result<CommandRequest> {
    let mut violations = Violations::default();
    let mut fields = Fields::new("", &mut violations);
    let proposal = match request.content {
        None => {
            fields.missing("content");
            None
        }
        Some(Content::FromCatalogue(choice)) => fields
            .within("from_catalogue")
            .required_text("code", choice.code)
            .map(|code| Proposal::Entry {
                code,
                language: Language::of_tag(&choice.locale),
            }),
        Some(Content::Draft(draft)) => {
            let mut fields = fields.within("draft");
            let kind = fields.required_word("kind", draft.kind);
            let title = fields.required_text("title", draft.title);
            let text = fields.required_text("text", draft.text);
            match (kind, title, text) {
                (Some(kind), Some(title), Some(text)) => {
                    Some(Proposal::Draft { kind, title, text })
                }
                _ => None,
            }
        }
    };
    let propose = proposal.map(Command::Propose);
    command(
        &named!(request),
        Subject::NewOrExisting,
        propose,
        violations,
    )
}

/// Reads a request to ask the cell for measures.
pub(super) fn ask(request: pb::AskForMeasuresRequest) -> Result<CommandRequest> {
    let mut violations = Violations::default();
    let mut fields = Fields::new("", &mut violations);
    let kind = fields.word("kind", request.kind);
    let text = fields.required_text("request", request.request);
    let ask = text.map(|request| Command::Ask { kind, request });
    let named = Named {
        request_id: &request.request_id,
        case_id: &request.case_id,
        measure_id: "",
        etag: "",
    };
    command(&named, Subject::New, ask, violations)
}

/// Reads a request to accept a measure.
pub(super) fn accept(request: &pb::AcceptMeasureRequest) -> Result<CommandRequest> {
    let accept = Some(Command::Accept);
    command(
        &named!(request),
        Subject::Existing,
        accept,
        Violations::default(),
    )
}

/// Reads a request to decline a measure.
pub(super) fn decline(request: pb::DeclineMeasureRequest) -> Result<CommandRequest> {
    let mut violations = Violations::default();
    let reason = Fields::new("", &mut violations).required_text("reason", request.reason);
    let decline = reason.map(|reason| Command::Decline { reason });
    command(&named!(request), Subject::Existing, decline, violations)
}

/// Reads a request to complete a measure.
pub(super) fn complete(request: &pb::CompleteMeasureRequest) -> Result<CommandRequest> {
    let complete = Some(Command::Complete);
    command(
        &named!(request),
        Subject::Existing,
        complete,
        Violations::default(),
    )
}

/// Reads a request to withdraw a measure.
pub(super) fn withdraw(request: pb::WithdrawMeasureRequest) -> Result<CommandRequest> {
    let mut violations = Violations::default();
    let reason = Fields::new("", &mut violations).text("reason", request.reason);
    let withdraw = Some(Command::Withdraw { reason });
    command(&named!(request), Subject::Existing, withdraw, violations)
}

/// Reads what the catalogue is asked for.
pub(super) fn catalogue(
    request: &pb::ListCatalogueRequest,
    version: &str,
) -> Result<(Wanted, Page<usize>)> {
    let mut violations = Violations::default();
    let mut fields = Fields::new("", &mut violations);
    let wanted = Wanted {
        origin_types: fields.words("origin_types", &request.origin_types),
        structure_kind: fields.word("structure_kind", request.structure_kind),
        kinds: fields.words("kinds", &request.kinds),
    };
    violations.into_result()?;
    let filter = format!("catalogue {version:?} {wanted:?}");
    let page = Page::read(request.page_size, &request.page_token, filter)?;
    Ok((wanted, page))
}

/// Puts a command together with what every command carries. `command` is `None` only
/// with a violation that says why.
fn command(
    named: &Named<'_>,
    subject: Subject,
    command: Option<Command>,
    mut violations: Violations,
) -> Result<CommandRequest> {
    let mut fields = Fields::new("", &mut violations);
    let request_id = fields.uuid("request_id", named.request_id);
    let case_id = fields.uuid("case_id", named.case_id);
    let is_new = match subject {
        Subject::Existing => false,
        Subject::NewOrExisting => is_empty_text(named.measure_id),
        Subject::New => true,
    };
    let measure_id = if is_new {
        None
    } else {
        fields.uuid("measure_id", named.measure_id)
    };
    match (request_id, case_id, command) {
        (Some(request_id), Some(case_id), Some(command)) if violations.is_empty() => {
            Ok(CommandRequest {
                request_id,
                case_id,
                measure_id,
                etag: (!named.etag.is_empty()).then(|| named.etag.to_owned()),
                command,
            })
        }
        _ => Err(violations.into()),
    }
}

impl CommandRequest {
    /// What is asked for, however it was spelt.
    pub(super) fn content(&self) -> Value {
        let command = match &self.command {
            Command::Ask { kind, request } => {
                json!({ "ask": request.as_str(), "kind": proto::number(*kind) })
            }
            Command::Propose(Proposal::Entry { code, language }) => {
                json!({ "code": code.as_str(), "english": *language == Language::English })
            }
            Command::Propose(Proposal::Draft { kind, title, text }) => {
                json!({ "kind": kind.number(), "title": title.as_str(), "text": text.as_str() })
            }
            Command::Accept => json!("accept"),
            Command::Decline { reason } => json!({ "decline": reason.as_str() }),
            Command::Complete => json!("complete"),
            Command::Withdraw { reason } => json!({ "withdraw": wire::text(reason.as_ref()) }),
        };
        json!([self.case_id, self.measure_id, self.etag, command])
    }
}

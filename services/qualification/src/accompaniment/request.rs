//! Requests about accompaniment, strictly read: every violation is told at once.

use platform::{Result, Violations};
use proto::qualification::v1 as pb;
use serde_json::{Value, json};
use service::{Fields, wire};
use uuid::Uuid;
use vocabulary::{AccompanimentGiver, is_empty_text};

use super::{GiverName, Words, decide::Step};

/// A command as it was asked for.
#[derive(Clone, Debug)]
pub(super) struct CommandRequest {
    /// The same at every retry.
    pub(super) request_id: Uuid,
    /// The case, or the accompaniment, that is changed.
    pub(super) object: Uuid,
    /// The etag that it must still have; any when `None`.
    pub(super) etag: Option<String>,
    /// What to do.
    pub(super) command: Command,
}

/// What is asked for.
#[derive(Clone, Debug)]
pub(super) enum Command {
    /// Open accompaniment on a case.
    Open(Opening),
    /// Take a step with what there is.
    Step(Step),
}

/// How accompaniment is opened.
#[derive(Clone, Debug)]
pub(super) enum Opening {
    /// The structure asks for it.
    Ask(Words),
    /// It is offered to the structure.
    Offer {
        /// Who would accompany.
        giver: AccompanimentGiver,
        /// Which of several.
        name: Option<GiverName>,
        /// What is offered.
        offer: Words,
    },
}

/// Reads a request to ask for accompaniment.
pub(super) fn ask(request: pb::AskForAccompanimentRequest) -> Result<CommandRequest> {
    let mut violations = Violations::default();
    let mut fields = Fields::new("", &mut violations);
    let case_id = fields.uuid("case_id", &request.case_id);
    let need = fields.required_text("need", request.need);
    let ask = need.map(|need| Command::Open(Opening::Ask(need)));
    command(&request.request_id, case_id, request.etag, ask, violations)
}

/// Reads a request to offer accompaniment.
pub(super) fn offer(request: pb::OfferAccompanimentRequest) -> Result<CommandRequest> {
    let mut violations = Violations::default();
    let mut fields = Fields::new("", &mut violations);
    let case_id = fields.uuid("case_id", &request.case_id);
    let giver = fields.required_word::<AccompanimentGiver>("giver", request.giver);
    let name = if giver.is_some_and(AccompanimentGiver::has_a_name) {
        fields.required_text("giver_name", request.giver_name)
    } else {
        if giver.is_some() && !is_empty_text(&request.giver_name) {
            let why = "Seul un GRADeS ou un prestataire se nomme.";
            fields.refuse("giver_name", "CONFLICT", why);
        }
        None
    };
    let offer = fields.required_text("offer", request.offer);
    let offer = giver
        .zip(offer)
        .map(|(giver, offer)| Command::Open(Opening::Offer { giver, name, offer }));
    command(
        &request.request_id,
        case_id,
        request.etag,
        offer,
        violations,
    )
}

/// Reads a request to answer an offer.
pub(super) fn answer(request: pb::AnswerOfferRequest) -> Result<CommandRequest> {
    let mut violations = Violations::default();
    let mut fields = Fields::new("", &mut violations);
    let id = fields.uuid("accompaniment_id", &request.accompaniment_id);
    let words = fields.text("text", request.text);
    let step = match pb::OfferAnswer::try_from(request.answer) {
        Ok(pb::OfferAnswer::Accept) => Some(Step::Accept(words)),
        Ok(pb::OfferAnswer::Decline) => Some(Step::Decline(words)),
        Ok(pb::OfferAnswer::Unspecified) => {
            fields.missing("answer");
            None
        }
        Err(_) => {
            fields.refuse("answer", "UNKNOWN_VALUE", "Cette valeur n'est pas connue.");
            None
        }
    };
    let step = step.map(Command::Step);
    command(&request.request_id, id, request.etag, step, violations)
}

/// Reads a request to begin accompaniment.
pub(super) fn begin(request: pb::BeginAccompanimentRequest) -> Result<CommandRequest> {
    let mut violations = Violations::default();
    let mut fields = Fields::new("", &mut violations);
    let id = fields.uuid("accompaniment_id", &request.accompaniment_id);
    let step = Some(Command::Step(Step::Begin));
    command(&request.request_id, id, request.etag, step, violations)
}

/// Reads a request to end accompaniment.
pub(super) fn end(request: pb::EndAccompanimentRequest) -> Result<CommandRequest> {
    let mut violations = Violations::default();
    let mut fields = Fields::new("", &mut violations);
    let id = fields.uuid("accompaniment_id", &request.accompaniment_id);
    let outcome = fields.required_text("outcome", request.outcome);
    let step = outcome.map(|outcome| Command::Step(Step::End(outcome)));
    command(&request.request_id, id, request.etag, step, violations)
}

/// Puts a command together with what every command carries. What is `None` has a violation
/// that says why.
fn command(
    request_id: &str,
    object: Option<Uuid>,
    etag: String,
    command: Option<Command>,
    mut violations: Violations,
) -> Result<CommandRequest> {
    let mut fields = Fields::new("", &mut violations);
    let request_id = fields.uuid("request_id", request_id);
    match (request_id, object, command) {
        (Some(request_id), Some(object), Some(command)) if violations.is_empty() => {
            Ok(CommandRequest {
                request_id,
                object,
                etag: Some(etag).filter(|etag| !etag.is_empty()),
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
            Command::Open(Opening::Ask(need)) => json!({ "ask": need.as_str() }),
            Command::Open(Opening::Offer { giver, name, offer }) => json!({
                "offer": offer.as_str(),
                "giver": [giver.as_str(), wire::text(name.as_ref()).as_str()],
            }),
            Command::Step(Step::Accept(words)) => json!({ "accept": wire::text(words.as_ref()) }),
            Command::Step(Step::Decline(words)) => json!({ "decline": wire::text(words.as_ref()) }),
            Command::Step(Step::Begin) => json!("begin"),
            Command::Step(Step::End(outcome)) => json!({ "end": outcome.as_str() }),
        };
        json!([self.object, self.etag, command])
    }
}

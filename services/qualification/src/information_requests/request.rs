//! What people send about requests for information.

use platform::{Result, Violations};
use proto::qualification::v1::{
    AnswerInformationRequestRequest, CancelInformationRequestRequest, RequestInformationRequest,
};
use service::Fields;
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

use super::{Answer, Question, Reason};

/// The longest time for an answer.
const LONGEST: Duration = Duration::days(366);

/// What is said of another time.
pub(super) const NOT_IN_TIME: &str = "La réponse s'attend à un moment à venir, d'ici à un an.";

/// What is asked of a case.
pub(super) struct Ask {
    pub(super) case_id: Uuid,
    pub(super) question: Question,
    pub(super) due_at: Option<OffsetDateTime>,
    pub(super) etag: Option<String>,
}

pub(super) fn read_ask(
    request: RequestInformationRequest,
    now: OffsetDateTime,
) -> Result<(Uuid, Ask)> {
    let mut violations = Violations::default();
    let mut fields = Fields::new("", &mut violations);
    let request_id = fields.uuid("request_id", &request.request_id);
    let case_id = fields.uuid("case_id", &request.case_id);
    let question = fields.required_text("question", request.question);
    let due_at = fields.moment("due_at", request.due_at.as_ref());
    if due_at.is_some_and(|due_at| due_at > now + LONGEST) {
        fields.refuse("due_at", "OUT_OF_RANGE", NOT_IN_TIME);
    }
    match (request_id, case_id, question) {
        (Some(request_id), Some(case_id), Some(question)) if violations.is_empty() => Ok((
            request_id,
            Ask {
                case_id,
                question,
                due_at,
                etag: (!request.etag.is_empty()).then_some(request.etag),
            },
        )),
        _ => Err(violations.into()),
    }
}

pub(super) fn read_answer(
    request: AnswerInformationRequestRequest,
) -> Result<(Uuid, Uuid, Answer)> {
    let mut violations = Violations::default();
    let mut fields = Fields::new("", &mut violations);
    let request_id = fields.uuid("request_id", &request.request_id);
    let id = fields.uuid("information_request_id", &request.information_request_id);
    let answer = fields.required_text("answer", request.answer);
    match (request_id, id, answer) {
        (Some(request_id), Some(id), Some(answer)) => Ok((request_id, id, answer)),
        _ => Err(violations.into()),
    }
}

pub(super) fn read_cancellation(
    request: CancelInformationRequestRequest,
) -> Result<(Uuid, Uuid, Option<Reason>)> {
    let mut violations = Violations::default();
    let mut fields = Fields::new("", &mut violations);
    let request_id = fields.uuid("request_id", &request.request_id);
    let id = fields.uuid("information_request_id", &request.information_request_id);
    let reason = fields.text("reason", request.reason);
    match (request_id, id) {
        (Some(request_id), Some(id)) if violations.is_empty() => Ok((request_id, id, reason)),
        _ => Err(violations.into()),
    }
}

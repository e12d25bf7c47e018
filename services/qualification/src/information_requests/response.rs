//! How requests for information are shown, and how they are refused.

use platform::Error;
use proto::qualification::v1 as pb;
use service::{View, wire::timestamp};
use time::OffsetDateTime;
use vocabulary::Word as _;

use super::{InformationRequest, Person, State, decide::Refusal};

/// Shows a request without its texts.
pub(super) fn shown(
    request: &InformationRequest,
    view: View,
    now: OffsetDateTime,
) -> pb::InformationRequest {
    let subject = |person: &Person| {
        let subject = person.subject.clone();
        Some(subject).filter(|_| view.people).unwrap_or_default()
    };
    let settled = request.settled.as_ref();
    let state = match request.state {
        State::Open => pb::InformationRequestState::Open,
        State::Answered => pb::InformationRequestState::Answered,
        State::Cancelled => pb::InformationRequestState::Cancelled,
        State::Later => pb::InformationRequestState::Unspecified,
    };
    pb::InformationRequest {
        information_request_id: request.id.to_string(),
        case_id: request.case_id.to_string(),
        number: request.number,
        state: state.into(),
        asked_by_role: request.asked_by.role.number(),
        asked_by: subject(&request.asked_by),
        asked_at: Some(timestamp(request.asked_at)),
        question: String::new(),
        due_at: request.due_at.map(timestamp),
        overdue: request.is_overdue(now),
        settled_by_role: settled.map_or(0, |settled| settled.by.role.number()),
        settled_by: settled
            .map(|settled| subject(&settled.by))
            .unwrap_or_default(),
        settled_at: settled.map(|settled| timestamp(settled.at)),
        answer: String::new(),
        erased: false,
    }
}

pub(super) fn refused(refusal: Refusal) -> Error {
    match refusal {
        Refusal::NotOpen => wrong_state("la demande a déjà sa réponse, ou n'est plus utile"),
        Refusal::NotYours => Error::permission_denied(
            "REQUEST_NOT_YOURS",
            "seule la cellule annule ce que d'autres ont demandé",
        ),
        Refusal::TooMany => Error::failed_precondition(
            "TOO_MANY_OPEN",
            "cent demandes attendent déjà une réponse sur ce dossier",
        ),
    }
}

pub(super) fn wrong_state(why: &'static str) -> Error {
    Error::failed_precondition("WRONG_STATE", why)
}

pub(super) fn erased() -> Error {
    Error::failed_precondition(
        "ERASED",
        "les données personnelles de ce signalement sont effacées : la conversation est terminée",
    )
}

//! Requests for information: everybody admitted gets as far as the etag or the state of what
//! they see.

use proto::qualification::v1 as pb;
use testkit::TokenSpec;
use tonic::Code;

use super::{Asked, Expected, Names, any_answer, of_each_thing, request_id};
use crate::scene::{Scene, Thing};
use crate::visibility::{seen_as, sees};

/// What to ask about requests for information. Each case of the scene has one that is
/// answered: who may settle it learns that.
pub(super) fn requests(method: &str, scene: &Scene, person: &TokenSpec) -> Option<Vec<Asked>> {
    Some(match method {
        "RequestInformation" => of_each_thing(
            scene,
            Names::Id,
            |thing| &thing.case_id,
            |case_id| pb::RequestInformationRequest {
                request_id: request_id(),
                case_id,
                question: "Depuis quand ?".to_owned(),
                due_at: None,
                etag: "never".to_owned(),
            },
            |thing| of_seen(person, thing, Expected::Refused(Code::Aborted)),
        ),
        "AnswerInformationRequest" => of_each_thing(
            scene,
            Names::Id,
            |thing| &thing.information_request_id,
            |information_request_id| pb::AnswerInformationRequestRequest {
                request_id: request_id(),
                information_request_id,
                answer: "Depuis minuit".to_owned(),
            },
            |thing| of_seen(person, thing, settled()),
        ),
        "CancelInformationRequest" => of_each_thing(
            scene,
            Names::Id,
            |thing| &thing.information_request_id,
            |information_request_id| pb::CancelInformationRequestRequest {
                request_id: request_id(),
                information_request_id,
                reason: String::new(),
            },
            |thing| of_seen(person, thing, cancelled(person, thing)),
        ),
        "ListInformationRequests" => of_each_thing(
            scene,
            Names::IdAndReference,
            |thing| &thing.case_id,
            |case_id| pb::ListInformationRequestsRequest {
                case_id,
                ..Default::default()
            },
            |thing| {
                let expected = any_answer::<pb::ListInformationRequestsResponse>();
                of_seen(person, thing, expected)
            },
        ),
        _ => return None,
    })
}

fn settled() -> Expected {
    Expected::Refused(Code::FailedPrecondition)
}

/// An analyst cancels what anybody asked, and others what was asked in their role.
fn cancelled(person: &TokenSpec, thing: &Thing) -> Expected {
    let roles = seen_as(person, thing);
    if roles.contains(&"analyst") || roles.contains(&thing.asked_by()) {
        settled()
    } else {
        Expected::Refused(Code::PermissionDenied)
    }
}

fn of_seen(person: &TokenSpec, thing: &Thing, expected: Expected) -> Expected {
    if sees(person, thing) {
        expected
    } else {
        Expected::Refused(Code::NotFound)
    }
}

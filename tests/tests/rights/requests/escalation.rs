//! Escalation: who pilots, who is called, and what is decided.

use proto::qualification::v1 as pb;
use testkit::TokenSpec;
use tonic::Code;

use super::{Asked, Effect, Expected, Names, any_answer, of_each_thing, request_id};
use crate::scene::{Scene, Thing};
use crate::visibility::sees;

/// What to ask about escalation. The rota of the scene is empty, so that nobody is called.
pub(super) fn requests(method: &str, scene: &Scene, person: &TokenSpec) -> Option<Vec<Asked>> {
    let nobodys = Expected::Refused(Code::NotFound);
    Some(match method {
        "DeclareMajor" => of_each_thing(
            scene,
            Names::Id,
            |thing| &thing.case_id,
            |case_id| pb::DeclareMajorRequest {
                request_id: request_id(),
                case_id,
                // Nobody has seen it like this: who gets so far may judge.
                etag: "never".to_owned(),
                reason: "Trois établissements à l'arrêt".to_owned(),
            },
            |thing| of_seen(person, thing, Expected::Refused(Code::Aborted)),
        ),
        "TakePilot" => stored(of_each_thing(
            scene,
            Names::Id,
            |thing| &thing.case_id,
            |case_id| pb::TakePilotRequest {
                request_id: request_id(),
                case_id,
            },
            |thing| of_seen(person, thing, any_answer::<pb::TakePilotResponse>()),
        )),
        "RecordDecision" => stored(of_each_thing(
            scene,
            Names::Id,
            |thing| &thing.case_id,
            |case_id| pb::RecordDecisionRequest {
                request_id: request_id(),
                case_id,
                text: "Couper les échanges".to_owned(),
            },
            |thing| of_seen(person, thing, any_answer::<pb::RecordDecisionResponse>()),
        )),
        "ListDecisions" => of_each_thing(
            scene,
            Names::IdAndReference,
            |thing| &thing.case_id,
            |case_id| pb::ListDecisionsRequest {
                case_id,
                ..Default::default()
            },
            |thing| of_seen(person, thing, any_answer::<pb::ListDecisionsResponse>()),
        ),
        "PutRota" => {
            let request = pb::PutRotaRequest {
                request_id: request_id(),
                shifts: Vec::new(),
            };
            let put = Asked::of("nobody", &request, any_answer::<pb::PutRotaResponse>());
            stored(vec![put])
        }
        "ListRota" => {
            let request = pb::ListRotaRequest::default();
            vec![Asked::of(
                "all",
                &request,
                any_answer::<pb::ListRotaResponse>(),
            )]
        }
        "ListEscalations" => of_each_thing(
            scene,
            Names::IdAndReference,
            |thing| &thing.case_id,
            |case_id| pb::ListEscalationsRequest {
                case_id,
                ..Default::default()
            },
            |thing| of_seen(person, thing, any_answer::<pb::ListEscalationsResponse>()),
        ),
        "AcknowledgeEscalation" => {
            let request = pb::AcknowledgeEscalationRequest {
                request_id: request_id(),
                escalation_id: request_id(),
            };
            vec![Asked::of("nobody's", &request, nobodys)]
        }
        "AcknowledgeEscalationByLink" => {
            let token = "0".repeat(64);
            let request = pb::AcknowledgeEscalationByLinkRequest { token };
            vec![Asked::of("nobody's", &request, nobodys)]
        }
        _ => return None,
    })
}

fn of_seen(person: &TokenSpec, thing: &Thing, expected: Expected) -> Expected {
    if sees(person, thing) {
        expected
    } else {
        Expected::Refused(Code::NotFound)
    }
}

fn stored(asked: Vec<Asked>) -> Vec<Asked> {
    let stored = asked.into_iter().map(|asked| Asked {
        effect: Effect::Stored,
        ..asked
    });
    stored.collect()
}

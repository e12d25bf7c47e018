//! Escalation: who pilots, who is called, and what is decided.

use proto::qualification::v1 as pb;
use testkit::TokenSpec;
use tonic::Code;

use super::{Asked, Effect, Expected, Names, answer, any_answer, of_each_thing, request_id};
use crate::scene::{LINK, Scene, Thing};
use crate::visibility::sees;

/// What to ask about escalation. The rota of the scene is empty, so that nobody is called.
pub(super) fn requests(method: &str, scene: &Scene, person: &TokenSpec) -> Option<Vec<Asked>> {
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
        "AcknowledgeEscalation" => stored(of_each_thing(
            scene,
            Names::Id,
            |thing| &thing.escalation_id,
            |escalation_id| pb::AcknowledgeEscalationRequest {
                request_id: request_id(),
                escalation_id,
            },
            |thing| of_seen(person, thing, acknowledged()),
        )),
        "AcknowledgeEscalationByLink" => by_link(scene),
        _ => return None,
    })
}

/// The link of a call is good for whoever has it, and no other.
fn by_link(scene: &Scene) -> Vec<Asked> {
    let asked = |target: &str, token: &str, expected| {
        let token = token.to_owned();
        let request = pb::AcknowledgeEscalationByLinkRequest { token };
        Asked::of(target, &request, expected)
    };
    let nobodys = Expected::Refused(Code::NotFound);
    let reference = scene.things[0].reference.clone();
    let shown = answer(move |response: pb::AcknowledgeEscalationByLinkResponse| {
        let same = response.reference == reference;
        same.then_some(()).ok_or(format!("shows {response:?}"))
    });
    let mut both = vec![asked("nobody's", &"0".repeat(64), nobodys)];
    both.extend(stored(vec![asked("a call's", LINK, shown)]));
    both
}

/// Whoever acknowledges an escalation, or finds it acknowledged, is shown it like that.
fn acknowledged() -> Expected {
    answer(|response: pb::AcknowledgeEscalationResponse| {
        let escalation = response.escalation.ok_or("no escalation")?;
        match escalation.state() {
            pb::EscalationState::Acknowledged => Ok(()),
            state => Err(format!("shows it {state:?}")),
        }
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

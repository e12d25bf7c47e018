//! The accompaniment of structures.

use proto::qualification::v1 as pb;
use testkit::TokenSpec;
use tonic::Code;

use super::{Asked, Expected, Names, answer, of_each_thing, of_one_thing, request_id};
use crate::scene::{ANALYST, Scene, Thing};
use crate::visibility::{sees, sees_assignee};

/// An etag that nothing ever had: who gets so far may change it.
const NEVER: &str = "never";

/// What to ask about accompaniment: the cell offered it to the structure of the first thing.
pub(super) fn requests(method: &str, scene: &Scene, person: &TokenSpec) -> Option<Vec<Asked>> {
    let of_case = |thing: &Thing| {
        Expected::Refused(if sees(person, thing) {
            Code::Aborted
        } else {
            Code::NotFound
        })
    };
    let of_offer = || of_case(&scene.things[0]);
    Some(match method {
        "AskForAccompaniment" => of_each_thing(
            scene,
            Names::Id,
            |thing| &thing.case_id,
            |case_id| pb::AskForAccompanimentRequest {
                request_id: request_id(),
                case_id,
                etag: NEVER.to_owned(),
                need: "Reconstruire".to_owned(),
            },
            of_case,
        ),
        "OfferAccompaniment" => of_each_thing(
            scene,
            Names::Id,
            |thing| &thing.case_id,
            |case_id| pb::OfferAccompanimentRequest {
                request_id: request_id(),
                case_id,
                etag: NEVER.to_owned(),
                giver: pb::AccompanimentGiver::Agency.into(),
                giver_name: String::new(),
                offer: "Deux agents".to_owned(),
            },
            of_case,
        ),
        "AnswerOffer" => of_one_thing(scene, &scene.accompaniment_id, of_offer, |id| {
            pb::AnswerOfferRequest {
                request_id: request_id(),
                accompaniment_id: id,
                etag: NEVER.to_owned(),
                answer: pb::OfferAnswer::Accept.into(),
                text: String::new(),
            }
        }),
        "BeginAccompaniment" => of_one_thing(scene, &scene.accompaniment_id, of_offer, |id| {
            pb::BeginAccompanimentRequest {
                request_id: request_id(),
                accompaniment_id: id,
                etag: NEVER.to_owned(),
            }
        }),
        "EndAccompaniment" => of_one_thing(scene, &scene.accompaniment_id, of_offer, |id| {
            pb::EndAccompanimentRequest {
                request_id: request_id(),
                accompaniment_id: id,
                etag: NEVER.to_owned(),
                outcome: "Sans suite".to_owned(),
            }
        }),
        "ListAccompaniments" => of_each_thing(
            scene,
            Names::IdAndReference,
            |thing| &thing.case_id,
            |case_id| pb::ListAccompanimentsRequest {
                case_id,
                ..Default::default()
            },
            |thing| list(scene, person, thing),
        ),
        _ => return None,
    })
}

fn list(scene: &Scene, person: &TokenSpec, thing: &Thing) -> Expected {
    if !sees(person, thing) {
        return Expected::Refused(Code::NotFound);
    }
    let offered = usize::from(thing.label == scene.things[0].label);
    let actor = if sees_assignee(person) { ANALYST } else { "" };
    answer(move |response: pb::ListAccompanimentsResponse| {
        let shown = response.accompaniments;
        if shown.len() == offered && shown.iter().all(|it| it.actor == actor) {
            Ok(())
        } else {
            Err(format!("shows {shown:?}, expected {offered} by {actor:?}"))
        }
    })
}

//! Consequences for care.

use proto::qualification::v1 as pb;
use testkit::TokenSpec;
use tonic::Code;

use super::{
    Asked, Effect, Expected, Names, answer, any_answer, of_each_thing, of_one_thing, request_id,
};
use crate::scene::{AGENT, Scene, Thing, care_draft};
use crate::visibility::{sees, sees_assignee};

/// An etag that no consequence ever had: who gets so far may change it.
const NEVER: &str = "never";

/// What to ask about consequences for care: the agent of the first thing recorded one, and
/// nobody knows of a second.
pub(super) fn requests(method: &str, scene: &Scene, person: &TokenSpec) -> Option<Vec<Asked>> {
    let changed = || {
        Expected::Refused(if sees(person, &scene.things[0]) {
            Code::Aborted
        } else {
            Code::NotFound
        })
    };
    Some(match method {
        "RecordCareConsequence" => {
            let records = of_each_thing(
                scene,
                Names::Id,
                |thing| &thing.case_id,
                |case_id| pb::RecordCareConsequenceRequest {
                    request_id: request_id(),
                    case_id,
                    region: String::new(),
                    draft: Some(care_draft()),
                },
                |thing| {
                    if sees(person, thing) {
                        any_answer::<pb::RecordCareConsequenceResponse>()
                    } else {
                        Expected::Refused(Code::NotFound)
                    }
                },
            );
            let stored = |asked| Asked {
                effect: Effect::Stored,
                ..asked
            };
            records.into_iter().map(stored).collect()
        }
        "UpdateCareConsequence" => {
            of_one_thing(scene, &scene.consequence_id, changed, |consequence_id| {
                pb::UpdateCareConsequenceRequest {
                    request_id: request_id(),
                    consequence_id,
                    etag: NEVER.to_owned(),
                    draft: Some(care_draft()),
                    ended_at: None,
                }
            })
        }
        "EndCareConsequence" => {
            of_one_thing(scene, &scene.consequence_id, changed, |consequence_id| {
                pb::EndCareConsequenceRequest {
                    request_id: request_id(),
                    consequence_id,
                    etag: NEVER.to_owned(),
                    ended_at: care_draft().begun_at,
                }
            })
        }
        "ListCareConsequences" => of_each_thing(
            scene,
            Names::IdAndReference,
            |thing| &thing.case_id,
            |case_id| pb::ListCareConsequencesRequest {
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
    let recorded = usize::from(thing.label == scene.things[0].label);
    let author = if sees_assignee(person) { AGENT } else { "" };
    answer(move |response: pb::ListCareConsequencesResponse| {
        let shown = response.consequences;
        if shown.len() == recorded && shown.iter().all(|it| it.author == author) {
            Ok(())
        } else {
            Err(format!(
                "shows {shown:?}, expected {recorded} by {author:?}"
            ))
        }
    })
}

//! Measures: everybody admitted gets as far as the etag on what they see.

use proto::qualification::v1 as pb;
use proto::qualification::v1::propose_measure_request::Content;
use proto::types::v1::MeasureKind;
use testkit::TokenSpec;
use tonic::Code;

use super::{Asked, Effect, Expected, Names, answer, any_answer, of_each_thing, request_id};
use crate::scene::{ANALYST, Scene, Thing};
use crate::visibility::{sees, sees_assignee};

/// An etag that no measure ever had: who gets so far may take the step.
const NEVER: &str = "never";

/// What to ask about measures.
pub(super) fn requests(method: &str, scene: &Scene, person: &TokenSpec) -> Option<Vec<Asked>> {
    Some(match method {
        "ProposeMeasure" => steps(scene, person, |case_id, _| pb::ProposeMeasureRequest {
            request_id: request_id(),
            case_id,
            measure_id: String::new(),
            etag: NEVER.to_owned(),
            content: Some(Content::Draft(pb::MeasureDraft {
                kind: MeasureKind::Emergency.into(),
                title: "Isoler".to_owned(),
                text: "Débrancher le serveur".to_owned(),
            })),
        }),
        "AskForMeasures" => asks(scene, person),
        "AcceptMeasure" => steps(scene, person, |case_id, measure_id| {
            pb::AcceptMeasureRequest {
                request_id: request_id(),
                case_id,
                measure_id,
                etag: NEVER.to_owned(),
            }
        }),
        "DeclineMeasure" => steps(scene, person, |case_id, measure_id| {
            pb::DeclineMeasureRequest {
                request_id: request_id(),
                case_id,
                measure_id,
                etag: NEVER.to_owned(),
                reason: "Impossible la nuit".to_owned(),
            }
        }),
        "CompleteMeasure" => steps(scene, person, |case_id, measure_id| {
            pb::CompleteMeasureRequest {
                request_id: request_id(),
                case_id,
                measure_id,
                etag: NEVER.to_owned(),
            }
        }),
        "WithdrawMeasure" => steps(scene, person, |case_id, measure_id| {
            pb::WithdrawMeasureRequest {
                request_id: request_id(),
                case_id,
                measure_id,
                etag: NEVER.to_owned(),
                reason: String::new(),
            }
        }),
        "ListMeasures" => of_each_thing(
            scene,
            Names::IdAndReference,
            |thing| &thing.case_id,
            |case_id| pb::ListMeasuresRequest {
                case_id,
                ..Default::default()
            },
            |thing| measures(person, thing),
        ),
        "ListCatalogue" => {
            let shown = answer(|response: pb::ListCatalogueResponse| {
                let shows = !response.entries.is_empty();
                shows.then_some(()).ok_or("shows no entry".to_owned())
            });
            let request = pb::ListCatalogueRequest::default();
            vec![Asked::of("the catalogue", &request, shown)]
        }
        _ => return None,
    })
}

/// A step of the measure on each case.
fn steps<M: prost::Message>(
    scene: &Scene,
    person: &TokenSpec,
    request: impl Fn(String, String) -> M,
) -> Vec<Asked> {
    let measure_of = |case_id: &str| {
        let mut things = scene.things.iter();
        let thing = things.find(|thing| thing.case_id == case_id);
        thing.map_or_else(request_id, |thing| thing.measure_id.clone())
    };
    of_each_thing(
        scene,
        Names::Id,
        |thing| &thing.case_id,
        |case_id| {
            let measure_id = measure_of(&case_id);
            request(case_id, measure_id)
        },
        |thing| of_seen(person, thing, Expected::Refused(Code::Aborted)),
    )
}

fn asks(scene: &Scene, person: &TokenSpec) -> Vec<Asked> {
    let asks = of_each_thing(
        scene,
        Names::Id,
        |thing| &thing.case_id,
        |case_id| pb::AskForMeasuresRequest {
            request_id: request_id(),
            case_id,
            kind: MeasureKind::Unspecified.into(),
            request: "Que faire ?".to_owned(),
        },
        |thing| of_seen(person, thing, any_answer::<pb::AskForMeasuresResponse>()),
    );
    let stored = |asked| Asked {
        effect: Effect::Stored,
        ..asked
    };
    asks.into_iter().map(stored).collect()
}

fn measures(person: &TokenSpec, thing: &Thing) -> Expected {
    let named = sees_assignee(person);
    let shown = answer(move |response: pb::ListMeasuresResponse| {
        let first = response.measures.last().ok_or("shows no measure")?;
        let tells = first.steps.iter().any(|step| step.author == ANALYST);
        if tells == named {
            Ok(())
        } else {
            Err(format!("shows who proposed it: {tells}"))
        }
    });
    of_seen(person, thing, shown)
}

fn of_seen(person: &TokenSpec, thing: &Thing, expected: Expected) -> Expected {
    if sees(person, thing) {
        expected
    } else {
        Expected::Refused(Code::NotFound)
    }
}

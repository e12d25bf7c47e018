//! Dossiers of parallel duties.

use proto::intake::v1 as pb;
use testkit::TokenSpec;
use tonic::Code;

use super::{Asked, Expected, Names, answer, of_each_thing};
use crate::scene::{Scene, Thing};
use crate::visibility::sees;

/// What to ask about dossiers: of the complaint, which every act of malice calls for.
pub(super) fn requests(method: &str, scene: &Scene, person: &TokenSpec) -> Option<Vec<Asked>> {
    Some(match method {
        "GetDutyDossier" => of_each_thing(
            scene,
            Names::IdAndReference,
            |thing| &thing.report_id,
            |report_id| pb::GetDutyDossierRequest {
                report_id,
                duty: "complaint".to_owned(),
                locale: String::new(),
            },
            |thing| complaint(person, thing),
        ),
        _ => return None,
    })
}

/// What is without harm in the scene is without malice too.
fn complaint(person: &TokenSpec, thing: &Thing) -> Expected {
    if !sees(person, thing) {
        return Expected::Refused(Code::NotFound);
    }
    if !thing.health_impact {
        return Expected::Refused(Code::FailedPrecondition);
    }
    let reference = thing.reference.clone();
    answer(move |response: pb::GetDutyDossierResponse| {
        let dossier = response.dossier.unwrap_or_default();
        if dossier.reference == reference && dossier.text.contains(&reference) {
            Ok(())
        } else {
            Err(format!("shows {dossier:?}"))
        }
    })
}

//! Links: the cell and the agency get as far as the etag on what they see.

use proto::intake::v1 as pb;
use testkit::TokenSpec;
use tests::ROUEN;
use tonic::Code;

use super::{Asked, Expected, Names, of_each_thing, request_id};
use crate::scene::Scene;
use crate::visibility::sees;

/// An etag that no report ever had: who gets so far may decide.
const NEVER: &str = "never";

/// What to ask about the links of reports with their structures.
pub(super) fn requests(method: &str, scene: &Scene, person: &TokenSpec) -> Option<Vec<Asked>> {
    Some(match method {
        "ConfirmLink" => decisions(scene, person, |report_id| pb::ConfirmLinkRequest {
            request_id: request_id(),
            report_id,
            etag: NEVER.to_owned(),
        }),
        "RejectLink" => decisions(scene, person, |report_id| pb::RejectLinkRequest {
            request_id: request_id(),
            report_id,
            etag: NEVER.to_owned(),
            reason: "Inconnu de la structure".to_owned(),
        }),
        "AttachReportToStructure" => decisions(scene, person, |report_id| {
            pb::AttachReportToStructureRequest {
                request_id: request_id(),
                report_id,
                etag: NEVER.to_owned(),
                finess: ROUEN.to_owned(),
                reason: "Dit au téléphone".to_owned(),
                validate_only: false,
            }
        }),
        _ => return None,
    })
}

fn decisions<M: prost::Message>(
    scene: &Scene,
    person: &TokenSpec,
    request: impl Fn(String) -> M,
) -> Vec<Asked> {
    of_each_thing(
        scene,
        Names::Id,
        |thing| &thing.report_id,
        request,
        |thing| {
            Expected::Refused(if sees(person, thing) {
                Code::Aborted
            } else {
                Code::NotFound
            })
        },
    )
}

//! Amendments and revisions.

use proto::intake::v1 as pb;
use proto::types::v1::ReportStage;
use testkit::TokenSpec;
use tonic::Code;

use super::{Asked, Expected, Names, answer, of_each_thing, request_id};
use crate::scene::{Scene, Thing};
use crate::visibility::{sees, sees_assignee};

/// What to ask about what reports say, and said before.
pub(super) fn requests(method: &str, scene: &Scene, person: &TokenSpec) -> Option<Vec<Asked>> {
    Some(match method {
        "AmendReport" => of_each_thing(
            scene,
            Names::Id,
            |thing| &thing.report_id,
            |report_id| pb::AmendReportRequest {
                request_id: request_id(),
                report_id,
                stage: ReportStage::Complement.into(),
                // Nobody has seen it like this: who gets so far may amend.
                etag: "never".to_owned(),
                ..Default::default()
            },
            |thing| {
                Expected::Refused(if sees(person, thing) {
                    Code::Aborted
                } else {
                    Code::NotFound
                })
            },
        ),
        "ListRevisions" => of_each_thing(
            scene,
            Names::IdAndReference,
            |thing| &thing.report_id,
            |report_id| pb::ListRevisionsRequest {
                report_id,
                ..Default::default()
            },
            |thing| revisions(person, thing),
        ),
        _ => return None,
    })
}

/// Who submitted it is shown to the cell and the FSSI.
fn revisions(person: &TokenSpec, thing: &Thing) -> Expected {
    if !sees(person, thing) {
        return Expected::Refused(Code::NotFound);
    }
    let author = if sees_assignee(person) {
        thing.author
    } else {
        ""
    };
    answer(move |response: pb::ListRevisionsResponse| {
        let [first] = &response.revisions[..] else {
            return Err(format!("{} revisions", response.revisions.len()));
        };
        if (first.revision, first.author.as_str()) == (1, author) && first.changes.is_empty() {
            Ok(())
        } else {
            Err(format!("shows {first:?}, expected {author:?}"))
        }
    })
}

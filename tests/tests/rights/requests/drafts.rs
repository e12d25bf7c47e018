//! Drafts.

use prost::Message;
use proto::intake::v1 as pb;
use testkit::TokenSpec;
use tonic::Code;
use uuid::Uuid;

use super::{Asked, Effect, Expected, answer, any_answer, exactly, request_id};
use crate::scene::Scene;

/// What to ask about drafts, which their authors alone see.
pub(super) fn requests(method: &str, scene: &Scene, person: &TokenSpec) -> Option<Vec<Asked>> {
    Some(match method {
        "SaveDraft" => {
            let new = Asked {
                effect: Effect::Stored,
                ..Asked::of(
                    "a new one",
                    &saving(String::new(), ""),
                    any_answer::<pb::SaveDraftResponse>(),
                )
            };
            // Nobody has seen it like this, not even its author.
            let others = of_each_draft(
                scene,
                person,
                |draft_id| saving(draft_id, "never"),
                || Expected::Refused(Code::Aborted),
            );
            std::iter::once(new).chain(others).collect()
        }
        "GetDraft" => of_each_draft(
            scene,
            person,
            |draft_id| pb::GetDraftRequest { draft_id },
            any_answer::<pb::GetDraftResponse>,
        ),
        "ListDrafts" => {
            let own = scene.drafts.iter();
            let own = own.filter(|(author, _)| *author == person.subject);
            let expected = own.map(|(_, draft_id)| draft_id.clone()).collect();
            let shown = answer(move |response: pb::ListDraftsResponse| {
                let shown = response.drafts.into_iter().map(|draft| draft.draft_id);
                exactly(&expected, &shown.collect())
            });
            vec![Asked::of("all", &pb::ListDraftsRequest::default(), shown)]
        }
        "DeleteDraft" => {
            let all = of_each_draft(
                scene,
                person,
                |draft_id| pb::DeleteDraftRequest {
                    request_id: request_id(),
                    draft_id,
                },
                any_answer::<pb::DeleteDraftResponse>,
            );
            let stored = all.into_iter().map(|asked| Asked {
                effect: Effect::Stored,
                ..asked
            });
            stored.collect()
        }
        _ => return None,
    })
}

/// The same request about every draft there is and about one that is not; what its author
/// hears of it, and nobody else.
fn of_each_draft<M: Message>(
    scene: &Scene,
    person: &TokenSpec,
    request: impl Fn(String) -> M,
    own: impl Fn() -> Expected,
) -> Vec<Asked> {
    let nothing = ("nobody", Uuid::now_v7().to_string());
    let all = scene.drafts.iter().chain([&nothing]);
    all.map(|(author, draft_id)| {
        let expected = if *author == person.subject {
            own()
        } else {
            Expected::Refused(Code::NotFound)
        };
        let target = format!("the draft of {author} by id");
        Asked::of(target, &request(draft_id.clone()), expected).named(draft_id)
    })
    .collect()
}

fn saving(draft_id: String, etag: &str) -> pb::SaveDraftRequest {
    pb::SaveDraftRequest {
        request_id: request_id(),
        draft_id,
        draft: Some(pb::ReportDraft::default()),
        etag: etag.to_owned(),
    }
}

//! Revisions and refusals, for the wire.

use platform::Error;
use proto::intake::v1 as pb;
use service::{View, wire::timestamp};
use vocabulary::Word as _;

use super::{
    Revision,
    decide::Refusal,
    fields::{self, FieldChange},
};
use crate::links::kind_to_wire;

/// A revision as a caller may see it, with what it changed of the draft before, and without
/// the reason of a decision.
pub(super) fn revision(
    revision: &Revision,
    view: View,
    before: Option<&pb::ReportDraft>,
    draft: &pb::ReportDraft,
) -> pb::Revision {
    let changes = before.map(|before| fields::changes(before, draft));
    pb::Revision {
        revision: revision.number,
        stage: revision.stage.number(),
        recorded_at: Some(timestamp(revision.at)),
        author_role: revision.role.number(),
        author: Some(revision.author.clone())
            .filter(|_| view.people)
            .unwrap_or_default(),
        changes: changes.into_iter().flatten().map(change).collect(),
        decision: revision
            .decision
            .as_ref()
            .map_or(pb::LinkDecision::Unspecified, |it| kind_to_wire(it.kind))
            .into(),
        reason: String::new(),
    }
}

fn change(change: FieldChange) -> pb::FieldChange {
    let FieldChange {
        path,
        before,
        after,
    } = change;
    pb::FieldChange {
        path,
        before,
        after,
    }
}

impl From<Refusal> for Error {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::NotYours => Self::permission_denied(
                "NOT_YOURS_TO_AMEND",
                "vous n'êtes pas de ceux qui peuvent compléter ce signalement",
            ),
            Refusal::Withdrawn => {
                Self::failed_precondition("WITHDRAWN", "ce signalement a été retiré")
            }
            Refusal::Erased => Self::failed_precondition(
                "ERASED",
                "les coordonnées de ce signalement sont effacées : il ne change plus",
            ),
            Refusal::EtagMismatch => Self::aborted(
                "ETAG_MISMATCH",
                "ce signalement a changé depuis que vous l'avez lu",
            ),
            Refusal::StagePassed => Self::failed_precondition(
                "STAGE_PASSED",
                "cette déclaration est à une étape plus avancée",
            ),
            Refusal::TooManyRevisions => Self::failed_precondition(
                "TOO_MANY_REVISIONS",
                "ce signalement a été complété 99 fois : écrivez à la cellule",
            ),
        }
    }
}

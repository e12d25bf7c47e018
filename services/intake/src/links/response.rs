//! Decisions on links and refusals, for the wire.

use platform::Error;
use proto::intake::v1 as pb;
use vocabulary::Party;

use super::{LinkDecisionKind, decide::Refusal};

/// The kind of a decision, for the wire.
pub(crate) fn kind(kind: LinkDecisionKind) -> pb::LinkDecision {
    match kind {
        LinkDecisionKind::Confirmed => pb::LinkDecision::Confirmed,
        LinkDecisionKind::Rejected => pb::LinkDecision::Rejected,
        LinkDecisionKind::Attached => pb::LinkDecision::Attached,
    }
}

/// Those who lose sight of a report, as far as they are offices: a structure may be named by
/// the RPPS number of a person.
pub(super) fn offices<'a>(lost: impl IntoIterator<Item = &'a Party>) -> Vec<String> {
    let offices = lost.into_iter().filter(|party| {
        matches!(
            party,
            Party::Cell
                | Party::SecurityOfficer
                | Party::Region(_)
                | Party::HealthAuthority
                | Party::ArmedForces
        )
    });
    offices.map(ToString::to_string).collect()
}

impl From<Refusal> for Error {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::NotYours => Self::permission_denied(
                "NOT_YOURS_TO_DECIDE",
                "seules la cellule et l'ARS compétente décident de la structure de ce signalement",
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
            Refusal::TooManyRevisions => Self::failed_precondition(
                "TOO_MANY_REVISIONS",
                "ce signalement a changé trop souvent : il ne change plus",
            ),
        }
    }
}

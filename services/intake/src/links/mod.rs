//! Links (liens, rattachements): which structure a report is about, and whether who declared it
//! speaks for that structure, as the cell and the agencies settle it afterwards.

mod decide;
mod events;
mod response;
mod rpc;
mod store;

use std::collections::BTreeSet;

use uuid::Uuid;
use vocabulary::{DeclarantLink, Party, Text};

pub(crate) use self::{events::decided, response::kind as kind_to_wire, rpc::LinkRpc};

/// Why somebody decided so.
type Reason = Text<1, 1_000>;

/// What the cell or an agency decided of the structure of a report: a revision of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct LinkDecision {
    /// What they decided.
    pub(crate) kind: LinkDecisionKind,
    /// Who lost sight of the report by it.
    pub(crate) no_longer_visible_to: BTreeSet<Party>,
    /// Why, sealed under the key of the contacts; absent where no reason is asked for.
    pub(crate) sealed_reason: Option<Vec<u8>>,
}

/// What is decided of the structure of a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LinkDecisionKind {
    /// Lien confirmé.
    Confirmed,
    /// Lien rejeté.
    Rejected,
    /// Signalement rattaché to another structure.
    Attached,
}

impl LinkDecisionKind {
    /// The slug, as stored.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Confirmed => "link_confirmed",
            Self::Rejected => "link_rejected",
            Self::Attached => "attached",
        }
    }

    /// The kind of a stored slug; nothing for one that a later release stores.
    pub(crate) fn stored(slug: &str) -> Option<Self> {
        let all = [Self::Confirmed, Self::Rejected, Self::Attached];
        all.into_iter().find(|kind| kind.as_str() == slug)
    }

    /// What it says of the link; nothing where the structure is another one.
    pub(crate) const fn link(self) -> Option<DeclarantLink> {
        match self {
            Self::Confirmed => Some(DeclarantLink::Confirmed),
            Self::Rejected => Some(DeclarantLink::Rejected),
            Self::Attached => None,
        }
    }
}

/// Binds the sealed reason to its report and revision.
pub(crate) fn purpose(report_id: Uuid, revision: u64) -> Vec<u8> {
    let revision = revision.to_be_bytes();
    [
        b"link_decision:".as_slice(),
        report_id.as_bytes(),
        &revision,
    ]
    .concat()
}

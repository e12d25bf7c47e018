//! Amendments (compléments): a declaration is corrected and completed after it was sent, and
//! what it said before is kept.

mod decide;
mod events;
mod fields;
mod request;
mod response;
mod rpc;
mod store;

use time::OffsetDateTime;
use vocabulary::{ReportStage, Role};

pub(crate) use self::{
    decide::{MAX_REVISIONS, at_rest, declarant_of},
    events::announced,
    fields::changed_paths,
    rpc::AmendmentRpc,
    store::{amend, as_submitted, facts, revisions_of},
};
use crate::links::LinkDecision;

/// A revision of what was declared: who made it, and what it changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Revision {
    /// 1 is the submission.
    pub(crate) number: u64,
    /// How far the declaration is completed.
    pub(crate) stage: ReportStage,
    /// The subject of who declared or amended it.
    pub(crate) author: String,
    /// The role in which he did.
    pub(crate) role: Role,
    /// When it was acknowledged.
    pub(crate) at: OffsetDateTime,
    /// The fields that changed, by their paths in the contract.
    pub(crate) changed_paths: Vec<String>,
    /// What was decided by it of the structure, where it was not amended.
    pub(crate) decision: Option<LinkDecision>,
}

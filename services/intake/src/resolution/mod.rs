//! Declarations of resolution: the structure says that its incident is over, of which the ANS
//! is informed without delay (art. D.1111-16-3 CSP).

mod decide;
mod events;
mod rpc;
mod store;

use time::OffsetDateTime;
use vocabulary::{Role, Text};

pub(crate) use self::{events::resolved, rpc::ResolutionRpc, store::resolutions_of};

/// How an incident was resolved, in the words of the structure.
type How = Text<1, 10_000>;

/// A declaration that the incident of a report is over (déclaration de résolution), as it
/// rests: its text is sealed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Resolution {
    /// Counts the declarations of the report, from 1: a case may be opened again.
    number: u32,
    /// When the incident was over.
    resolved_at: OffsetDateTime,
    /// When that was declared.
    declared_at: OffsetDateTime,
    /// The role in which it was declared.
    declared_by: Role,
    sealed_how: Vec<u8>,
}

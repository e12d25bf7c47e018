//! Cases of one cause (cause commune): attached to the case of what touched them all.

mod decide;
mod request;
mod rpc;
mod store;

use uuid::Uuid;

pub(crate) use self::rpc::CauseRpc;
use crate::cases::Note;

/// How many cases are attached at once.
const MOST: usize = 500;

/// A case that is to be attached.
#[derive(Clone, Debug)]
struct Attach {
    case_id: Uuid,
    /// The etag that the case must still have; any when `None`.
    etag: Option<String>,
    /// The case of the common cause.
    to: Uuid,
    note: Option<Note>,
}

/// Cases that are to be attached.
#[derive(Clone, Debug)]
struct AttachMany {
    case_ids: Vec<Uuid>,
    /// The case of the common cause.
    to: Uuid,
    note: Option<Note>,
}

/// A case that is to be detached.
#[derive(Clone, Debug)]
struct Detach {
    case_id: Uuid,
    /// The etag that the case must still have; any when `None`.
    etag: Option<String>,
    note: Option<Note>,
}

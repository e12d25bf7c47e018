//! Consequences for care in a territory (conséquences sur l'offre de soins), as the agency
//! records them, and what it does about them.

mod decide;
mod events;
mod request;
mod rpc;
mod store;

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use uuid::Uuid;
use vocabulary::{CareConsequenceKind, Line, Region, Role, Text};

pub(crate) use self::rpc::CareRpc;

/// The service that is touched.
type ServiceName = Line<1, 200>;

/// What happens and what is done about it.
type Description = Text<1, 4_000>;

/// What is said of a consequence.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Draft {
    kind: CareConsequenceKind,
    service_name: Option<ServiceName>,
    description: Description,
    /// How many persons it touches.
    persons: Option<u32>,
    begun_at: OffsetDateTime,
}

/// A consequence as it rests, its texts sealed.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Consequence {
    /// Derived from its author and the request.
    id: Uuid,
    case_id: Uuid,
    /// Its place among those of the case, from 1.
    number: u64,
    /// Counts the changes, from 1.
    revision: u64,
    /// Where care is touched; `None` where it is no region in particular.
    region: Option<Region>,
    kind: CareConsequenceKind,
    persons: Option<u32>,
    begun_at: OffsetDateTime,
    ended_at: Option<OffsetDateTime>,
    author_role: Role,
    author: String,
    recorded_at: OffsetDateTime,
    changed_at: OffsetDateTime,
    sealed_texts: Vec<u8>,
}

/// The texts of a consequence, which rest sealed.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Texts {
    service_name: String,
    description: String,
}

impl From<&Draft> for Texts {
    fn from(draft: &Draft) -> Self {
        let service_name = draft.service_name.as_ref();
        Self {
            service_name: service_name
                .map(|name| name.as_str().to_owned())
                .unwrap_or_default(),
            description: draft.description.as_str().to_owned(),
        }
    }
}

/// Binds the sealed texts to their consequence.
fn purpose(consequence_id: Uuid) -> Vec<u8> {
    [b"care_consequence:".as_slice(), consequence_id.as_bytes()].concat()
}
